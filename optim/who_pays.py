"""Who pays for the speed: accuracy per class, calibration, and the images on which files disagree. Pure, on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .answers import Answers
from .paired import analytic
from .records import Interval, Share
from .stats import wilson

BINS = 15
RESAMPLES = 300


class Paid(NamedTuple):
    """One class: how often it was recognized by the reference and by the run, on the same images."""

    name: str
    before: Share
    after: Share
    change: Interval
    """Fraction gained, with an interval that holds for all classes at once."""

    @property
    def verdict(self) -> str:
        if self.change.high < 0:
            return "pays"
        return "gains" if self.change.low > 0 else "not distinguishable"


def classes(run: Answers, reference: Answers, names: Sequence[str], confidence: float = 0.95) -> tuple[Paid, ...]:
    """What each class loses or gains, those that lose most first.

    With ten classes one in two pages would cry wolf at 95 % each; so each interval is wider (Bonferroni), and
    `confidence` holds for all of them together.
    """
    each = 1 - (1 - confidence) / len(names)
    found = []
    for label, name in enumerate(names):
        mine = run.labels == label
        n = int(mine.sum())
        if n:
            after, before = (one.predicted[mine] == label for one in (run, reference))
            gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
            change = paired_change(gained, lost, n, each)
            found.append(Paid(name, wilson(int(before.sum()), n), wilson(int(after.sum()), n), change))
    return tuple(sorted(found, key=lambda paid: paid.change.value))


def paired_change(gained: int, lost: int, n: int, confidence: float = 0.95) -> Interval:
    """Accuracy gained on `n` items that both files answered: (gained - lost) / n, with its interval.

    >>> change = paired_change(10, 30, 400)
    >>> f"{change.value:.3f} ({change.low:.3f} to {change.high:.3f})"
    '-0.050 (-0.081 to -0.019)'
    """
    told = analytic(lost, gained, n, confidence)
    return Interval(value=-told.value, low=-told.high, high=-told.low)


def calibration(answers: Answers) -> Interval | None:
    """Expected calibration error over 15 equal bins (Guo et al. 2017, arXiv:1706.04599, eq. 3), a fraction.

    The interval is the basic bootstrap's over images, seeded. None where no confidence was kept.
    """
    if answers.confidence is None:
        return None
    right = (answers.predicted == answers.labels).astype(float)
    bins = np.minimum((answers.confidence * BINS).astype(int), BINS - 1)
    value, random = _error(bins, right, answers.confidence), np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        again = random.integers(0, len(bins), len(bins))
        drawn.append(_error(bins[again], right[again], answers.confidence[again]))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Interval(value=value, low=max(min(2 * value - high, value), 0.0), high=max(2 * value - low, value))


def _error(bins: np.ndarray, right: np.ndarray, confidence: np.ndarray) -> float:
    """Sum over bins of |accuracy - confidence|, weighted by the bin's share of the items."""
    gap = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.abs(gap).sum() / len(bins))


def disagreements(answers: Sequence[Answers]) -> np.ndarray:
    """Indices of the images that these files do not all answer alike: those first that fewer of them get right."""
    table = np.stack([one.predicted for one in answers])
    apart = np.flatnonzero((table != table[0]).any(0))
    right = (table[:, apart] == answers[0].labels[apart]).sum(0)
    return apart[np.lexsort((apart, right, table[0, apart] != answers[0].labels[apart]))]


def headline(paid: Sequence[Paid]) -> str:
    """Who pays most, as a sentence."""
    losers = [one for one in paid if one.verdict == "pays"]
    if not losers:
        return "No class loses measurably."
    worst = losers[0]
    lost, low, high = (-100 * bound for bound in (worst.change.value, worst.change.high, worst.change.low))
    others = (
        f"; {len(losers) - 1} more lose too" if len(losers) > 2 else f"; {losers[1].name} too" if losers[1:] else ""
    )
    return f"{worst.name} pays most: {lost:.1f} points ({low:.1f} to {high:.1f}) of {worst.after.n} images{others}."
