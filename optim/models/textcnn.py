"""Convolutions over a text, the strongest answer of each filter (Kim 2014, arXiv:1408.5882)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..catalog import Dataset
from ..plan import Axis, Layer, Tie, Widths
from .network import Network
from .part import Part, Weights, as_rows
from .text import EMBEDDING, TOKENS, Dropout, Logits, Table, ends, plain, sized

WINDOWS = (3, 5)
"""Characters that a filter sees; odd, so that as many lie before its middle as behind."""
DIMENSIONS, FILTERS = 4, 12
"""Of the embedding, and of each window, for every 1/16 of width: 64 and 192 at width 1."""


def build(width: float, row: Dataset) -> Network:
    """Filters over three and over five characters, side by side."""
    filters = {f"window{size}": sized(width, FILTERS) for size in WINDOWS}
    return TextCnn({**ends(row), EMBEDDING: sized(width, DIMENSIONS), **filters})


class Window(Part):
    """A convolution over time, rectified, and silent outside the text."""

    def __init__(self, widths: Widths, out_of: str, into: str, size: int) -> None:
        super().__init__()
        self.out_of, self.into = out_of, into
        self.conv = nn.Conv1d(widths[out_of], widths[into], size, padding=size // 2)

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        """Of x (b, dimensions, length), zero outside the text, and `inside` (b, 1, length), 1 or 0."""
        return torch.relu(self.gated(self.into, self.conv(x), axis=1)) * inside

    def positions(self, output: Tensor) -> int:
        return output[0, 0].numel()

    def axes(self) -> dict[str, Sequence[Axis]]:
        return {"conv.weight": ((Tie(self.into),), (Tie(self.out_of),)), "conv.bias": ((Tie(self.into),),)}

    def made(self) -> dict[str, Tensor]:
        return {self.into: as_rows(self.conv.weight)}

    def weights(self) -> list[Weights]:
        return [plain(self.conv.weight)]

    def layers(self, name: str, positions: int) -> list[Layer]:
        outputs, inputs, size = self.conv.weight.shape
        return [
            Layer(
                name=name, into=self.into, out_of=self.out_of, outputs=outputs, inputs=inputs, kernel=size,
                positions=positions,
            )
        ]  # fmt: skip


class TextCnn(Network):
    """Groups: the embedding's dimensions, and the filters of each window."""

    def __init__(self, widths: Widths) -> None:
        names = {f"window{size}": size for size in WINDOWS}
        labels = {EMBEDDING: "embedding dimensions", **{name: f"filters of {size}" for name, size in names.items()}}
        super().__init__(TextCnn, widths, labels)
        self.table = Table(widths, TOKENS, EMBEDDING)
        self.windows = nn.ModuleList(Window(widths, EMBEDDING, name, size) for name, size in names.items())
        self.dropout = Dropout()
        self.head = Logits(widths, tuple(Tie(name) for name in names))

    def forward(self, tokens: Tensor) -> Tensor:
        """(b, length), padded with 0 at the end -> logits (b, classes)."""
        inside = (tokens != 0).float()[:, None]
        x = self.dropout(self.table(tokens)).transpose(1, 2)
        return self.head(torch.cat([window(x, inside).amax(2) for window in self.windows], 1))
