"""How much each head of attention likes to look so many characters back or ahead.

Where a character stands beside another says more of a name than the number of its place: a scalar for each distance is
added to the score (Shaw et al. 2018, arXiv:1803.02155, as Raffel et al. 2020 do, arXiv:1910.10683, section 2.1).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..plan import Axis, Layer, Tie, Widths
from ..texts import LONGEST
from .part import Part, Weights

STD = 0.02
"""Of what a fresh head thinks of distances."""


class Distances(Part):
    """One number for each head and distance. On export it becomes a matrix over all places, so that nothing is gathered
    when a text is looked at.
    """

    def __init__(self, widths: Widths, heads: str) -> None:
        super().__init__()
        self.heads = heads
        self.liked = nn.Parameter(STD * torch.randn(widths[heads], 2 * LONGEST - 1))

    def forward(self, length: int) -> Tensor:
        """(heads, length, length): what is added to the score of a place (last) seen from another."""
        return (self.liked if self.liked.ndim == 3 else self.spread())[:, :length, :length]

    def spread(self) -> Tensor:
        """(heads, `LONGEST`, `LONGEST`)."""
        place = torch.arange(LONGEST, device=self.liked.device)
        return self.liked[:, place - place[:, None] + LONGEST - 1]

    def fold(self) -> None:
        self.liked = nn.Parameter(self.spread().detach().clone())

    def axes(self) -> dict[str, Sequence[Axis]]:
        return {"liked": ((Tie(self.heads),),)}

    def made(self) -> dict[str, Tensor]:
        return {}

    def weights(self) -> list[Weights]:
        return []

    def positions(self, output: Tensor) -> int:  # noqa: ARG002 - it multiplies nothing
        return 0

    def layers(self, name: str, positions: int) -> list[Layer]:
        return [
            Layer(name=name, into=self.heads, out_of="", outputs=len(self.liked), inputs=1, kernel=LONGEST**2,
                  positions=positions, biases=0)
        ]  # fmt: skip
