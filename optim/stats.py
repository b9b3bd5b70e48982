"""Intervals, and when two numbers may be called different. Pure functions on numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev

from .errors import RequestError
from .records import Interval, Share

ALPHA = 0.05
"""Below this p value two results are called different; intervals are of 95 %."""


def wilson(hits: int, n: int, confidence: float = 0.95) -> Share:
    """The share `hits` / `n` with its Wilson score interval (Wilson 1927), which stays inside 0 to 1.

    >>> share = wilson(90, 100)
    >>> f"{share.value:.2f} ({share.low:.3f} to {share.high:.3f})"
    '0.90 (0.826 to 0.945)'
    """
    if n < 1 or not 0 <= hits <= n:
        raise RequestError("A share needs hits among items.", given=f"{hits} of {n}", allowed="0 <= hits <= n, n >= 1")
    z = normal_quantile(confidence)
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == n else min(1.0, middle + half)
    return Share(value=share, low=min(low, share), high=max(high, share), n=n)


def ratio_interval(ratios: Sequence[float], confidence: float = 0.95) -> Interval:
    """Geometric mean of paired ratios with the t interval on their logarithms.

    One ratio says nothing about its spread: its interval is as wide as it can honestly be said to be, from 0 up.

    >>> ratio_interval([2.0, 2.0, 2.0]).value
    2.0
    """
    if not ratios or any(not math.isfinite(ratio) or ratio <= 0 for ratio in ratios):
        raise RequestError("A ratio interval needs ratios above 0.", given=list(ratios)[:5])
    logs = [math.log(ratio) for ratio in ratios]
    middle = fmean(logs)
    if len(logs) < 2:
        return Interval(value=math.exp(middle), low=0.0, high=math.exp(middle) * 1e6)
    half = _t(confidence, len(logs) - 1) * stdev(logs) / math.sqrt(len(logs))
    value = math.exp(middle)
    return Interval(value=value, low=min(math.exp(middle - half), value), high=max(math.exp(middle + half), value))


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean of repetitions, such as seeds, with its t interval (Student 1908); one value alone has no interval.

    >>> told = mean_interval([0.90, 0.91, 0.92])
    >>> f"{told.value:.2f} ({told.low:.3f} to {told.high:.3f})"
    '0.91 (0.885 to 0.935)'
    """
    if len(values) < 2 or any(not math.isfinite(value) for value in values):
        raise RequestError("An interval over repetitions needs at least two.", given=list(values)[:5])
    middle = fmean(values)
    half = _t(confidence, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(value=middle, low=middle - half, high=middle + half)


def difference(one: Share, other: Share) -> Interval:
    """`one` minus `other` with Newcombe's interval from the two Wilson intervals (Newcombe 1998, method 10).

    It treats the two as independent. Runs scored on the same items agree on most of them, so this interval is wider
    than a paired test's: it errs on the side of "cannot be told apart".

    >>> gap = difference(wilson(89, 100), wilson(91, 100))
    >>> f"{gap.value:.2f} ({gap.low:.2f} to {gap.high:.2f})"
    '-0.02 (-0.11 to 0.07)'
    """
    gap = one.value - other.value
    low = gap - math.hypot(one.value - one.low, other.high - other.value)
    high = gap + math.hypot(one.high - one.value, other.value - other.low)
    return Interval(value=gap, low=low, high=high)


def overlap(one: Interval, other: Interval) -> bool:
    """Whether the two intervals share a value: then the two are tied, not ranked."""
    return one.low <= other.high and other.low <= one.high


def resolvable(share: Share) -> float:
    """The smallest gap that two scores of this size and height show as different, as a fraction.

    >>> f"{resolvable(wilson(3600, 4000)):.3f}"
    '0.013'
    """
    return math.sqrt(2) * (share.high - share.low) / 2


def normal_quantile(confidence: float) -> float:
    """How many standard deviations to either side hold this share of a normal distribution."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _t(confidence: float, freedom: int) -> float:
    from scipy.special import stdtrit  # only here: importing scipy costs more than a page's first paint

    return float(stdtrit(freedom, (1 + confidence) / 2))
