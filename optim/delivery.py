"""Promise against delivery: why so many times less arithmetic became so few times less time.

The ratio of multiply-accumulates is the promise. Each factor after it says what one cause made of it, going from the
arithmetic alone to the whole call, and their product is the measured ratio: nothing is left unexplained or told twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from . import stats, words
from .operators import Operator, Operators
from .results import Interval, Latency

WHOLE = 8
"""Channels that the vector units take at once, at least: other widths leave some of them idle."""
NOTHING_US = 1e-3
UNEXPLAINED, FAR = "Not explained", 1.15
"""The last factor belongs to no cause; from here on the operators' times do not explain the measurement."""
FEWEST_TURNS = 3
EVEN = 0.03
"""A factor nearer to 1 than this is not worth a word."""


class Factor(NamedTuple):
    """`value` above 1 made the file faster than promised so far, below 1 slower."""

    name: str
    value: float
    why: str
    interval: Interval | None = None
    """95 %, over the turns the operators were timed in. None: the promise is exact, or the turns were not kept."""

    @property
    def told(self) -> str:
        """`x0.94`, with its interval where there is one."""
        if self.interval is None:
            return f"x{words.three(self.value)}"
        return f"x{words.three(self.value)} ({words.three(self.interval.low)} to {words.three(self.interval.high)})"


class Delivery(NamedTuple):
    factors: tuple[Factor, ...]
    """The first one is the promise."""
    measured: Interval
    """How many times less time, as it was measured beside the reference."""
    ms: str = ""
    """The measured times themselves, in words; empty where the reference has none under the same conditions."""

    @property
    def promise(self) -> float:
        return self.factors[0].value

    @property
    def worst(self) -> Factor | None:
        """The cause that took most from the promise, if any did."""
        causes = [factor for factor in self.factors[1:] if factor.name != UNEXPLAINED]
        found = min(causes, key=lambda factor: factor.value, default=None)
        return found if found is not None and found.value < 1 - EVEN else None


def delivery(
    run: Operators,
    reference: Operators,
    *,
    macs: int,
    reference_macs: int,
    measured: Interval,
    int8: bool = False,
    ms: str = "",
) -> Delivery:
    """Factors whose product is `measured`, the ratio of the two files' times as it was measured, paired.

    `int8`: the run's file computes in 8 bits and the reference's does not. `ms`: see `milliseconds`.
    """
    promise, own = reference_macs / macs, run.profiler_us()
    turns = [
        (run.at(turn).without_profiler(), reference.at(turn).without_profiler())
        for turn in range(min(run.turns(), reference.turns()))
    ]
    run, reference = run.without_profiler(), reference.without_profiler()
    causes = (
        ("Where the arithmetic went", "Some layers take more time per multiply-accumulate than others."),
        ("Odd widths", _odd_words(run)),
        _rest(int8=int8),
        ("Memory-bound operators", _memory_words(run)),
        ("Conversions", f"{_us(run.us('conversion'))} to change number format or layout."),
        ("Overhead per call", _overhead_words(run, own)),
    )
    values, whole = _causes(run, reference, promise), _whole(reference) / _whole(run)
    each = [_causes(*pair, promise) for pair in turns]
    spread = [_log_half([one[place] for one in each]) for place in range(len(causes))]
    factors = (
        Factor("Promised by arithmetic", promise, f"{words.times(promise)} fewer multiply-accumulates."),
        *(
            Factor(name, value, why, _around(value, half))
            for (name, why), value, half in zip(causes, values, spread, strict=True)
        ),
        _unexplained(measured, whole, _log_half([_whole(base) / _whole(one) for one, base in turns])),
    )
    return Delivery(factors, measured, ms)


def _causes(run: Operators, reference: Operators, promise: float) -> tuple[float, ...]:
    """What each cause made of the promise, in the order of the factors."""
    steps = [_ratio(run, reference, roles) for roles in (1, 2, 3)]
    whole = _whole(reference) / _whole(run)
    return *_arithmetic(run, reference, promise), steps[1] / steps[0], steps[2] / steps[1], whole / steps[2]


def _log_half(values: Sequence[float]) -> float | None:
    """Half the 95 % interval of the logarithm, over the turns; None where fewer than three were kept."""
    if len(values) < FEWEST_TURNS:
        return None
    found = stats.ratio_interval(values)
    return math.log(found.high / found.value)


def _around(value: float, half: float | None) -> Interval | None:
    return None if half is None else Interval(value=value, low=value * math.exp(-half), high=value * math.exp(half))


def _unexplained(measured: Interval, whole: float, half: float | None) -> Factor:
    """What is left; both the measured ratio and the operators' times are uncertain."""
    why = "The operators were timed by themselves, just after the whole file: by so much the two do not agree."
    down = math.hypot(math.log(measured.value / measured.low), half or 0.0) if measured.low > 0 else math.inf
    up = math.hypot(math.log(measured.high / measured.value), half or 0.0)
    value = measured.value / whole
    left = Interval(value=value, low=value * math.exp(-down), high=value * math.exp(up))
    return Factor(UNEXPLAINED, value, why, left)


