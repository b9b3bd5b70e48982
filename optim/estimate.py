"""How long a network of any widths takes, and how right it is, estimated from a profile. Light: numpy only.

The fit and its band are in `estimate_fit.py`; the accuracy in `estimate_accuracy.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .estimate_accuracy import accuracy
from .estimate_fit import Fit, Timed, fit
from .knapsack import Speed
from .plan import Widths
from .profiles import Precision, Profile
from .results import Interval

__all__ = ["accuracy", "edges", "latency_ms", "speed_of", "typical_error"]

LEAST_GAIN = 0.02
"""A step down must buy at least this share of the time: sessions differ by about as much."""


def latency_ms(profile: Profile, widths: Widths, precision: Precision) -> Interval:
    """Estimated milliseconds of one call with these widths, and the 95 % band. Groups left out are dense."""
    value, half = (float(found[0]) for found in fitted(profile, precision).ms([{**profile.sizes(), **widths}]))
    return Interval(value=value, low=value / (1 + half), high=value * (1 + half))


def edges(profile: Profile, group: str, precision: Precision) -> tuple[int, ...]:
    """Widths of this group at which the staircase pays, ascending; the dense width is always one.

    From the dense width down, a width is an edge when it is faster than every wider one by more than the two
    intervals and `LEAST_GAIN`: the widest of each step is taken, and a narrower width that is not faster never.
    """
    stairs = profile.group(group)
    steps = sorted(zip(stairs.widths, stairs.times(precision), strict=True), reverse=True)
    found, best = [steps[0][0]], steps[0][1]
    for width, time in steps[1:]:
        if time.high < best.low and time.value < (1 - LEAST_GAIN) * best.value:
            found.append(width)
        best = min(best, time, key=lambda one: one.value)
    return tuple(sorted(found))


def speed_of(profile: Profile, precision: Precision) -> Speed:
    """What an allocator asks: edges and estimated times at this precision, and the dense FP32 file's time.

    The same profile gives the same functions again, for the allocator keeps what it found by them.
    """
    return _speed(profile.to_json(), precision)


@lru_cache(maxsize=16)
def _speed(text: str, precision: Precision) -> Speed:
    profile = Profile.from_json(text)
    found, sizes, dense_ms = fitted(profile, precision), profile.sizes(), profile.dense_fp32_ms.value
    paying = {group.name: edges(profile, group.name, precision) for group in profile.groups}

    def many_ms(plans: Sequence[Widths]) -> list[float]:
        return found.ms([{**sizes, **widths} for widths in plans])[0].tolist()

    timed = _timed(profile, precision)
    rests_on = repr(
        (precision, timed.names, timed.widths.tolist(), timed.ms.tolist(), sorted(paying.items()), dense_ms)
    )
    digest = hashlib.sha256(rests_on.encode()).hexdigest()

    def half(widths: Widths) -> float:
        return float(found.ms([{**sizes, **widths}])[1][0])

    return Speed(paying, lambda widths: many_ms([widths])[0], dense_ms, many_ms, digest, half)


def typical_error(profile: Profile, precision: Precision) -> float:
    """Median relative error on the timed plans of several narrower groups, each estimated without its fold."""
    return float(np.median(np.abs(fitted(profile, precision).errors)))


def fitted(profile: Profile, precision: Precision) -> Fit:
    """The fit of this profile; the same profile is fitted once."""
    return _fitted(profile.to_json(), precision)


@lru_cache(maxsize=16)
def _fitted(text: str, precision: Precision) -> Fit:
    profile = Profile.from_json(text)
    return fit(_timed(profile, precision), profile.layers)


def _timed(profile: Profile, precision: Precision) -> Timed:
    names, sizes = tuple(group.name for group in profile.groups), profile.sizes()
    rows = [(sizes, profile.dense_ms(precision).value)]
    for group in profile.groups:
        steps = zip(group.widths, group.times(precision), strict=True)
        rows += [({**sizes, group.name: width}, time.value) for width, time in steps if width != group.size]
    rows += [(one.widths, one.time(precision).value) for one in profile.joint]
    widths = np.array([[plan[name] for name in names] for plan, _ in rows], dtype=float)
    return Timed(names, widths, np.array([ms for _, ms in rows]), len(profile.joint))
