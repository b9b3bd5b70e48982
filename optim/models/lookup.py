"""What is looked up: a table of one row for each token or id."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..plan import Axis, Layer, Tie
from .part import Part, Weights, as_rows


class Lookup(Part):
    """Ids (any shape) in, (*shape, values) out. A kind of table names the attribute that holds its `nn.Embedding`.

    So weights that were stored keep their names. `out_of`: the group of the rows, empty where rows are never counted
    as one.
    """

    held: str
    out_of: str

    def __init__(self, rows: str, into: str) -> None:
        super().__init__()
        self.rows, self.into = rows, into

    @property
    def values(self) -> Tensor:
        """(rows, values)."""
        found: nn.Embedding = getattr(self, self.held)
        return found.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return self.gated(self.into, getattr(self, self.held)(tokens))

    def axes(self) -> dict[str, Sequence[Axis]]:
        return {f"{self.held}.weight": ((Tie(self.out_of),) if self.out_of else (), (Tie(self.into),))}

    def made(self) -> dict[str, Tensor]:
        return {self.into: as_rows(self.values.T)}

    def weights(self) -> list[Weights]:
        return [Weights(self.values, self.values.detach().abs())]

    def layers(self, name: str, positions: int) -> list[Layer]:  # noqa: ARG002 (it is looked up)
        rows, size = self.values.shape
        return [
            Layer(
                name=name, into=self.into, out_of=self.out_of, outputs=size, inputs=rows, kernel=1, positions=0,
                biases=0,
            )
        ]  # fmt: skip

    def matrix(self) -> Tensor | None:
        return self.values.T

    @torch.no_grad()
    def put(self, matrix: Tensor) -> None:
        self.values.copy_(matrix.T)
