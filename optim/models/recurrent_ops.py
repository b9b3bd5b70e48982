"""One recurrent layer as one operator: what ONNX calls LSTM and GRU, for PyTorch and for its exporter.

Weights stand as ONNX has them: `w` (directions, gates * units, inputs), `r` (directions, gates * units, units), `b`
(directions, 2 * gates * units); gates in the order input, output, forget, cell or update, reset, hidden. What lies
behind the length of a text changes nothing; the second direction begins at a text's own end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from onnxscript import opset20
from torch import Tensor

op: Any = opset20
"""Its types are those of finished graphs, not of the values of one that is being built."""
GATES = {"lstm": 4, "gru": 3}


def lstm_step(x: Tensor, state: tuple[Tensor, ...], r: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
    """(h, c) after one step (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000); x (b, 4h)."""
    h, c = state
    i, o, f, g = (x + h @ r.T + bias).chunk(4, dim=1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def gru_step(x: Tensor, state: tuple[Tensor, ...], r: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
    """(h,) after one step (Cho et al. 2014, arXiv:1406.1078, the reset gate behind the product); x (b, 3h)."""
    h = state[0]
    (xz, xr, xh), (hz, hr, hh) = x.chunk(3, dim=1), (h @ r.T + bias).chunk(3, dim=1)
    update = (xz + hz).sigmoid()
    return ((1 - update) * (xh + (xr + hr).sigmoid() * hh).tanh() + update * h,)


STEPS: dict[str, tuple[Callable[..., tuple[Tensor, ...]], int]] = {"lstm": (lstm_step, 2), "gru": (gru_step, 1)}
"""A step, and how many states it hands on."""


def stepped(
    kind: str, x: Tensor, w: Tensor, r: Tensor, b: Tensor, lengths: Tensor, gate: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Step by step: all states (b, length, directions * units), zero behind each length, and the last ones (b, ...).

    `gate` (b, directions * units or units) multiplies every state as it comes to be.
    """
    step, count = STEPS[kind]
    size = r.shape[2]
    everything, last = [], []
    for direction in range(len(w)):
        bias_x, bias_h = b[direction].chunk(2)
        inputs = x @ w[direction].T + bias_x
        state = (x.new_zeros(len(x), size),) * count
        seen: list[Tensor] = [state[0]] * x.shape[1]
        for t in range(x.shape[1])[:: -1 if direction else 1]:
            inside = (t < lengths)[:, None]
            after = step(inputs[:, t], state, r[direction], bias_h)
            if gate is not None:
                after = (after[0] * gate, *after[1:])
            state = tuple(torch.where(inside, new, old) for new, old in zip(after, state, strict=True))
            seen[t] = torch.where(inside, state[0], 0.0)
        everything.append(torch.stack(seen, 1))
        last.append(state[0])
    return torch.cat(everything, 2), torch.cat(last, 1)


@torch.library.custom_op("paretoscope::lstm", mutates_args=())
def lstm(x: Tensor, w: Tensor, r: Tensor, b: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """An LSTM layer: see `stepped`."""
    return stepped("lstm", x, w, r, b, lengths)


@torch.library.custom_op("paretoscope::gru", mutates_args=())
def gru(x: Tensor, w: Tensor, r: Tensor, b: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """A GRU layer: see `stepped`."""
    return stepped("gru", x, w, r, b, lengths)


@lstm.register_fake
@gru.register_fake
def _shapes(x: Tensor, w: Tensor, r: Tensor, b: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    both = w.shape[0] * r.shape[2]
    return x.new_empty(x.shape[0], x.shape[1], both), x.new_empty(x.shape[0], both)


OPERATORS = {"lstm": lstm, "gru": gru}


def _onnx_lstm(x, w, r, b, lengths):  # noqa: ANN001, ANN202 - values of a graph that is being built
    states, last, _ = op.LSTM(op.Transpose(x, perm=[1, 0, 2]), w, r, b, _int32(lengths), **_shape_of(w, r))
    return _laid_out(states, last)


def _onnx_gru(x, w, r, b, lengths):  # noqa: ANN001, ANN202
    time_first = op.Transpose(x, perm=[1, 0, 2])
    states, last = op.GRU(time_first, w, r, b, _int32(lengths), linear_before_reset=1, **_shape_of(w, r))
    return _laid_out(states, last)


def _shape_of(w, r) -> dict:  # noqa: ANN001
    return {"hidden_size": r.shape[2], "direction": "bidirectional" if w.shape[0] == 2 else "forward"}


def _int32(lengths):  # noqa: ANN001, ANN202
    return op.Cast(lengths, to=6)


def _laid_out(states, last):  # noqa: ANN001, ANN202
    """(length, directions, b, units) -> (b, length, directions * units), whatever the number of units."""
    states = op.Reshape(op.Transpose(states, perm=[2, 0, 1, 3]), op.Constant(value_ints=[0, 0, -1]))
    last = op.Reshape(op.Transpose(last, perm=[1, 0, 2]), op.Constant(value_ints=[0, -1]))
    return states, last


TRANSLATIONS: dict[Any, Any] = {
    torch.ops.paretoscope.lstm.default: _onnx_lstm,
    torch.ops.paretoscope.gru.default: _onnx_gru,
}
"""For `torch.onnx.export(custom_translation_table=...)`."""
