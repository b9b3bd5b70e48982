"""Where a file's time goes: the operators of its graph as ONNX Runtime ran them, each with its time. Light.

The heavy room writes `operators.json` into the run's folder whenever the file is timed.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

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
    """Typical time per call in microseconds: the mean of the middle half of the calls."""
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

    def turns(self) -> int:
        """How many turns are known of every operator."""
        return min([len(self.turns_us), *(len(one.turns_us) for one in self.operators)])

    def at(self, turn: int) -> Operators:
        """This profile as if that turn had been all."""
        many = tuple(one.with_(us=one.turns_us[turn]) for one in self.operators)
        return self.with_(call_us=self.turns_us[turn], operators=many)

    def profiler_us(self) -> float:
        """What the profiler itself takes for each operator, where the operators together take more than the call.

        Taken from each of them, but no more than it has, it leaves the time of the call. Files of a few microseconds
        show it; in others it hides in what no operator takes, and is 0 here.
        """
        times = sorted((one.us for one in self.operators), reverse=True)
        if sum(times) <= self.call_us:
            return 0.0
        level, total = 0.0, 0.0
        for many, (us, further) in enumerate(zip(times, [*times[1:], 0.0], strict=True), start=1):
            total += us
            level = (total - self.call_us) / many
            if level >= further:
                break
        return level

    def without_profiler(self) -> Operators:
        """The same operators without the profiler's own time."""
        own = self.profiler_us()
        if not own:
            return self
        return self.with_(operators=tuple(one.with_(us=max(one.us - own, 0.0)) for one in self.operators))

    def us(self, role: Role) -> float:
        """Microseconds per call in operators of this role."""
        return sum(one.us for one in self.operators if one.role == role)


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
