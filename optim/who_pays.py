"""Who pays for the speed: each class or group of users, calibration, and the items on which files disagree. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from . import resampling
from .answers import Answers, Ranked
from .catalog_data import Dataset
from .paired import analytic
from .results import Interval, Share
from .stats import wilson

BINS = 15
RESAMPLES = 300
"""Of each model's labels."""
STEPS, SURE = 17, 4.0
"""Models from one that misses nowhere to one that misses as was seen; a gap this many standard errors wide is sure."""
FURTHER = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
"""And models that miss by so many standard errors more."""

QUARTERS = 4
"""Groups of equally many users."""

HAIR = 1e-9
"""Far below one item, far above the rounding of a sum."""


class Paid(NamedTuple):
    """One class, or one group of users: how good the reference and the run are on the same items of it."""

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


def each(run: Answers | Ranked, reference: Answers | Ranked, row: Dataset) -> tuple[Paid, ...]:
    """Per class, or per group of users, what the run loses or gains on the same items."""
    if isinstance(run, Ranked) and isinstance(reference, Ranked):
        return groups(run, reference, row.items[1])
    if isinstance(run, Answers) and isinstance(reference, Answers):
        return classes(run, reference, row.classes)
    return ()


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


def groups(run: Ranked, reference: Ranked, many: str, confidence: float = 0.95) -> tuple[Paid, ...]:
    """What each quarter of the users loses or gains, those that had chosen fewest items first; `many`: what users are.

    Who has chosen little is told apart from others by little: compression may cost the new ones first. The intervals
    hold for all quarters at once, as those of `classes` do.
    """
    edges = np.quantile(run.seen, np.arange(1, QUARTERS) / QUARTERS)
    quarter = np.searchsorted(edges, run.seen, side="left")
    found = []
    for number in sorted(set(quarter.tolist())):
        mine = quarter == number
        low, high = int(run.seen[mine].min()), int(run.seen[mine].max())
        name = f"{many} who chose {low:,}" + (f" to {high:,}" if high > low else "")
        each = 1 - (1 - confidence) / len(set(quarter.tolist()))
        gap = resampling.mean_gap(run.worth[mine].astype(np.float64) - reference.worth[mine], each)
        before, after = (resampling.mean_share(one.worth[mine]) for one in (reference, run))
        found.append(Paid(name, before, after, gap))
    return tuple(found)


def paired_change(gained: int, lost: int, n: int, confidence: float = 0.95) -> Interval:
    """Accuracy gained on `n` items that both files answered: (gained - lost) / n, with its interval.

    >>> change = paired_change(10, 30, 400)
    >>> f"{change.value:.3f} ({change.low:.3f} to {change.high:.3f})"
    '-0.050 (-0.081 to -0.019)'
    """
    told = analytic(lost, gained, n, confidence)
    return Interval(value=-told.value, low=-told.high, high=-told.low)


class Binned(NamedTuple):
    """Items in bins of equal confidence, those that hold any; (bins,) each."""

    n: np.ndarray
    confidence: np.ndarray
    """Mean of each bin, a fraction."""
    hits: np.ndarray

    def error(self, hits: np.ndarray) -> np.ndarray:
        """Sum over bins, weighted by their items, of |accuracy - confidence|; `hits` is (..., bins)."""
        return np.abs(hits - self.n * self.confidence).sum(-1) / self.n.sum()


