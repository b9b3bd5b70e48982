"""How sure a mean over items is, and the difference of two such means, where items are worth anything from 0 to 1.

Right and wrong answers are counted (`stats.wilson`, `paired.py`); what is neither is resampled. Pure functions on
arrays. The resamples of a number of items are drawn once, so that a hundred comparisons cost a hundred matrix products.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .errors import RequestError
from .results import Interval, Share

DRAWS = 2000
"""Of the bootstrap: another seed then moves the ends of its interval by about a sixtieth of its width."""
FLIPS = 9999
"""Of the permutation test: the smallest p value that it can tell is 1 / (FLIPS + 1)."""
CHUNK = 1000
"""Flips that are drawn at once."""


def mean_share(worth: np.ndarray, confidence: float = 0.95) -> Share:
    """The mean of `worth` (n,), each from 0 to 1, with the percentile interval over resampled items (Efron 1979).

    One item worth 0 and one worth 1 are first added, as Agresti and Coull 1998 add to a share: without them many equal
    values, such as the zeros of a file that ranks nothing well, would give an interval without width.

    >>> told = mean_share(np.repeat([0.0, 1.0, 0.5], [60, 20, 20]))
    >>> f"{told.value:.2f} ({told.low:.2f} to {told.high:.2f}, n = {told.n})"
    '0.30 (0.23 to 0.39, n = 100)'
    """
    _check(worth, low=0.0)
    means = _means(np.concatenate([worth, (0.0, 1.0)]))
    low, high = np.quantile(means, ((1 - confidence) / 2, (1 + confidence) / 2))
    value = float(worth.mean(dtype=np.float64))
    return Share(
        value=value, low=max(min(float(low), value), 0.0), high=min(max(float(high), value), 1.0), n=len(worth)
    )


def mean_gap(gaps: np.ndarray, confidence: float = 0.95) -> Interval:
    """The mean of paired differences (n,), each from -1 to 1, with the percentile interval over resampled items.

    One item is first added on each side, as far from 0 as those that differ typically are (their root mean square; 1
    where none differs): for right and wrong answers that is what Bonett and Price 2012 add to a paired difference.
    Exchanging the sides exactly turns the interval.
    """
    _check(gaps, low=-1.0)
    if gaps.sum() < 0:
        turned = mean_gap(-gaps, confidence)
        return Interval(value=-turned.value, low=-turned.high, high=-turned.low)
    differing = gaps[gaps != 0]
    typical = float(np.sqrt((differing.astype(np.float64) ** 2).mean())) if len(differing) else 1.0
    means = _means(np.concatenate([gaps, (typical, -typical)]))
    low, high = np.quantile(means, ((1 - confidence) / 2, (1 + confidence) / 2))
    value = float(gaps.mean(dtype=np.float64))
    return Interval(value=value, low=min(float(low), value), high=max(float(high), value))


def sign_flip(gaps: np.ndarray, seed: int = 0) -> float:
    """Two-sided p value of a mean difference (n,) by flipping signs at random (Fisher 1935; Dwass 1957).

    If the two files were alike, each difference would have had the other sign as likely. The share of flips with a
    mean at least as far from 0, the one that was seen among them, is the p value: never 0, and 1 where nothing differs.

    >>> sign_flip(np.zeros(50)), sign_flip(np.full(50, 0.1))
    (1.0, 0.0001)
    """
    _check(gaps, low=-1.0)
    differing = gaps[gaps != 0].astype(np.float64)
    if not len(differing):
        return 1.0
    seen = abs(differing.sum()) * (1 - 1e-9)
    random, further = np.random.default_rng(seed), 0
    for start in range(0, FLIPS, CHUNK):
        signs = random.integers(0, 2, (min(CHUNK, FLIPS - start), len(differing)), dtype=np.int8)
        sums = 2 * (signs @ differing) - differing.sum()
        further += int((np.abs(sums) >= seen).sum())
    return (1 + further) / (FLIPS + 1)


def _means(values: np.ndarray) -> np.ndarray:
    """The mean of each resample, (DRAWS,)."""
    return _weights(len(values)) @ values.astype(np.float64)


@lru_cache(maxsize=4)
def _weights(n: int) -> np.ndarray:
    """How much each of `n` items counts in each resample, (DRAWS, n)."""
    counts = np.random.default_rng(n).multinomial(n, np.full(n, 1 / n), size=DRAWS)
    return counts / n


def _check(values: np.ndarray, low: float) -> None:
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise RequestError("A mean needs finite values, one an item.", given=f"an array of shape {values.shape}")
    if values.min() < low or values.max() > 1:
        given = f"{values.min():g} to {values.max():g}"
        raise RequestError("An item is worth a fraction.", given=given, allowed=f"{low:g} to 1")
