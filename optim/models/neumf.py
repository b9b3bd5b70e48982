"""Neural matrix factorization (He et al. 2017, arXiv:1708.05031, section 3.4): GMF beside an MLP."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from ..catalog import Dataset
from ..plan import Axis, Layer, Tie, Widths
from .network import CLASSES, Network
from .part import Part, Weights, as_rows
from .recommending import STD, USERS, VALUE, Dense, Scores, Table

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


class EachFilm(Dense):
    """The same for each film, x (b, inputs, films): with films last, long rows are added and few numbers repeated."""

    turned = False
    """Whether matrix and bias stand as they are multiplied and added: (outputs, inputs), (outputs, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        made = (self.weight if self.turned else self.weight.T) @ x
        if self.bias is not None:
            made = made + (self.bias if self.turned else self.bias[:, None])
        return self.gated(self.into, made, axis=1)

    def positions(self, output: Tensor) -> int:
        return output[0, 0].numel()

    def fold(self) -> None:
        self.weight, self.turned = nn.Parameter(self.weight.detach().T.contiguous()), True
        if self.bias is not None:
            self.bias = nn.Parameter(self.bias.detach()[:, None].contiguous())


class Pairs(Part):
    """The sum of one row for the user and one for each film: ids of users (b,) in, (b, values, films) out."""

    def __init__(self, widths: Widths, into: str, *, dropout: float, std: float = STD) -> None:
        super().__init__()
        self.into = into
        self.users = nn.Embedding(widths[USERS], widths[into])
        self.films = nn.Parameter(torch.empty(widths[CLASSES], widths[into]))
        self.bias = nn.Parameter(torch.zeros(widths[into]))
        self.dropout, self.turned = nn.Dropout(dropout), False
        for tensor in (self.users.weight, self.films):
            nn.init.normal_(tensor, std=std)

    def forward(self, users: Tensor) -> Tensor:
        films = self.films if self.turned else self.films.T
        return self.gated(self.into, (self.dropout(self.users(users)) + self.bias).unsqueeze(2) + films, axis=1)

    def fold(self) -> None:
        self.films, self.turned = nn.Parameter(self.films.detach().T.contiguous()), True

    def axes(self) -> dict[str, Sequence[Axis]]:
        into = (Tie(self.into),)
        return {"users.weight": ((Tie(USERS),), into), "films": ((Tie(CLASSES),), into), "bias": (into,)}

    def made(self) -> dict[str, Tensor]:
        return {self.into: as_rows(self.users.weight.T, self.films.T)}

    def weights(self) -> list[Weights]:
        return [Weights(tensor, tensor.detach().abs()) for tensor in (self.users.weight, self.films)]

    def layers(self, name: str, positions: int) -> list[Layer]:  # noqa: ARG002 (they are looked up)
        users, films, values = len(self.users.weight), *self.films.shape
        return [
            Layer(name=f"{name}.users", into=self.into, out_of=USERS, outputs=values, inputs=users, kernel=1,
                  positions=0, biases=0),
            Layer(name=f"{name}.films", into=self.into, out_of=CLASSES, outputs=values, inputs=films, kernel=1,
                  positions=0),
        ]  # fmt: skip


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
