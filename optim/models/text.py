"""Parts that networks for texts share: the table of token vectors, and the logits over pooled features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..catalog import STEM_CHANNELS, Dataset
from ..plan import Axis, Layer, Tie, Widths
from .lookup import Lookup
from .network import CLASSES
from .part import Part, Weights, as_rows
from .recommending import Dense

TOKENS, EMBEDDING = "tokens", "embedding"


class Dropout(nn.Module):
    """Dropout (Srivastava et al. 2014) of this share, from a stream of its own: replicas in threads leave its draws."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share, self.random = share, torch.Generator().manual_seed(0)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = torch.rand(x.shape, generator=self.random) >= self.share
        return x * (kept.to(x) / (1 - self.share))


class Table(Lookup):
    """A vector for each token; that of padding (token 0) is zero."""

    held, out_of = "table", ""

    def __init__(self, widths: Widths, rows: str, into: str) -> None:
        super().__init__(rows, into)
        self.table = nn.Embedding(widths[rows], widths[into], padding_idx=0)

    def split(self, widths: Widths, rank: str) -> tuple[Part, Part]:
        return Table(widths, self.rows, rank), Dense(widths, rank, self.into, bias=False)


class Logits(Part):
    """One linear layer from features (b, f), whose ties are `axis`, to the logits, or to units that these come from.

    `dropout`: the share of the features that it does not see in training.
    """

    def __init__(self, widths: Widths, axis: Axis, into: str = CLASSES, *, bias: bool = True, dropout: float) -> None:
        super().__init__()
        self.axis, self.out_of, self.into = axis, axis[0].group, into
        self.dropout = Dropout(dropout)
        self.linear = nn.Linear(length_of(axis, widths), widths[into], bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.gated(self.into, self.linear(self.dropout(x)))

    def axes(self) -> dict[str, Sequence[Axis]]:
        into = (Tie(self.into),)
        return {"linear.weight": (into, self.axis), **({} if self.linear.bias is None else {"linear.bias": (into,)})}

    def made(self) -> dict[str, Tensor]:
        return {} if self.into == CLASSES else {self.into: as_rows(self.linear.weight)}

    def weights(self) -> list[Weights]:
        return [plain(self.linear.weight)]

    def layers(self, name: str, positions: int) -> list[Layer]:  # noqa: ARG002 - it has one
        outputs, inputs = self.linear.weight.shape
        biases = int(self.linear.bias is not None)
        return [
            Layer(
                name=name, into=self.into, out_of=tie.group, outputs=outputs, inputs=units,
                kernel=tie.repeat * tie.each, positions=1, biases=biases * (place == 0),
            )
            for place, (tie, units) in enumerate(shared(self.axis, inputs))
        ]  # fmt: skip

    def matrix(self) -> Tensor | None:
        return self.linear.weight

    def split(self, widths: Widths, rank: str) -> tuple[Part, Part]:
        first = Logits(widths, self.axis, rank, bias=False, dropout=self.dropout.share)
        return first, Logits(widths, (Tie(rank),), self.into, dropout=0.0)

    @torch.no_grad()
    def put(self, matrix: Tensor) -> None:
        self.linear.weight.copy_(matrix)

    @torch.no_grad()
    def inherit(self, whole: Part) -> None:
        assert isinstance(whole, Logits)
        if self.linear.bias is not None:
            self.linear.bias.copy_(whole.linear.bias)

    def constants(self) -> tuple[int, ...]:
        return (int(self.linear.bias is not None),)


def plain(weight: Tensor) -> Weights:
    """A tensor whose values arrive as they are."""
    return Weights(weight, weight.detach().abs())


def length_of(axis: Axis, widths: Widths) -> int:
    """Entries along an axis.

    >>> length_of((Tie("a", repeat=2), Tie("b", each=3)), {"a": 5, "b": 1})
    13
    """
    return sum(widths[tie.group] * tie.repeat * tie.each for tie in axis)


def shared(axis: Axis, entries: int) -> list[tuple[Tie, int]]:
    """Each tie of an axis of so many entries with the units of its group; groups of one axis are of one size.

    >>> shared((Tie("a"), Tie("b")), 8)
    [(Tie(group='a', repeat=1, each=1), 4), (Tie(group='b', repeat=1, each=1), 4)]
    """
    return [(tie, entries // sum(other.repeat * other.each for other in axis)) for tie in axis]


def sized(width: float, each: int) -> int:
    """`each` units for every channel that the first stage of an image network has at this width.

    >>> sized(0.5, 4)
    32
    """
    return round(width * STEM_CHANNELS) * each


def ends(row: Dataset) -> Widths:
    """What goes in and comes out."""
    return {TOKENS: row.tokens, CLASSES: len(row.classes)}
