"""Promise against delivery: why so many times less arithmetic became so few times less time.

The ratio of multiply-accumulates is the promise. Each factor after it says what one cause made of it, going from the
arithmetic alone to the whole call, and their product is the measured ratio: nothing is left unexplained or told twice.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from . import delivery_causes, time_words, words
from .delivery_causes import WHOLE, is_odd, is_weighted
from .operators import Operators
from .results import Interval, Latency

OVERHEAD, UNEXPLAINED, FAR = "Overhead per call", "Not explained", 1.15
"""The last factor belongs to no cause; from here on the operators' times do not explain the measurement."""
EVEN = 0.03
"""A factor nearer to 1 than this is not worth a word."""


class Factor(NamedTuple):
    """`value` above 1 made the file faster than promised so far, below 1 slower."""

    name: str
    value: float
    why: str
    interval: Interval | None = None
    """95 %, over the turns the operators were timed in, the parts of a microsecond that the profiler does not tell, and
    other sessions. None: the promise is exact, or the turns were not kept."""
    known: bool = True
    """False for the overhead per call where no empty call tells it; what it made is then in what is not explained."""

    @property
    def told(self) -> str:
        """`x0.94`, with its interval where there is one."""
        if not self.known:
            return "not known"
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
    promise = reference_macs / macs
    found, net = delivery_causes.causes(run, reference, promise), run.net()
    known = run.overhead_known and reference.overhead_known
    told = (
        ("Where the arithmetic went", "Some layers take more time per multiply-accumulate than others."),
        ("Odd widths", _odd_words(net)),
        _rest(int8=int8),
        ("Memory-bound operators", _memory_words(net)),
        ("Conversions", f"{_us(net.us('conversion'))} to change number format or layout."),
        (OVERHEAD, _overhead_words(net, reference)),
    )
    factors = (
        Factor("Promised by arithmetic", promise, f"{words.times(promise)} fewer multiply-accumulates."),
        *(
            Factor(name, value, why, _around(value, half), known or name != OVERHEAD)
            for (name, why), value, half in zip(told, found.values[:-1], found.halves[:-1], strict=True)
        ),
        _unexplained(measured, found.values[-1], found.halves[-1]),
    )
    return Delivery(factors, measured, ms)


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
    """`0.0852 ms (0.0837 to 0.0869) instead of 0.317 ms (0.31 to 0.324)`: medians under the same conditions."""
    if reference is None:
        return ""
    told = (time_words.ms_span(one.p50_ms, one.low_ms, one.high_ms) for one in (run, reference))
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


def _rest(*, int8: bool) -> tuple[str, str]:
    if int8:
        return "8-bit arithmetic", "8-bit multiplications instead of 32-bit ones, in layers this wide."
    return "Narrower layers", "The narrower a layer, the less of the processor one step of it fills."


def _odd_words(run: Operators) -> str:
    found = [one for one in run.operators if is_weighted(one) and is_odd(one)]
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


def _overhead_words(run: Operators, reference: Operators) -> str:
    """`run`: without what the profiler adds."""
    if run.empty_us is None or reference.empty_us is None:
        return "No empty call was timed with these operators: time both files again."
    if not (run.overhead_known and reference.overhead_known):
        return "An empty call takes too little to be told from nothing."
    left = run.call_us - sum(one.us for one in run.operators)
    return f"{_us(left)} of each call is in no operator; a call of an empty graph takes {_us(run.empty_us)}."


def _us(us: float) -> str:
    return f"{words.three(us)} µs"
