"""Where a file's time goes: the operators of its graph as ONNX Runtime ran them, each with its time. Light.

The heavy room writes `operators.json` into the run's folder whenever the file is timed.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from . import stats
from .frozen import Record

FILE = "operators.json"
Role = Literal["arithmetic", "memory", "conversion"]
ARITHMETIC = ("Conv", "Gemm", "MatMul", "LSTM", "GRU", "Attention")
"""Kinds of operators that multiply and accumulate; their variants (FusedConv, QLinearConv ...) contain the word."""
CONVERSIONS = ("QuantizeLinear", "DequantizeLinear", "ReorderInput", "ReorderOutput", "Cast", "Transpose")


class Operator(Record):
    """One node of the graph after ONNX Runtime has optimized it."""

    name: str
    """The layer whose weights it holds, or the node's own name."""
    kind: str
    role: Role
    us: float
    """Typical time per call in microseconds, as the profiler tells it: the mean of the middle half of the calls."""
    turns_us: tuple[float, ...] = ()
    """The same of each turn; empty in a profile that was taken before these were kept."""
    macs: int = 0
    """Multiply-accumulates for one item; 0 where it has no weights."""
    inputs: int = 0
    outputs: int = 0
    """The widths of what goes in and comes out, where it has weights."""


class Operators(Record):
    """The profile of one file under one set of conditions."""

    file_sha256: str
    fingerprint_id: str
    calls: int
    call_us: float
    """Median time of a whole call, taken without the profiler, in turns with it."""
    operators: tuple[Operator, ...]
    turns_us: tuple[float, ...] = ()
    """`call_us` of each turn."""
    empty_us: float | None = None
    """Median time of a call of a graph that computes nothing, with the same input and an answer of the same shape,
    taken in the same turns. None in a profile that was taken before this was timed."""
    empty_turns_us: tuple[float, ...] = ()
    """`empty_us` of each turn."""

    @property
    def overhead_known(self) -> bool:
        """Whether an empty call was timed, and took so long that it can be told from nothing."""
        if self.empty_us is None or not 0 < self.empty_us < self.call_us:
            return False
        return len(self.empty_turns_us) < 2 or stats.mean_interval(self.empty_turns_us).low > 0

    def turns(self) -> int:
        """How many turns are known of everything that was timed."""
        empty = [] if self.empty_us is None else [len(self.empty_turns_us)]
        return min([len(self.turns_us), *empty, *(len(one.turns_us) for one in self.operators)])

    def net(self) -> Operators:
        """Without the profiler's own cost: the operators take no more than the plain call has room for."""
        room = self.call_us - (self.empty_us or 0.0) if self.overhead_known else self.call_us
        left = without_profiler(np.array([[one.us for one in self.operators]]), np.array([room]))[0].tolist()
        many = tuple(one.with_(us=us, turns_us=()) for one, us in zip(self.operators, left, strict=True))
        return self.with_(operators=many)

    def us(self, role: Role) -> float:
        """Microseconds per call in operators of this role."""
        return sum(one.us for one in self.operators if one.role == role)


def without_profiler(us: np.ndarray, room_us: np.ndarray) -> np.ndarray:
    """Times (versions, operators) less what the profiler adds, where they are more than `room_us` (versions,) together.

    The profiler charges every operator for the making of its record, about 2 us whatever the operator does (1.5 to 2.5
    by kind, measured on chains of one kind). So the excess is taken from all alike, from none more than it has.

    >>> without_profiler(np.array([[10.0, 6.0, 1.0]]), np.array([12.0])).tolist()
    [[8.0, 4.0, 0.0]]
    """
    ranked = -np.sort(-us, axis=1)
    charges = (np.cumsum(ranked, axis=1) - room_us[:, None]) / np.arange(1, us.shape[1] + 1)
    charge = np.maximum(charges.max(axis=1, initial=0.0), 0.0)
    return np.maximum(us - charge[:, None], 0.0)


def role_of(kind: str) -> Role:
    """What an operator of this kind does.

    >>> role_of("FusedConv"), role_of("QLinearConv"), role_of("QuantizeLinear"), role_of("MaxPool")
    ('arithmetic', 'arithmetic', 'conversion', 'memory')
    """
    if any(word in kind for word in ARITHMETIC):
        return "arithmetic"
    return "conversion" if kind in CONVERSIONS else "memory"


def read(folder: Path, sha256: str) -> Operators | None:
    """The profile in a run's folder; None when there is none of this very file."""
    path = folder / FILE
    try:
        found = _load(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return None
    return found if found.file_sha256 == sha256 else None


@lru_cache(maxsize=64)
def _load(path: Path, changed: int) -> Operators:
    return Operators.from_json(path.read_bytes())
