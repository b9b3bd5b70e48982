"""Intervals, and when two numbers may be called different. Pure functions on numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev

from .errors import RequestError
from .results import Interval, Share

ALPHA = 0.05
"""Below this p value two results are called different; intervals are of 95 %."""
BETWEEN_SESSIONS, TIMES_BETWEEN_SESSIONS = 0.006, 0.012
"""Standard deviation of a log ratio of two files, and of one file's log time, from session to session: the same file
comes out so much faster or slower in another process at another moment, which none of one session's rounds shows.

Measured on two cores, ratios to the reference of three example files (4, 11, 12) in fresh processes, the rounds' own
spread taken out: 0.0054 over 8 sessions, 0.0056 and 0.0073 over 7 processes of 4 sessions each, 0.002 to 0.005 over 10.
About half of it was there between sessions of one process, so more of these in one measurement would not remove it.
Times alone: 0.007 to 0.015.
"""
WITHIN_PROCESS = BETWEEN_SESSIONS / math.sqrt(2)
"""The half of that variance which is there between two files of one process. Four copies of an example file (10), timed
together in 11 valid sessions: 0.0029, the rounds' own spread taken out; with this, none of the 66 pairs is told apart.
"""
_HALVINGS = 40
"""Of a bisection between 0 and 1."""


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


def across_sessions(span: Interval, spread: float = BETWEEN_SESSIONS) -> Interval:
    """An interval over the rounds of one session, made to hold what another one of that `spread` would have come to.

    >>> told = across_sessions(Interval(value=2.0, low=2.0, high=2.0))
    >>> f"{told.low:.3f} to {told.high:.3f}"
    '1.977 to 2.024'
    """
    if span.low <= 0:
        return span
    more = normal_quantile(1 - ALPHA) * spread
    down, up = math.log(span.value / span.low), math.log(span.high / span.value)
    low, high = math.exp(-math.hypot(down, more)), math.exp(math.hypot(up, more))
    return Interval(value=span.value, low=span.value * low, high=span.value * high)


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


def mean_over_seeds(each: Sequence[Interval], confidence: float = 0.95) -> Interval:
    """Mean of one recipe's seeds, each with its interval over the items that all of them were scored on.

    Two things are luck: the seeds, and the items, which another seed does not exchange (crossed random effects; for
    learning benchmarks Bouthillier et al. 2021, arXiv:2103.03098). So the half-width of the t interval over seeds and
    the items' own are squared and added on each side (Zou and Donner 2008), and none of the two can be undercut: two
    seeds with as many hits are as sure as one of them. The items' is the mean of the single half-widths, which is what
    it comes to when all seeds stumble over the same items, and too wide otherwise.

    >>> told = mean_over_seeds([wilson(900, 1000), wilson(900, 1000)])
    >>> f"{told.value:.3f} ({told.low:.3f} to {told.high:.3f})"
    '0.900 (0.880 to 0.917)'
    """
    told = mean_interval([one.value for one in each], confidence)
    below, above = _luck_of_items(each)
    low = told.value - math.hypot(told.value - told.low, below)
    return Interval(value=told.value, low=low, high=told.value + math.hypot(told.high - told.value, above))


def mean_is_zero(each: Sequence[Interval]) -> float:
    """Two-sided p value of a mean over seeds: the level at which the interval of `mean_over_seeds` just touches 0.

    >>> gaps = [Interval(value=gap, low=gap - 0.01, high=gap + 0.01) for gap in (0.03, 0.03)]
    >>> f"{mean_is_zero(gaps):.3f}", mean_is_zero([Interval(value=0.0, low=-0.01, high=0.01)] * 2)
    ('0.000', 1.0)
    """
    mean, below, above = fmean(one.value for one in each), *_luck_of_items(each)
    if mean == 0:
        return 1.0
    over_seeds = stdev([one.value for one in each]) / math.sqrt(len(each))
    over_items = (below if mean > 0 else above) / normal_quantile(1 - ALPHA)
    leaves_out, touches = 0.0, 1.0  # confidences: the interval of 0 is a point, that of 1 is everything
    for _ in range(_HALVINGS):
        middle = (leaves_out + touches) / 2
        half = math.hypot(_t(middle, len(each) - 1) * over_seeds, normal_quantile(middle) * over_items)
        leaves_out, touches = (middle, touches) if half < abs(mean) else (leaves_out, middle)
    return 1 - leaves_out


def _luck_of_items(each: Sequence[Interval]) -> tuple[float, float]:
    """How far the items alone may have moved a mean over seeds, down and up."""
    return fmean(one.value - one.low for one in each), fmean(one.high - one.value for one in each)


def difference(one: Interval, other: Interval) -> Interval:
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


def told_apart(one: Interval, other: Interval) -> bool:
    """Whether two independent results differ by more than their intervals explain: their difference leaves out 0."""
    gap = difference(one, other)
    return gap.low > 0 or gap.high < 0


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
