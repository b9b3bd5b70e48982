"""A few plain convolutions with pooling, after LeNet (LeCun et al. 1998, fig. 2), with batch norm."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

from ..catalog import STEM_CHANNELS, Dataset
from .network import PIXELS, STRIDE, Classifier, ConvUnit, Network, Widths, stage_widths

STAGES = 3


def build(width: float, row: Dataset) -> Network:
    """Three convolutions; 2x2 maximum pooling after the first two."""
    network = Cnn(stage_widths(width, STAGES, row, STEM_CHANNELS))
    network.reset()
    return network


class Cnn(Network):
    def __init__(self, widths: Widths) -> None:
        super().__init__(Cnn, widths, {f"stage{i}": f"convolution {i}" for i in range(1, STAGES + 1)})
        names = [PIXELS, *(f"stage{i}" for i in range(1, STAGES + 1))]
        stem, *inner = pairwise(names)
        first = ConvUnit(widths, *stem, stride=widths.get(STRIDE, 1))
        self.units = nn.ModuleList([first, *(ConvUnit(widths, *pair) for pair in inner)])
        self.head = Classifier(widths, names[-1])

    def forward(self, x: Tensor) -> Tensor:
        x = relu(self.units[0](self.normalized(x)))
        for unit in self.units[1:]:
            x = relu(unit(max_pool2d(x, 2)))
        return self.head(x)
