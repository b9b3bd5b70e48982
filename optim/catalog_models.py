"""The models on the menu: one row each, beside one file per family in `optim/models/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SGD_RATE, SGD_RECOVERY = 0.1, 0.03


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

    def rate(self, *, from_scratch: bool) -> float:
        """Peak learning rate when the user leaves it open."""
        return self.scratch_rate if from_scratch else self.recovery_rate


MODELS: Mapping[str, Model] = {
    row.name: row
    for row in (
        Model("cnn", "CNN", "optim.models.cnn:build", "Three plain convolutions with pooling."),
        Model("resnet8", "ResNet-8", "optim.models.resnet:build_resnet8", "Three stages of one residual block."),
        Model("resnet20", "ResNet-20", "optim.models.resnet:build_resnet20", "Three stages of three residual blocks."),
        Model(
            "matrix-factorization",
            "Matrix factorization",
            "optim.models.matrix_factorization:build",
            "Inner product of a user's and a film's factors.",
            ("recommendation",),
        ),
        Model(
            "neumf",
            "NeuMF",
            "optim.models.neumf:build",
            "Matrix factorization beside a small network for each pair of user and film.",
            ("recommendation",),
        ),
        Model(
            "two-tower",
            "Two towers",
            "optim.models.two_tower:build",
            "A network for the user's history meets a table for the films.",
            ("recommendation",),
        ),
    )
}
