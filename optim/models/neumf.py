"""Neural matrix factorization (He et al. 2017, arXiv:1708.05031, section 3.4): GMF beside an MLP."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import relu

from ..catalog import Dataset
from .network import CLASSES, Network, Widths
from .recommending import STD, USERS, VALUE, EachFilm, Pairs, Scores, Table

FACTORS, LAYERS = 48, (16, 8)
"""Of GMF, and of the MLP's layers, at width 1."""
DROPOUT = 0.3


def build(width: float, row: Dataset) -> Network:
    """GMF and MLP have tables of their own (section 3.4); all films are scored at once.

    The first layer of the MLP is linear in user and film, before it is rectified: a matrix times both embeddings, side
    by side, is one row for the user plus one for the film. These sums are what the tables hold. So do the rows of GMF
    hold its output weights.
    """
    layers = {f"layer{number}": round(width * size) for number, size in enumerate(LAYERS, 1)}
    return NeuMF(
        {USERS: row.sizes["train"], CLASSES: row.outputs, VALUE: 1, "factors": round(width * FACTORS), **layers}
    )


class NeuMF(Network):
    """Groups: the factors of GMF, and each layer of the MLP."""

    def __init__(self, widths: Widths) -> None:
        numbers = range(1, len(LAYERS) + 1)
        super().__init__(NeuMF, widths, {"factors": "factors", **{f"layer{n}": f"MLP layer {n}" for n in numbers}})
        self.dropout = nn.Dropout(DROPOUT)
        self.users = Table(widths, USERS, "factors")
        self.scores = Scores(widths, "factors")
        self.pairs = Pairs(widths, "layer1", dropout=DROPOUT)
        self.hidden = nn.ModuleList(EachFilm(widths, f"layer{n}", f"layer{n + 1}") for n in numbers[:-1])
        self.value = EachFilm(widths, f"layer{numbers[-1]}", VALUE)
        nn.init.normal_(self.value.weight, std=STD)

    def forward(self, x: Tensor) -> Tensor:
        user = x[:, 0]
        inside = relu(self.pairs(user))
        for layer in self.hidden:
            inside = relu(layer(inside))
        return self.scores(self.dropout(self.users(user))) + self.value(inside).squeeze(1)

    def expect(self, labels: Tensor) -> None:
        """Start from popularity: labels (users, films) bool."""
        self.scores.expect(labels)
