"""About how many bytes a file will have, from the layers of its network. Light.

Of an FP32 file the weights are nearly all. An INT8 file also holds scales and zero points for each output, the nodes
that quantize and dequantize around each operator, and the weights of operators that have no kernel in 8 bits. The
bytes below were fitted to files of every model at three sizes; they meet each within 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .plan import Anatomy, Layer
from .records import Step

CONVOLUTIONS, RECURRENT = ("stem", "blocks", "units", "windows"), ("layers",)
"""First words of the names of such layers."""
GATHERED, CONSTANT = ("table", "users", "history"), ("places", "distances", "films")
"""Last words of the names of tables that are looked up, and of those that are read whole and never quantized."""
LSTM_GATES = 4
"""A GRU has three, and no kernel in 8 bits."""


class Bytes(NamedTuple):
    """What a file holds beside its weights and scales."""

    graph: float
    """Input, output, metadata."""
    layer: float
    """Names and shapes of each layer."""
    quantized: float
    """And the nodes beside each that is in 8 bits."""
    mix: float
    """Nodes of a product of two activations."""


BESIDE = {
    "": Bytes(900, 400, 0, 600),
    "quantize-int8": Bytes(1870, 400, 1120, 4300),
    "quantize-dynamic": Bytes(1600, 370, 715, 2300),
}
"""By the technique that quantizes; empty: FP32."""
UNIT, BIASED_UNIT = 5, 13
"""Static: scale and zero point of one output's weights, and with those of its bias."""


def size_bytes(anatomy: Anatomy, steps: Sequence[Step]) -> float:
    """Of the file of this network, after those of the (complete) steps that quantize; `anatomy` is what is left."""
    step = next((step for step in steps if step.technique in BESIDE), None)
    technique = step.technique if step else ""
    beside, layers = BESIDE[technique], [layer for layer in anatomy.layers if layer.stored]
    values = _values(layers)
    short = {layer.name for layer in layers if step is not None and _short(layer, step, values[_matrix(layer)])}
    weights = sum(_own(layer) * (1 if layer.name in short else 4) for layer in layers)
    biases = sum(4 * layer.biases * layer.outputs for layer in layers)
    quantized = [layer for layer in layers if layer.name in short]
    scales = sum(map(_scales, quantized)) if technique == "quantize-int8" else 0
    matrices, rewritten = len(values), len({_matrix(layer) for layer in quantized})
    mixed = len(anatomy.layers) - len(layers)
    nodes = beside.graph + beside.layer * matrices + beside.quantized * rewritten + beside.mix * mixed
    return weights + biases + scales + nodes


def _short(layer: Layer, step: Step, values: int) -> bool:
    """Whether the step puts this layer's weights, `values` of them in its whole matrix, in 8 bits."""
    first, last = _matrix(layer).split(".")[0], _matrix(layer).split(".")[-1]
    if last in CONSTANT:
        return False
    if step.technique == "quantize-int8":
        return last not in GATHERED and first not in RECURRENT
    if last in GATHERED:
        return bool(step.knobs.get("tables", True))
    if first in RECURRENT:
        return layer.kernel % LSTM_GATES == 0
    return first not in CONVOLUTIONS and values >= int(step.knobs.get("smallest", 0))


def _once(layer: Layer) -> bool:
    """Product and bias in one operator, for one row."""
    return layer.positions == 1 and layer.biases > 0


def _scales(layer: Layer) -> int:
    convolution = layer.name.split(".")[0] in CONVOLUTIONS
    return layer.outputs * max(layer.biases, 1) * (BIASED_UNIT if convolution or _once(layer) else UNIT)


def _matrix(layer: Layer) -> str:
    """The name of the operator that holds it: rows of a layer are several where its inputs are of several groups."""
    return layer.name.removesuffix(".recurrent")


def _own(layer: Layer) -> int:
    return layer.kernel * layer.outputs * layer.inputs


def _values(layers: Sequence[Layer]) -> dict[str, int]:
    found: dict[str, int] = {}
    for layer in layers:
        found[_matrix(layer)] = found.get(_matrix(layer), 0) + _own(layer)
    return found