def milliseconds(run: Latency, reference: Latency | None) -> str:
    """`0.085 ms (0.083 to 0.087) instead of 0.317 ms (0.31 to 0.324)`: medians under the same conditions."""
    if reference is None:
        return ""
    told = (
        f"{words.ms(one.p50_ms)} ({words.three(one.low_ms)} to {words.three(one.high_ms)})" for one in (run, reference)
    )
    return " instead of ".join(told)


def sentence(found: Delivery) -> str:
    """The promise, the delivery, and the largest loss."""
    told = f"{words.times(found.promise)} less arithmetic became {_time_words(found.measured)}"
    told += f": {found.ms}." if found.ms else "."
    if worst := found.worst:
        told += f" The most was lost to: {worst.name.lower()} (x{words.three(worst.value)})."
    left = found.factors[-1].value
    if not 1 / FAR < left < FAR:
        told += f" The operators' times do not add up to the measurement (x{words.three(left)}): time both files again."
    return told


def _time_words(measured: Interval) -> str:
    if measured.value >= 1:
        return words.ratio(measured, "less time")
    turned = Interval(value=1 / measured.value, low=1 / measured.high, high=1 / measured.low)
    return words.ratio(turned, "more time")


def _arithmetic(run: Operators, reference: Operators, promise: float) -> tuple[float, float, float]:
    """(mix, odd widths, rest): together with the promise they make the ratio of the arithmetic operators' times.

    Each layer's ideal time is the reference's time of the same layer, less as its arithmetic is less; a layer that the
    reference does not have is held to the reference's average speed.
    """
    actual, ideal = _sum(run, 1), 0.0
    known = {one.name: one for one in _weighted(reference)}
    speed = max(sum(one.macs for one in known.values()), 1) / max(sum(one.us for one in known.values()), NOTHING_US)
    odd_too = 0.0
    for one in _weighted(run):
        twin = known.get(one.name)
        wish = twin.us * one.macs / twin.macs if twin is not None and twin.macs else one.macs / speed
        ideal += wish
        odd_too += one.us if _odd(one) else wish
    other = actual - sum(one.us for one in _weighted(run))
    ideal, odd_too = max(ideal + other, NOTHING_US), max(odd_too + other, NOTHING_US)
    return _sum(reference, 1) / ideal / promise, ideal / odd_too, odd_too / actual


def _weighted(profile: Operators) -> list[Operator]:
    return [one for one in profile.operators if one.role == "arithmetic" and one.macs]


def _odd(one: Operator) -> bool:
    """The classes (the outputs of the last matrix) and the pixels cannot be chosen; every other width can."""
    out = one.outputs if "Conv" in one.kind else 0
    return out % WHOLE != 0 or (one.inputs % WHOLE != 0 and one.inputs > 3)


def _sum(profile: Operators, roles: int) -> float:
    """Microseconds in the first one, two or three of: arithmetic, memory-bound operators, conversions."""
    return max(sum(profile.us(role) for role in ("arithmetic", "memory", "conversion")[:roles]), NOTHING_US)


def _ratio(run: Operators, reference: Operators, roles: int) -> float:
    return _sum(reference, roles) / _sum(run, roles)


def _whole(profile: Operators) -> float:
    """Microseconds of a call; never less than its operators together."""
    return max(profile.call_us, _sum(profile, 3))


def _rest(*, int8: bool) -> tuple[str, str]:
    if int8:
        return "8-bit arithmetic", "8-bit multiplications instead of 32-bit ones, in layers this wide."
    return "Narrower layers", "The narrower a layer, the less of the processor one step of it fills."


def _odd_words(run: Operators) -> str:
    found = [one for one in _weighted(run) if _odd(one)]
    if not found:
        return f"Every width is a multiple of {WHOLE}."
    slow = max(found, key=lambda one: one.us)
    n = words.plural(len(found), "layer")
    return f"{n} with widths that are no multiple of {WHOLE}; {slow.name} has {slow.inputs} in, {slow.outputs} out."


def _memory_words(run: Operators) -> str:
    found = [one for one in run.operators if one.role == "memory"]
    if not found:
        return "None is left: all were fused into the arithmetic."
    slow = max(found, key=lambda one: one.us)
    n = f"{words.plural(len(found), 'operator')} move{'s' * (len(found) == 1)}"
    return f"{n} data rather than multiply, {_us(run.us('memory'))} a call; {slow.kind} takes most."


def _overhead_words(run: Operators, own_us: float) -> str:
    told = f"{_us(_whole(run) - _sum(run, 3))} of each call is in no operator."
    return f"{told} About {_us(own_us)} of each operator were the profiler's own, and are left out." if own_us else told


def _us(us: float) -> str:
    return f"{words.three(us)} µs"


def is_exact(found: Delivery) -> bool:
    """Whether the factors' product is the measured ratio."""
    return math.isclose(math.prod(factor.value for factor in found.factors), found.measured.value, rel_tol=1e-9)
