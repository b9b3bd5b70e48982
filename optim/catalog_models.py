"""The models on the menu: one row each, beside one file per family in `optim/models/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    name: str
    label: str
    function: str
    help: str
    dataset_kinds: tuple[str, ...] = ("image",)


MODELS: Mapping[str, Model] = {
    row.name: row
    for row in (
        Model("cnn", "CNN", "optim.models.cnn:build", "Three plain convolutions with pooling."),
        Model("resnet8", "ResNet-8", "optim.models.resnet:build_resnet8", "Three stages of one residual block."),
        Model("resnet20", "ResNet-20", "optim.models.resnet:build_resnet20", "Three stages of three residual blocks."),
    )
}