def calibration(answers: Answers) -> Interval | None:
    """Expected calibration error over 15 equal bins (Guo et al. 2017, arXiv:1706.04599, eq. 3), a fraction, debiased.

    A bin's accuracy misses its confidence by luck alone, and |.| adds all of that up: the plain sum is too large, most
    so near 0 (Kumar, Liang and Ma 2019, arXiv:1909.10155, who resample the labels of each bin against it). So labels
    are drawn here from models that miss more and more, and those are told that would give the plain sum as often above
    as below (the value), or at the edge of its central 95 % (the ends). What misses is not known: all bins in
    proportion to what was seen, or only those that stand out; the ends are the wider of both, the value is the
    latter's. Seeded. None where no confidence was kept.
    """
    if answers.confidence is None:
        return None
    seen = _binned(answers.confidence, answers.predicted == answers.labels)
    gaps, errors = seen.hits / seen.n - seen.confidence, _errors(seen)
    side = np.where(gaps > 0, 1, -1)
    further = gaps + side * errors * np.array(FURTHER)[:, None]
    evenly = np.linspace(0, 1, STEPS)[:, None] * gaps
    most = max((np.abs(gaps) / errors).max(), SURE)
    fewer = np.concatenate([[most], np.linspace(SURE, 0, STEPS - 1)])[:, None]
    standing_out = side * np.maximum(np.abs(gaps) - fewer * errors, 0)
    evenly, standing_out = (np.concatenate([nearer, further]) for nearer in (evenly, standing_out))
    (low, _, high), (lower, value, higher) = (_inverted(seen, missing) for missing in (evenly, standing_out))
    return Interval(value=value, low=min(low, lower), high=max(high, higher))


def _binned(confidence: np.ndarray, right: np.ndarray) -> Binned:
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    n, sure, hits = (np.bincount(bins, weights=each, minlength=BINS) for each in (None, confidence, right))
    held = n > 0
    return Binned(n[held], np.clip(sure[held] / n[held], 0, 1), hits[held])


def _errors(seen: Binned) -> np.ndarray:
    """Standard error of each bin's accuracy, (bins,): the largest that its rates allow, and never 0."""
    rates = np.stack([seen.confidence, seen.hits / seen.n, (seen.hits + 0.5) / (seen.n + 1)])
    return np.sqrt((rates * (1 - rates)).max(0) / seen.n)


def _inverted(seen: Binned, missing: np.ndarray) -> tuple[float, float, float]:
    """(low, middle, high) of the true error, over models whose bins miss their confidence by rows of `missing`."""
    rates = np.clip(seen.confidence + missing, 0, 1)
    true = seen.error(rates * seen.n)
    random, shape = np.random.default_rng(0), (len(rates), RESAMPLES, len(seen.n))
    drawn = seen.error(random.binomial(seen.n.astype(int), rates[:, None], shape))
    found = np.maximum.accumulate(np.quantile(drawn, (0.5, 0.975, 0.025), axis=1), axis=1)
    reached = float(seen.error(seen.hits))
    at_least = max(reached, found[0, 0])  # no file is told to be nearer to 0 than one that is at 0 looks half the time
    places = (reached - HAIR, reached - HAIR, at_least + HAIR)  # of models that give the same, the nearest to 0 and not
    middle, low, high = (float(np.interp(at, line, true)) for at, line in zip(places, found, strict=True))
    return low, middle, high


def disagreements(answers: Sequence[Answers]) -> np.ndarray:
    """Indices of the items that these files do not all answer alike: those first that fewer of them get right."""
    table = np.stack([one.predicted for one in answers])
    apart = np.flatnonzero((table != table[0]).any(0))
    right = (table[:, apart] == answers[0].labels[apart]).sum(0)
    return apart[np.lexsort((apart, right, table[0, apart] != answers[0].labels[apart]))]


def headline(paid: Sequence[Paid], row: Dataset, whole: str = "") -> str:
    """Who pays most, as a sentence. `whole`: what all together measurably lose, in words; else empty."""
    losers = sorted((one for one in paid if one.verdict == "pays"), key=lambda one: one.change.value)
    if not losers:
        group = row.traits.parts[0]
        few = f"Too few {row.items[1]} per {group} to tell which; the whole {whole}."
        return few if whole else f"No {group} loses measurably."
    worst = losers[0]
    lost, low, high = (-100 * bound for bound in (worst.change.value, worst.change.high, worst.change.low))
    others = (
        f"; {len(losers) - 1} more lose too" if len(losers) > 2 else f"; {losers[1].name} too" if losers[1:] else ""
    )
    return f"{worst.name} pays most: {lost:.1f} points ({low:.1f} to {high:.1f}) of {row.count(worst.after.n)}{others}."
