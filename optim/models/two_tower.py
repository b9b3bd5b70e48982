"""Two towers (Covington et al. 2016, doi:10.1145/2959100.2959190): one for what a user watched, one for the films."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from .. import catalog
from ..catalog import Dataset
from .network import CLASSES, Network, Widths
from .recommending import FILMS, STD, Dense, ItemTower, Table

HISTORY, HIDDEN, MATCH = 64, 64, 64
"""Values of a film in a history, units of the user's tower, values in which both towers meet; at width 1."""
FORGET, DROPOUT = 0.5, 0.3
"""Share of a history that one step of training does not see, and of the user's values."""


def build(width: float, row: Dataset) -> Network:
    """Score of a film = inner product of the user's tower and the film's + what the film is worth to anybody.

    The user's number is not looked at: whoever has a history can be served without training anew.
    """
    sizes = {"history": HISTORY, "hidden": HIDDEN, "match": MATCH}
    known = torch.from_numpy(catalog.load(row.features)())
    widths = {FILMS: row.tokens, CLASSES: row.outputs}
    return TwoTower(known, {**widths, **{name: round(width * size) for name, size in sizes.items()}})


class TwoTower(Network):
    """`known`: what is known of each film beforehand, float32 (films, features)."""

    def __init__(self, known: Tensor, widths: Widths) -> None:
        labels = {"history": "values of a film in a history", "hidden": "user tower", "match": "where the towers meet"}
        super().__init__(partial(TwoTower, known), widths, labels)
        self.history = Table(widths, FILMS, "history")
        self.forget = nn.Dropout(FORGET)
        self.straight = Dense(widths, "history", "match", bias=False)
        self.hidden, self.match = Dense(widths, "history", "hidden"), Dense(widths, "hidden", "match")
        nn.init.normal_(self.match.weight, std=STD)
        self.dropout = nn.Dropout(DROPOUT)
        self.scores = ItemTower(widths, "match", known)

    def forward(self, x: Tensor) -> Tensor:
        watched = self.watched(x[:, 1:])
        user = self.straight(watched) + self.match(relu(self.hidden(watched)))
        return self.scores(self.dropout(user))

    def watched(self, films: Tensor) -> Tensor:
        """Sum of the films' values over the root of their number: ids (b, length), 0 = none, to (b, values)."""
        there = self.forget((films > 0).float())
        number = (there > 0).float().sum(1, keepdim=True)
        return (self.history(films) * there.unsqueeze(-1)).sum(1) / number.clamp(min=1).sqrt()

    def expect(self, labels: Tensor) -> None:
        """Start from popularity: labels (users, films) bool."""
        self.scores.expect(labels)
