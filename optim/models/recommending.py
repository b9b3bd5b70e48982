"""The parts recommenders are made of: a table of users or films that is looked up, and scores of all films at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from ..plan import Axis, Layer, Tie, Widths
from .lookup import Lookup
from .network import CLASSES
from .part import Part, Weights, as_rows

USERS, FILMS, VALUE = "users", "films", "value"
"""Groups that are never pruned: who is known, what can be looked up (films and padding), the one number of a score."""
STD = 0.01
"""Of a fresh embedding's values: small, so that popularity decides at first."""


class Table(Lookup):
    """One row of values for each id."""

    held = "embedding"

    def __init__(self, widths: Widths, rows: str, into: str, *, std: float = STD) -> None:
        super().__init__(rows, into)
        self.out_of = rows
        self.embedding = nn.Embedding(widths[rows], widths[into])
        nn.init.normal_(self.embedding.weight, std=std)

    def split(self, widths: Widths, rank: str) -> tuple[Part, Part]:
        return Table(widths, self.rows, rank), Dense(widths, rank, self.into, bias=False)


class Dense(Part):
    """A linear layer over the last axis; its matrix is kept as it stands in the file, (inputs, outputs)."""

    def __init__(self, widths: Widths, out_of: str, into: str, *, bias: bool = True) -> None:
        super().__init__()
        self.out_of, self.into = out_of, into
        bound = 1 / math.sqrt(widths[out_of])
        self.weight = nn.Parameter(torch.empty(widths[out_of], widths[into]).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(widths[into]).uniform_(-bound, bound)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        made = x @ self.weight
        return self.gated(self.into, made if self.bias is None else made + self.bias)

    def axes(self) -> dict[str, Sequence[Axis]]:
        into, out_of = (Tie(self.into),), (Tie(self.out_of),)
        return {"weight": (out_of, into), **({} if self.bias is None else {"bias": (into,)})}

    def made(self) -> dict[str, Tensor]:
        return {self.into: as_rows(self.weight.T)} if self.into != VALUE else {}

    def weights(self) -> list[Weights]:
        return [Weights(self.weight, self.weight.detach().abs())]

    def layers(self, name: str, positions: int) -> list[Layer]:
        inputs, outputs = self.weight.shape
        return [
            Layer(name=name, into=self.into, out_of=self.out_of, outputs=outputs, inputs=inputs, kernel=1,
                  positions=positions, biases=int(self.bias is not None))
        ]  # fmt: skip

    def matrix(self) -> Tensor | None:
        return self.weight.T

    def split(self, widths: Widths, rank: str) -> tuple[Part, Part]:
        bias, same = self.bias is not None, type(self)
        return same(widths, self.out_of, rank, bias=False), same(widths, rank, self.into, bias=bias)

    @torch.no_grad()
    def put(self, matrix: Tensor) -> None:
        self.weight.copy_(matrix.T)

    @torch.no_grad()
    def inherit(self, whole: Part) -> None:
        if isinstance(whole, Dense) and self.bias is not None and whole.bias is not None:
            self.bias.copy_(whole.bias)

    def constants(self) -> tuple[int, ...]:
        return (int(self.bias is not None),)


class Scores(Part):
    """Inner products with one row per film, and what each film is worth to anybody: (b, values) to (b, films).

    The rows make the values as much as the other side does, so pruning looks at both.
    """

    def __init__(self, widths: Widths, out_of: str, *, std: float = STD) -> None:
        super().__init__()
        self.out_of = out_of
        self.linear = nn.Linear(widths[out_of], widths[CLASSES])
        nn.init.normal_(self.linear.weight, std=std)
        nn.init.zeros_(self.linear.bias)

    @torch.no_grad()
    def expect(self, labels: Tensor) -> None:
        """Start from popularity: to anybody a film is worth the logarithm of how many of the users chose it.

        `labels`: bool (users, films). One is added to each count, so that a film nobody chose is possible.
        """
        self.linear.bias.copy_(torch.log1p(labels.sum(0).float()))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.gated(self.out_of, x))

    def axes(self) -> dict[str, Sequence[Axis]]:
        return {"linear.weight": ((Tie(CLASSES),), (Tie(self.out_of),)), "linear.bias": ((Tie(CLASSES),),)}

    def made(self) -> dict[str, Tensor]:
        return {self.out_of: as_rows(self.linear.weight.T)}

    def weights(self) -> list[Weights]:
        return [Weights(self.linear.weight, self.linear.weight.detach().abs())]

    def layers(self, name: str, positions: int) -> list[Layer]:
        films, values = self.linear.weight.shape
        return [
            Layer(name=name, into=CLASSES, out_of=self.out_of, outputs=films, inputs=values, kernel=1,
                  positions=positions)
        ]  # fmt: skip

    def matrix(self) -> Tensor | None:
        return self.linear.weight

    def split(self, widths: Widths, rank: str) -> tuple[Part, Part]:
        return Dense(widths, self.out_of, rank, bias=False), Scores(widths, rank)

    @torch.no_grad()
    def put(self, matrix: Tensor) -> None:
        self.linear.weight.copy_(matrix)

    @torch.no_grad()
    def inherit(self, whole: Part) -> None:
        assert isinstance(whole, Scores)
        self.linear.bias.copy_(whole.linear.bias)


class ItemTower(Scores):
    """Scores whose rows come from the film's id and from what is known of it: row = own row + features @ matrix.

    Nothing of this depends on the user: in the exported file one table stands for the whole tower.
    """

    def __init__(self, widths: Widths, out_of: str, features: Tensor, *, std: float = STD) -> None:
        super().__init__(widths, out_of, std=std)
        self.register_buffer("features", features, persistent=False)
        self.known = nn.Linear(features.shape[1], widths[out_of], bias=False)
        nn.init.normal_(self.known.weight, std=std)

    def rows(self) -> Tensor:
        """(films, values)."""
        return self.linear.weight + self.known(self.features)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.rows() if hasattr(self, "known") else self.linear.weight
        return linear(self.gated(self.out_of, x), weight, self.linear.bias)

    def axes(self) -> dict[str, Sequence[Axis]]:
        return {**super().axes(), "known.weight": ((Tie(self.out_of),),)}

    def made(self) -> dict[str, Tensor]:
        return {self.out_of: as_rows(self.rows().T)}

    def matrix(self) -> Tensor | None:
        return self.rows()

    def fold(self) -> None:
        with torch.no_grad():
            self.linear.weight.copy_(self.rows())
        del self.known, self.features
