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
DROPOUT = 0.3
"""Share of the vectors' values and of the features that training drops."""


def build(width: float, row: Dataset) -> Network:
    """Filters over three and over five characters, side by side."""
    filters = {f"window{size}": sized(width, FILTERS) for size in WINDOWS}
    return TextCnn({**ends(row), EMBEDDING: sized(width, DIMENSIONS), **filters})


class Window(Part):
    """A convolution over time: of x (b, units, length), zero outside the text, to (b, units, length)."""

    def __init__(self, widths: Widths, out_of: str, into: str, size: int, *, bias: bool = True) -> None:
        super().__init__()
        self.out_of, self.into = out_of, into
        self.conv = nn.Conv1d(widths[out_of], widths[into], size, padding=size // 2, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.gated(self.into, self.conv(x), axis=1)

    def positions(self, output: Tensor) -> int:
        return output[0, 0].numel()

    def axes(self) -> dict[str, Sequence[Axis]]:
        into = (Tie(self.into),)
        bias = {} if self.conv.bias is None else {"conv.bias": (into,)}
        return {"conv.weight": (into, (Tie(self.out_of),)), **bias}

    def made(self) -> dict[str, Tensor]:
        return {self.into: as_rows(self.conv.weight)}

    def weights(self) -> list[Weights]:
        return [plain(self.conv.weight)]

    def layers(self, name: str, positions: int) -> list[Layer]:
        outputs, inputs, size = self.conv.weight.shape
        return [
            Layer(
                name=name, into=self.into, out_of=self.out_of, outputs=outputs, inputs=inputs, kernel=size,
                positions=positions, biases=int(self.conv.bias is not None),
            )
        ]  # fmt: skip

    def matrix(self) -> Tensor | None:
        return self.conv.weight.flatten(1)

    def split(self, widths: Widths, rank: str) -> tuple[Part, Part]:
        first = Window(widths, self.out_of, rank, self.conv.kernel_size[0], bias=False)
        return first, Window(widths, rank, self.into, 1)

    @torch.no_grad()
    def put(self, matrix: Tensor) -> None:
        self.conv.weight.copy_(matrix.view_as(self.conv.weight))

    @torch.no_grad()
    def inherit(self, whole: Part) -> None:
        assert isinstance(whole, Window)
        if self.conv.bias is not None and whole.conv.bias is not None:
            self.conv.bias.copy_(whole.conv.bias)

    def constants(self) -> tuple[int, ...]:
        return (int(self.conv.bias is not None),)


class TextCnn(Network):
    """Groups: the embedding's dimensions, and the filters of each window."""

    def __init__(self, widths: Widths) -> None:
        names = {f"window{size}": size for size in WINDOWS}
        labels = {EMBEDDING: "embedding dimensions", **{name: f"filters of {size}" for name, size in names.items()}}
        super().__init__(TextCnn, widths, labels)
        self.table = Table(widths, TOKENS, EMBEDDING)
        self.windows = nn.ModuleList(Window(widths, EMBEDDING, name, size) for name, size in names.items())
        self.dropout = Dropout(DROPOUT)
        self.head = Logits(widths, tuple(Tie(name) for name in names), dropout=DROPOUT)

    def forward(self, tokens: Tensor) -> Tensor:
        """(b, length), padded with 0 at the end -> logits (b, classes). Filters are silent outside."""
        inside = (tokens != 0).float()[:, None]
        x = self.dropout(self.table(tokens)).transpose(1, 2)
        found = [torch.relu(window(x)) * inside for window in self.windows]
        return self.head(torch.cat([each.amax(2) for each in found], 1))
