"""Matrix factorization (Koren et al. 2009, doi:10.1109/MC.2009.263), trained on which films each user has watched."""

from __future__ import annotations

from torch import Tensor, nn

from ..catalog import Dataset
from .network import CLASSES, Network, Widths
from .recommending import USERS, Scores, Table

FACTORS = 64
"""At width 1."""
DROPOUT = 0.5


def build(width: float, row: Dataset) -> Network:
    """Score of a film = inner product of the user's and the film's factors + what the film is worth to anybody."""
    widths = {USERS: row.sizes["train"], CLASSES: row.outputs, "factors": round(width * FACTORS)}
    return MatrixFactorization(widths)


class MatrixFactorization(Network):
    """Ids of users go in, with their history, which is not looked at."""

    def __init__(self, widths: Widths) -> None:
        super().__init__(MatrixFactorization, widths, {"factors": "factors"})
        self.users = Table(widths, USERS, "factors")
        self.dropout = nn.Dropout(DROPOUT)
        self.scores = Scores(widths, "factors")

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(self.dropout(self.users(x[:, 0])))

    def expect(self, labels: Tensor) -> None:
        """Start from popularity: labels (users, films) bool."""
        self.scores.expect(labels)
