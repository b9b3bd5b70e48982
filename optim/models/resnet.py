"""Residual networks for small images (He et al. 2016, arXiv:1512.03385, section 4.2)."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn
from torch.nn.functional import relu

from ..catalog import STEM_CHANNELS, Dataset
from .network import PIXELS, STRIDE, Classifier, ConvUnit, Network, Widths, stage_widths

STAGES = 3


def build_resnet8(width: float, row: Dataset) -> Network:
    """Three stages of one block: 7 convolutions in the longest path, and the classifier."""
    return _fresh(1, width, row)


def build_resnet20(width: float, row: Dataset) -> Network:
    """Three stages of three blocks: 19 convolutions in the longest path, and the classifier."""
    return _fresh(3, width, row)


def _fresh(blocks: int, width: float, row: Dataset) -> Network:
    widths = stage_widths(width, STAGES, row, STEM_CHANNELS)
    for stage in range(1, STAGES + 1):
        for block in range(1, blocks + 1):
            widths[f"stage{stage}.block{block}"] = widths[f"stage{stage}"]
    network = ResNet(blocks, widths)
    network.reset()
    return network


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut; the shortcut is a 1x1 convolution where the shape changes."""

    def __init__(self, widths: Widths, out_of: str, inner: str, into: str, stride: int) -> None:
        super().__init__()
        self.first = ConvUnit(widths, out_of, inner, stride=stride)
        self.second = ConvUnit(widths, inner, into)
        same = out_of == into and stride == 1
        self.shortcut = nn.Identity() if same else ConvUnit(widths, out_of, into, kernel=1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.second(relu(self.first(x))) + self.shortcut(x))


class ResNet(Network):
    """Groups: the stem with the first stage's sums, each later stage's sums, and each block's inside."""

    def __init__(self, blocks: int, widths: Widths) -> None:
        super().__init__(partial(ResNet, blocks), widths, _labels(blocks))
        self.stem = ConvUnit(widths, PIXELS, "stage1", stride=widths.get(STRIDE, 1))
        self.blocks = nn.Sequential(*_blocks(blocks, widths))
        self.head = Classifier(widths, f"stage{STAGES}")

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(relu(self.stem(self.normalized(x)))))


def _blocks(blocks: int, widths: Widths) -> list[Block]:
    made, before = [], "stage1"
    for stage in range(1, STAGES + 1):
        into = f"stage{stage}"
        for block in range(1, blocks + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            made.append(Block(widths, before, f"{into}.block{block}", into, stride))
            before = into
    return made


def _labels(blocks: int) -> dict[str, str]:
    labels = {}
    for stage in range(1, STAGES + 1):
        labels[f"stage{stage}"] = f"stage {stage} sum" if stage > 1 else "stem and stage 1 sum"
        for block in range(1, blocks + 1):
            labels[f"stage{stage}.block{block}"] = f"stage {stage} block {block} inside"
    return labels
