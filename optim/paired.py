"""Two files scored on the same items: what is lost, and whether it can be told. Pure functions on counts.

Runs agree on most items, so only the discordant ones tell them apart. Shares are fractions from 0 to 1. Right and wrong
are counted (`Pairs`); where an item is worth something between, as a user's ranking is, the differences themselves are
resampled (`Gaps`, `resampling.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from . import resampling
from .errors import RequestError
from .results import Interval, Share
from .stats import ALPHA, difference, mean_is_zero, mean_over_seeds, normal_quantile

DRAWS = 2000
"""Of the bootstrap: another seed then moves the ends of its interval by about a sixtieth of its width."""


class Pairs(NamedTuple):
    """How two files answered the same `n` items."""

    lost: int
    """Items that the first one, the reference, gets right and the other wrong."""
    gained: int
    """The reverse."""
    n: int

    @property
    def discordant(self) -> int:
        return self.lost + self.gained

    @property
    def variance(self) -> float:
        """Of one item's difference."""
        return self.discordant / self.n

    def turned(self) -> Pairs:
        """The same with the sides exchanged."""
        return Pairs(self.gained, self.lost, self.n)


class Gaps(NamedTuple):
    """How two files differ on the same `n` items, where each is worth a fraction."""

    lost: int
    """Items that are worth more by the first one, the reference."""
    gained: int
    """The reverse."""
    n: int
    value: float
    """The mean loss of the other one."""
    low: float
    high: float
    """Ends of its 95 % interval."""
    p_value: float
    """Of flipping signs, two-sided."""
    variance: float
    """Of one item's difference."""

    @property
    def discordant(self) -> int:
        return self.lost + self.gained

    def turned(self) -> Gaps:
        """The same with the sides exchanged."""
        return self._replace(lost=self.gained, gained=self.lost, value=-self.value, low=-self.high, high=-self.low)


class Loss(NamedTuple):
    """The metric of the reference minus a run's, with its 95 % interval; below 0 is a gain."""

    value: float
    low: float
    high: float
    p_value: float | None
    """Two-sided: McNemar's, or by flipping signs; over seeds that of their interval; None where the items are not known
    one by one."""
    n: int
    pairs: Pairs | Gaps | None = None
    seeds: int = 1
    """Above 1 this is a mean over as many seeds, and the interval is over them and over the items."""
    paired: bool = False
    """Whether the two were compared item by item."""

    @property
    def told(self) -> bool:
        """Whether the two can be told apart: the interval leaves out 0, and so does the exact test."""
        return (self.low > 0 or self.high < 0) and (self.p_value is None or self.p_value < ALPHA)

    @property
    def interval(self) -> Interval:
        return Interval(value=self.value, low=self.low, high=self.high)

    def turned(self) -> Loss:
        """The same with the sides exchanged."""
        pairs = self.pairs.turned() if self.pairs else None
        return self._replace(value=-self.value, low=-self.high, high=-self.low, pairs=pairs)


def pair(reference: np.ndarray, other: np.ndarray) -> Pairs | Gaps:
    """From two rows of what each item is worth, both (n,): right (True) and wrong (False) are counted.

    >>> pair(np.array([True, True, False, True]), np.array([True, False, True, False]))
    Pairs(lost=2, gained=1, n=4)
    """
    if reference.shape != other.shape or reference.ndim != 1:
        given = f"{reference.shape} and {other.shape}"
        raise RequestError("Only answers to the same items can be paired.", given=given, allowed="two rows of (n,)")
    if reference.dtype == other.dtype == bool:
        return Pairs(int((reference & ~other).sum()), int((other & ~reference).sum()), len(reference))
    gaps = reference.astype(np.float64) - other
    told, lost, gained = resampling.mean_gap(gaps), int((gaps > 0).sum()), int((gaps < 0).sum())
    return Gaps(
        lost, gained, len(gaps), told.value, told.low, told.high, resampling.sign_flip(gaps), float((gaps**2).mean())
    )


@cache
def mcnemar(lost: int, gained: int) -> float:
    """Two-sided p value of McNemar's exact test (McNemar 1947): the binomial test with one half on discordant pairs.

    Without any discordant pair it is 1: nothing speaks for a difference.

    >>> mcnemar(1, 9), mcnemar(0, 0)
    (0.021484375, 1.0)
    """
    n, fewer = lost + gained, min(lost, gained)
    if min(lost, gained) < 0:
        raise RequestError("Discordant pairs are counted from 0.", given=f"{lost} and {gained}")
    term = math.exp(math.lgamma(n + 1) - math.lgamma(fewer + 1) - math.lgamma(n - fewer + 1) - n * math.log(2))
    if n < 1000:
        term = math.comb(n, fewer) / 2**n
    tail = 0.0
    for hits in range(fewer, -1, -1):
        tail += term
        term *= hits / (n - hits + 1)
    return min(1.0, 2 * tail)


