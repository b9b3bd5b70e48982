"""Recurrent networks for texts: LSTM (Hochreiter and Schmidhuber 1997) and GRU (Cho et al. 2014, arXiv:1406.1078)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from ..catalog import Dataset
from ..plan import Axis, Layer, Tie, Widths
from .network import Network
from .part import Part, Weights, as_rows
from .recurrent_ops import GATES, OPERATORS, stepped
from .text import EMBEDDING, TOKENS, Dropout, Logits, Table, ends, length_of, plain, shared, sized

DIMENSIONS, UNITS = 4, 8
"""Of the embedding, and of each direction of a layer, for every 1/16 of width: 64 and 128 at width 1."""
DROPOUT = 0.5
"""Share of the values that go into a layer or out of the last one that training drops: 11,000 names are few."""
TENSORS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
"""Of a cell, as PyTorch calls them: over what comes in, over the state, and their biases."""
CELLS: dict[str, type[nn.LSTM | nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU}
ORDERS = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}
"""Where PyTorch keeps the gates that ONNX has first, second ..."""


def build_lstm(width: float, row: Dataset) -> Network:
    """One layer, both directions."""
    return _fresh("lstm", 1, 2, width, row)


def build_lstm_2(width: float, row: Dataset) -> Network:
    """Two layers, both directions."""
    return _fresh("lstm", 2, 2, width, row)


def build_lstm_forward(width: float, row: Dataset) -> Network:
    """One layer that reads forward only."""
    return _fresh("lstm", 1, 1, width, row)


def build_gru(width: float, row: Dataset) -> Network:
    """One layer, both directions."""
    return _fresh("gru", 1, 2, width, row)


def build_gru_2(width: float, row: Dataset) -> Network:
    """Two layers, both directions."""
    return _fresh("gru", 2, 2, width, row)


def build_gru_forward(width: float, row: Dataset) -> Network:
    """One layer that reads forward only."""
    return _fresh("gru", 1, 1, width, row)


def _fresh(kind: str, layers: int, directions: int, width: float, row: Dataset) -> Network:
    units = {f"layer{number}": sized(width, UNITS) for number in range(1, layers + 1)}
    return RecurrentNetwork(kind, layers, directions, {**ends(row), EMBEDDING: sized(width, DIMENSIONS), **units})


class Recurrent(Part):
    """One layer in one or both directions. A unit is the same number in each direction: they go together."""

    def __init__(self, kind: str, directions: int, widths: Widths, axis: Axis, into: str) -> None:
        super().__init__()
        self.kind, self.directions, self.gates_each = kind, directions, GATES[kind]
        self.axis, self.into, self.out_of = axis, into, axis[0].group
        made = CELLS[kind]
        self.cells = nn.ModuleList(
            made(length_of(axis, widths), widths[into], batch_first=True) for _ in range(directions)
        )

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """All states (b, length, directions * units) and the last ones, (b, directions * units)."""
        if not len(self.cells):
            return OPERATORS[self.kind](x, self.w, self.r, self.b, lengths)
        if self.into in self.gates:
            return stepped(self.kind, x, *self.joined(), lengths, self.gates[self.into])
        states = [self.cells[0](x)[0]]
        last = [states[0][torch.arange(len(x), device=x.device), lengths - 1]]
        if self.directions == 2:
            states.append(turned(self.cells[1](turned(x, lengths))[0], lengths))
            last.append(states[1][:, 0])
        return torch.cat(states, 2), torch.cat(last, 1)

    def joined(self) -> tuple[Tensor, Tensor, Tensor]:
        """Weights as ONNX has them (`recurrent_ops.py`)."""

        def ordered(weight: Tensor) -> Tensor:
            parts = weight.chunk(self.gates_each)
            return torch.cat([parts[place] for place in ORDERS[self.kind]])

        w, r, bias_w, bias_r = (
            torch.stack([ordered(cell.get_parameter(f"{name}_l0")) for cell in self.cells]) for name in TENSORS
        )
        return w, r, torch.cat([bias_w, bias_r], 1)

    def fold(self) -> None:
        w, r, b = (tensor.detach().clone() for tensor in self.joined())
        self.w, self.r, self.b = nn.Parameter(w), nn.Parameter(r), nn.Parameter(b)
        self.cells = nn.ModuleList()

    def constants(self) -> tuple[int, ...]:
        return (self.gates_each, self.directions)

    def axes(self) -> dict[str, Sequence[Axis]]:
        into = (Tie(self.into, repeat=self.gates_each),)
        each = {
            "weight_ih_l0": (into, self.axis), "weight_hh_l0": (into, (Tie(self.into),)),
            "bias_ih_l0": (into,), "bias_hh_l0": (into,),
        }  # fmt: skip
        return {f"cells.{number}.{name}": axes for number in range(self.directions) for name, axes in each.items()}

    def made(self) -> dict[str, Tensor]:
        matrices = [weights.tensor.unflatten(0, (self.gates_each, -1)).transpose(0, 1) for weights in self.weights()]
        return {self.into: as_rows(*matrices)}

    def weights(self) -> list[Weights]:
        return [plain(cell.get_parameter(f"{name}_l0")) for cell in self.cells for name in TENSORS[:2]]

    def positions(self, output: Tensor) -> int:
        return output[0].shape[1]

    def layers(self, name: str, positions: int) -> list[Layer]:
        gates, (rows, inputs) = self.gates_each * self.directions, self.weights()[0].tensor.shape
        units = rows // self.gates_each
        incoming = [
            Layer(
                name=name, into=self.into, out_of=tie.group, outputs=units, inputs=count,
                kernel=gates * tie.repeat * tie.each, positions=positions, biases=2 * gates if place == 0 else 0,
            )
            for place, (tie, count) in enumerate(shared(self.axis, inputs))
        ]  # fmt: skip
        recurrent = Layer(
            name=f"{name}.recurrent", into=self.into, out_of=self.into, outputs=units, inputs=units, kernel=gates,
            positions=positions, biases=0,
        )  # fmt: skip
        return [*incoming, recurrent]


class RecurrentNetwork(Network):
    """Groups: the embedding's dimensions, and the units of each layer."""

    def __init__(self, kind: str, layers: int, directions: int, widths: Widths) -> None:
        names = [f"layer{number}" for number in range(1, layers + 1)]
        labels = {EMBEDDING: "embedding dimensions", **{name: f"layer {name[5:]} units" for name in names}}
        super().__init__(partial(RecurrentNetwork, kind, layers, directions), widths, labels)
        self.table = Table(widths, TOKENS, EMBEDDING)
        axes = [(Tie(EMBEDDING),), *((Tie(name, repeat=directions),) for name in names)]
        self.layers = nn.ModuleList(
            Recurrent(kind, directions, widths, axis, into) for axis, into in zip(axes, names, strict=False)
        )
        self.dropout = Dropout(DROPOUT)
        self.head = Logits(widths, axes[-1], dropout=DROPOUT)

    def forward(self, tokens: Tensor) -> Tensor:
        """(b, length), padded with 0 at the end -> logits (b, classes)."""
        lengths = (tokens != 0).sum(1)
        x = last = self.table(tokens)
        for layer in self.layers:
            x, last = layer(self.dropout(x), lengths)
        return self.head(last)


def turned(x: Tensor, lengths: Tensor) -> Tensor:
    """Each text of (b, length, n) back to front, what lies behind its length left where it is."""
    place = torch.arange(x.shape[1], device=x.device)[None]
    back = torch.where(place < lengths[:, None], lengths[:, None] - 1 - place, place)
    return x.gather(1, back[:, :, None].expand_as(x))
