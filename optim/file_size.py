"""About how many bytes the file of a network will have, before it is made. Light.

Weights take what their precision says; beside them stand the operators, and in 8 bits of each layer scales and zero
points. The sizes of these were read off exported files (`tests/test_file_size.py` compares with files made anew).
"""

from __future__ import annotations

from . import plan
from .plan import Anatomy

FP32_BYTES, INT8_BYTES = 4.0, 1.0
GRAPH_BYTES, LAYER_BYTES = 800, 400
"""What a file holds beside its weights: facts about itself, and the operators of each layer."""
INT8_GRAPH_BYTES, INT8_LAYER_BYTES, CHANNEL_BYTES = 1_700, 1_630, 9
"""The same in 8 bits, with scales for what goes from layer to layer; of each channel a scale, and a bias in 32 bits."""


def fp32(body: Anatomy) -> float:
    """Bytes of the file in 32 bits."""
    return GRAPH_BYTES + LAYER_BYTES * len(body.layers) + FP32_BYTES * plan.cost(body, {})[0]


def int8(body: Anatomy, kind: str) -> float | None:
    """Bytes of the file in 8 bits; None where that depends on which operators can be rewritten: of texts and rankings
    some tables and layers stay in 32 bits.
    """
    if kind != "image":
        return None
    channels = sum(layer.outputs for layer in body.layers if layer.biases)
    beside = INT8_GRAPH_BYTES + INT8_LAYER_BYTES * len(body.layers) + CHANNEL_BYTES * channels
    return beside + INT8_BYTES * plan.cost(body, {})[0]