@cache
def bootstrap(lost: int, gained: int, n: int, confidence: float = 0.95, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Percentile interval of the loss, (lost - gained) / n, over resampled items (Efron 1979); seeded.

    Drawing n items with replacement is drawing from a multinomial with three outcomes, so whole resamples are drawn
    at once. One item is first added to each side (Bonett and Price 2012): without it, few or no discordant pairs
    would give an interval without width, as if the next thousand items had to agree too.

    >>> told = bootstrap(100, 60, 4000)
    >>> f"{100 * told.value:.1f} ({100 * told.low:.1f} to {100 * told.high:.1f})"
    '1.0 (0.4 to 1.6)'
    """
    _check(lost, gained, n)
    if gained > lost:  # one of the two orders is drawn, so that exchanging the sides exactly turns the interval
        turned = bootstrap(gained, lost, n, confidence, draws, seed)
        return Interval(value=-turned.value, low=-turned.high, high=-turned.low)
    total = n + 2
    shares = ((lost + 1) / total, (gained + 1) / total, (n - lost - gained) / total)
    counts = np.random.default_rng(seed).multinomial(total, shares, size=draws)
    losses = (counts[:, 0] - counts[:, 1]) / total
    low, high = np.quantile(losses, ((1 - confidence) / 2, (1 + confidence) / 2))
    value = (lost - gained) / n
    if lost == gained:  # an even split is even on both sides
        low, high = -max(-low, high), max(-low, high)
    return Interval(value=value, low=min(float(low), value), high=max(float(high), value))


def analytic(lost: int, gained: int, n: int, confidence: float = 0.95) -> Interval:
    """The same interval in closed form (Bonett and Price 2012, adjusted Wald): the check on the bootstrap.

    >>> told = analytic(100, 60, 4000)
    >>> f"{100 * told.low:.1f} to {100 * told.high:.1f}"
    '0.4 to 1.6'
    """
    _check(lost, gained, n)
    first, second = (lost + 1) / (n + 2), (gained + 1) / (n + 2)
    middle, value = first - second, (lost - gained) / n
    half = normal_quantile(confidence) * math.sqrt(max(first + second - middle**2, 0.0) / (n + 2))
    low, high = max(middle - half, -1.0), min(middle + half, 1.0)
    return Interval(value=value, low=min(low, value), high=max(high, value))


def _check(lost: int, gained: int, n: int) -> None:
    if n < 1 or min(lost, gained) < 0 or lost + gained > n:
        given = f"{lost} lost and {gained} gained of {n}"
        raise RequestError("These counts of pairs cannot be.", given=given, allowed="lost + gained <= n, n >= 1")


def paired_loss(pairs: Pairs | Gaps) -> Loss:
    """The loss with the paired interval and the test that fits."""
    if isinstance(pairs, Gaps):
        return Loss(pairs.value, pairs.low, pairs.high, pairs.p_value, pairs.n, pairs, paired=True)
    told = bootstrap(*pairs)
    return Loss(told.value, told.low, told.high, mcnemar(pairs.lost, pairs.gained), pairs.n, pairs, paired=True)


def told_apart(pairs: Pairs | Gaps) -> bool:
    """Whether two runs differ by more than chance explains; symmetric in the two."""
    if isinstance(pairs, Pairs) and mcnemar(pairs.lost, pairs.gained) >= ALPHA:
        return False
    return paired_loss(pairs).told


def upper(pairs: Pairs | Gaps, confidence: float) -> float:
    """The loss is below this, a fraction, with this one-sided confidence."""
    if isinstance(pairs, Pairs):
        return analytic(*pairs, confidence=2 * confidence - 1).high
    added = 2 * (pairs.variance * pairs.n / pairs.discordant if pairs.discordant else 1.0)  # as `resampling.mean_gap`
    spread = (pairs.variance * pairs.n + added) / (pairs.n + 2) - pairs.value**2
    error = math.sqrt(max(spread, 0.0) / (pairs.n + 2))
    return min(pairs.value + normal_quantile(2 * confidence - 1) * error, 1.0)


def mean_loss(losses: Sequence[Loss]) -> Loss:
    """The mean loss of one recipe over its seeds: what another seed on other items may bring.

    All seeds are scored on the same items, so their spread knows nothing of those items' luck: it is added.
    """
    each = [one.interval for one in losses]
    told, p_value = mean_over_seeds(each), mean_is_zero(each)
    paired = all(one.paired for one in losses)
    return Loss(told.value, told.low, told.high, p_value, losses[0].n, seeds=len(losses), paired=paired)


def unpaired_loss(reference: Share, other: Share) -> Loss:
    """The loss from the two shares alone: wider, since it does not know how often the two agree."""
    gap = difference(reference, other)
    return Loss(gap.value, gap.low, gap.high, None, min(reference.n, other.n))


def resolvable(n: int, variance: float, confidence: float = 0.95) -> float:
    """The smallest gap whose paired interval leaves out 0, as a fraction: z * sqrt(variance / n).

    `variance` is that of one item's difference: of right and wrong answers the share on which two runs differ. A true
    gap of just this size is seen every second time, one that is 1.4 times as large four times in five (Connor 1987).

    >>> f"{resolvable(4000, 0.04):.4f}"
    '0.0062'
    """
    return normal_quantile(confidence) * math.sqrt(variance / n)
