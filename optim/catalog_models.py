"""The models on the menu: one row each, beside one file per family in `optim/models/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

SGD_RATE, SGD_RECOVERY = 0.1, 0.03
TEXT_DECAY = 4e-3
"""Pull of the weights in baselines of texts: 0.1 as AdamW counts it."""
Quantizer = Literal["quantize-int8", "quantize-dynamic"]
STATIC: Quantizer = "quantize-int8"
DYNAMIC: Quantizer = "quantize-dynamic"


@dataclass(frozen=True)
class Model:
    name: str
    label: str
    function: str
    help: str
    dataset_kinds: tuple[str, ...] = ("image",)
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """sgd: with Nesterov momentum. adamw: Loshchilov and Hutter 2019, arXiv:1711.05101."""
    scratch_rate: float = SGD_RATE
    """Peak learning rate of a network that nothing has trained yet."""
    recovery_rate: float = SGD_RECOVERY
    """The usual one after a baseline: a high rate wipes out what pruning left."""
    weight_decay: float = 5e-4
    """Of its baselines, as `weight_decay` of a training step counts it."""

    label_smoothing: float = 0.0
    """Of its baselines: share of the target that is spread over all classes."""

    quantizer: Quantizer = STATIC
    """What makes INT8 files of it in a search and a profile: where both can, the one whose files are faster. Half of
    transformer:3 was 2.3 times as fast as the whole with scales as they come and 1.75 times with calibrated ones, half
    of textcnn:1 1.9 and 2.3 times (one core, AMD EPYC, ONNX Runtime 1.32.0)."""

    def rate(self, *, from_scratch: bool) -> float:
        """Peak learning rate when the user leaves it open."""
        return self.scratch_rate if from_scratch else self.recovery_rate


def _text(name: str, label: str, build: str, told: str, rate: float, quantizer: Quantizer = DYNAMIC) -> Model:
    return Model(
        name, label, f"optim.models.{build}", told, ("text",), optimizer="adamw", scratch_rate=rate,
        recovery_rate=rate / 4, weight_decay=TEXT_DECAY, label_smoothing=0.1, quantizer=quantizer,
    )  # fmt: skip


_RANKING: dict[str, Any] = {"quantizer": DYNAMIC, "scratch_rate": 0.01, "recovery_rate": 0.003, "weight_decay": 0.03}
"""Of recommenders, chosen on validation: with less pull, their many embeddings learn each user's list by heart."""

MODELS: Mapping[str, Model] = {
    row.name: row
    for row in (
        Model("cnn", "CNN", "optim.models.cnn:build", "Three plain convolutions with pooling."),
        Model("resnet8", "ResNet-8", "optim.models.resnet:build_resnet8", "Three stages of one residual block."),
        Model("resnet20", "ResNet-20", "optim.models.resnet:build_resnet20", "Three stages of three residual blocks."),
        _text("lstm", "LSTM", "recurrent:build_lstm", "One recurrent layer, read in both directions.", 4e-3),
        _text("lstm-2", "LSTM, 2 layers", "recurrent:build_lstm_2", "Two layers, read in both directions.", 4e-3),
        _text("lstm-forward", "LSTM, forward", "recurrent:build_lstm_forward", "One layer, read forward only.", 4e-3),
        _text("gru", "GRU", "recurrent:build_gru", "One recurrent layer of three gates, both directions.", 4e-3),
        _text("gru-2", "GRU, 2 layers", "recurrent:build_gru_2", "Two layers, read in both directions.", 4e-3),
        _text("gru-forward", "GRU, forward", "recurrent:build_gru_forward", "One layer, read forward only.", 4e-3),
        _text("transformer", "Transformer", "transformer:build", "Two blocks of attention over the characters.", 3e-3),
        _text("textcnn", "Text CNN", "textcnn:build", "Filters over three and over five characters.", 3e-3, STATIC),
        Model(
            "matrix-factorization",
            "Matrix factorization",
            "optim.models.matrix_factorization:build",
            "Inner product of a user's and a film's factors.",
            ("recommendation",),
            optimizer="adamw",
            **_RANKING,
        ),
        Model(
            "neumf",
            "NeuMF",
            "optim.models.neumf:build",
            "Matrix factorization beside a small network for each pair of user and film.",
            ("recommendation",),
            optimizer="adamw",
            **_RANKING,
        ),
        Model(
            "two-tower",
            "Two towers",
            "optim.models.two_tower:build",
            "A network for the user's history meets a table for the films.",
            ("recommendation",),
            optimizer="adamw",
            **_RANKING,
        ),
    )
}
