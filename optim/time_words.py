"""Times of single calls in words, from a thousand microseconds down to one."""

from __future__ import annotations

from .results import Interval
from .words import three

_SHORT_MS = 0.1
_DECIMALS = 4
"""A tenth of a microsecond: less cannot be measured."""


def ms_alone(milliseconds: float) -> str:
    """Three digits that count, where the unit stands elsewhere.

    >>> [ms_alone(x) for x in (0.02734, 0.317, 4.417, 0.00784)]
    ['0.0273', '0.317', '4.42', '0.0078']
    """
    return three(milliseconds, _DECIMALS)


def ms(milliseconds: float) -> str:
    """`0.0273 ms`."""
    return f"{ms_alone(milliseconds)} ms"


def ms_span(value: float, low: float, high: float) -> str:
    """`0.0273 ms (0.0271 to 0.0275)`."""
    return f"{ms(value)} ({ms_alone(low)} to {ms_alone(high)})"


def short_time(milliseconds: float, beside: float | None = None) -> str:
    """Where a few microseconds matter: in them below 0.1 ms, or where the longest time `beside` it is as short.

    >>> [short_time(ms) for ms in (0.317, 0.0153, 0.00124, 0)], short_time(0.09, beside=0.2)
    (['0.317 ms', '15.3 µs', '1.24 µs', '0 µs'], '0.09 ms')
    """
    scale, unit = _short_unit(milliseconds if beside is None else beside)
    return f"{three(scale * milliseconds)} {unit}"


def short_span(told: Interval, beside: float | None = None) -> str:
    """The same with its interval.

    >>> from .results import Interval
    >>> short_span(Interval(value=0.00124, low=0.00098, high=0.0015))
    '1.24 µs (0.98 to 1.5)'
    """
    scale, _ = _short_unit(told.value if beside is None else beside)
    return f"{short_time(told.value, beside)} ({three(scale * told.low)} to {three(scale * told.high)})"


def _short_unit(milliseconds: float) -> tuple[float, str]:
    return (1.0, "ms") if abs(milliseconds) >= _SHORT_MS else (1000.0, "\N{MICRO SIGN}s")
