"""What a search may claim: the fastest that qualifies, with a confidence, or the nearest and what it would take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import catalog, findings, judging, outcomes, paired, words
from .paired import Loss
from .records import Run
from .results import Interval
from .search_confidence import confidence_each
from .searches import Answer, Goal
from .stats import normal_quantile


class Judged(NamedTuple):
    """A run of the search beside the reference."""

    run: Run
    loss: Loss
    """On validation, a fraction."""
    upper: float
    """In points; with the goal's confidence the losses of all candidates are below theirs."""

    @property
    def ratio(self) -> Interval:
        assert self.run.latency is not None
        return judging.settled_ratio(self.run.latency)


KEPT = 64
REASONS = 3
"""So many are named."""
_known: dict[tuple, float] = {}
"""Confidence each by what was judged: the same runs are looked at twice a second."""


def judge(home: Path, reference: Run, runs: Iterable[Run], goal: Goal) -> dict[int, Judged]:
    """Each run that is scored and timed beside the reference; the bounds hold for all of them at once."""
    losses = {
        run.id: (run, loss) for run in runs
        if run.result is not None and run.latency is not None
        and (loss := outcomes.loss(home, reference, run)) is not None
    }  # fmt: skip
    candidates = [run for run, _ in losses.values() if run.latency is not None and run.latency.valid]
    sure = _confidence_each(home, reference, candidates, goal)
    return {number: Judged(run, loss, upper_bound(loss, sure)) for number, (run, loss) in losses.items()}


def _confidence_each(home: Path, reference: Run, candidates: Sequence[Run], goal: Goal) -> float:
    marks = tuple(f"{run.id} {run.result.file.sha256}" for run in (reference, *candidates) if run.result)
    key = (str(home), marks, goal.max_loss, goal.confidence)
    if key not in _known:
        rows = [outcomes.lost_items(home, reference, run) for run in candidates]
        kept = [row for row in rows if row is not None]
        while len(_known) >= KEPT:
            _known.pop(next(iter(_known)))
        losses = np.stack(kept).astype(float) if kept else np.zeros((0, 1))
        _known[key] = confidence_each(losses, goal.max_loss / 100, goal.confidence)
    return _known[key]


def upper_bound(loss: Loss, confidence: float) -> float:
    """One-sided: the loss is below this, in points, with the given confidence."""
    if loss.pairs is not None:
        return 100 * paired.upper(loss.pairs, confidence)
    wider = normal_quantile(2 * confidence - 1) / normal_quantile(0.95)
    return 100 * (loss.value + (loss.high - loss.value) * wider)


def answer(many: Sequence[Judged], goal: Goal, kept: int | None = None) -> Answer:
    """The sentence, from validation alone. Where run `kept` qualifies it stays the answer; a faster one is named."""
    measured = [one for one in many if one.run.latency is not None and one.run.latency.valid]
    if not measured:
        return Answer(sentence=_untimed(many))
    qualified = [one for one in measured if one.upper <= goal.max_loss and one.ratio.low > 1]
    if qualified:
        fastest = max(qualified, key=lambda one: one.ratio.value)
        best = next((one for one in qualified if one.run.id == kept), fastest)
        late = "" if best is fastest else _came_late(fastest)
        return Answer(sentence=_found(best, goal) + late, run_id=best.run.id)
    nearest = min(measured, key=lambda one: (round(max(one.upper - goal.max_loss, 0), 1), -one.ratio.value))
    return Answer(sentence=_missed(nearest, goal), nearest_id=nearest.run.id)


def disturbed(many: Sequence[Judged], goal: Goal) -> list[Judged]:
    """Runs whose time is not valid and that would be the answer with it, or the nearest; the best first."""
    invalid = [one for one in many if one.run.latency is not None and not one.run.latency.valid]
    valid = [one for one in many if one not in invalid]
    best = max((one.ratio.value for one in valid if one.upper <= goal.max_loss), default=1.0)
    wins = [one for one in invalid if one.upper <= goal.max_loss and one.ratio.value > best]
    chosen = wins if valid else invalid
    return sorted(chosen, key=lambda one: (round(max(one.upper - goal.max_loss, 0), 1), -one.ratio.value))


def _untimed(many: Sequence[Judged]) -> str:
    """Why there is nothing to choose from."""
    reasons = dict.fromkeys(why for one in many if one.run.latency is not None for why in one.run.latency.reasons)
    told = f": {'; '.join(list(reasons)[:REASONS])}" if reasons else ""
    return f"No run of this search has a valid time, so there is nothing to choose from{told}."


def _came_late(one: Judged) -> str:
    return (
        f" Run {one.run.id}, {_speed(one)}, qualifies too, but came when the controls of this one had begun; "
        "extend the search to compare it with controls of its own."
    )


def _found(best: Judged, goal: Goal) -> str:
    most, row = words.three(goal.max_loss), catalog.data_of(best.run)
    return (
        f"Run {best.run.id} is {_speed(best)} and {_loss(best)} on {best.loss.n:,} validation {row.items[1]}: "
        f"less than {most} with {words.sure(goal.confidence)} confidence."
    )


def _missed(nearest: Judged, goal: Goal) -> str:
    if nearest.upper <= goal.max_loss:
        told = f"Run {nearest.run.id} keeps the loss, but nothing that does is faster than the reference"
        return f"None qualifies. {told}: it is {_speed(nearest)} and {_loss(nearest)}."
    return (
        f"None qualifies with {words.sure(goal.confidence)} confidence; the nearest is run {nearest.run.id}: "
        f"{_speed(nearest)}, it {_loss(nearest)}; {_it_would_take(nearest, goal)}."
    )


def _it_would_take(nearest: Judged, goal: Goal) -> str:
    more, most, many = more_items(nearest, goal), words.three(goal.max_loss), catalog.data_of(nearest.run).items[1]
    if more is not None:
        return f"it would take about {round(more, 1 - len(str(more))):,} more {many} to know"
    if 100 * nearest.loss.low >= goal.max_loss:
        return f"its loss is not below {most}, however many {many} were scored"
    return f"it may lie on either side of {most}; a better network is a surer way to know than more {many}"


def more_items(one: Judged, goal: Goal) -> int | None:
    """Further items after which a loss of this size would be known to be below the goal; None if never.

    The distance from a loss to its bound shrinks with the root of the number of items.
    """
    room = goal.max_loss - 100 * one.loss.value
    if room <= 0:
        return None
    return max(math.ceil(one.loss.n * ((one.upper - 100 * one.loss.value) / room) ** 2) - one.loss.n, 0)


def _speed(one: Judged) -> str:
    ratio = one.ratio
    if ratio.low <= 1 <= ratio.high:
        return "as fast as the reference"
    return words.ratio(ratio, "faster") if ratio.value > 1 else words.ratio(_inverse(ratio), "slower")


def short_speed(ratio: Interval, than: str = "") -> str:
    """Without the interval: `5.1x faster`, `1.4x slower`, `as fast as the reference`."""
    if ratio.low <= 1 <= ratio.high:
        return "as fast as the reference"
    return f"{words.times(max(ratio.value, 1 / ratio.value))} {'faster' if ratio.value > 1 else 'slower'}{than}"


def _inverse(ratio: Interval) -> Interval:
    return Interval(value=1 / ratio.value, low=1 / ratio.high, high=1 / ratio.low)


def _loss(one: Judged) -> str:
    told = findings.loss_words(one.loss, catalog.data_of(one.run))
    return told if one.loss.told else f"{told}, not distinguishable"
