"""Whether the answer of a search beats its controls, by the intervals of their times and the paired test.

A control counts against the answer where it is no slower and either keeps the goal itself or is not measurably less
accurate. One that is slower is beaten only if it is not measurably more accurate. The dense network is slower by
nature; trained as long as the answer, it counts where it is better by more than the goal allows to lose.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import catalog, findings, outcomes, stats, words
from .catalog import Dataset
from .outcomes import Pairing, loss_of
from .paired import Loss
from .records import Run, State
from .results import Interval
from .search_answer import Judged, short_speed
from .search_controls import DENSE
from .search_state import Knowledge
from .searches import Answer, Control, Goal, Search, Verdict, VerdictKind

SAME_TIME = 1.02
"""Ratios that differ by less are the same: a file is timed to about ±2 %, and another session adds its own part."""
AS_GOOD = ("better", "tied", "within")
Ran = tuple[Control, Run | None, Judged | None]
"""A control, its run, and that beside the reference; None where it did not come to that."""


def judged(told: Answer, known: Knowledge, search: Search, home: Path) -> Answer:
    """The answer with its verdicts, in the sentence too; as it was where no run qualifies."""
    best = known.judged.get(told.run_id or 0)
    if best is None:
        return told
    if search.controlled not in (None, best.run.id):
        search = _of_another(search)
    ran = [(c, known.runs.get(c.run_id or 0), known.judged.get(c.run_id or 0)) for c in search.controls]
    found = verdicts(best, ran, search.goal, outcomes.pairing(home))
    return told.with_(beaten=as_good(found), verdicts=found, sentence=told.sentence + sentence(found))


def _of_another(search: Search) -> Search:
    """Its controls were made for a run that no longer is the answer."""
    note = f"it was made for run {search.controlled}, which is not the answer any more"
    return search.with_(
        controls=tuple(c if c.recipe is None else c.with_(run_id=None, note=note) for c in search.controls)
    )


def verdicts(best: Judged, controls: Iterable[Ran], goal: Goal, pairing: Pairing) -> tuple[Verdict, ...]:
    """One for each control."""
    return tuple(_verdict(best, control, run, one, goal, pairing) for control, run, one in controls)


def as_good(many: Iterable[Verdict]) -> tuple[str, ...]:
    """The controls that are as fast and as good for the goal, or better."""
    return tuple(one.name for one in many if one.kind in AS_GOOD)


def sentence(many: Sequence[Verdict]) -> str:
    """What the verdicts come to, ready to follow the answer."""
    parts = {
        "better": "It does not beat: {}.",
        "tied": "Not distinguishable from it: {}.",
        "within": "As fast and within the goal too, though losing more: {}.",
        "dense": "The dense model trained as long is {}: more than the goal allows.",
        "slower": "It beats in time alone: {}.",
        "beaten": "It beats: {}.",
        "unknown": "Not compared: {}.",
    }
    if all(one.kind in ("unknown", "none") for one in many):
        parts["unknown"] = "None of its controls could be compared: {}."
    told = [(text, [one for one in many if one.kind == kind]) for kind, text in parts.items()]
    said = [text.format("; ".join(_named(found))) for text, found in told if found]
    return "".join(f" {text}" for text in said or ["It has no controls."])


def _named(many: Sequence[Verdict]) -> list[str]:
    """Each with what is said of it; those of which the same is said stand together, and it is said once."""
    if many[0].kind == "dense":
        return [one.said for one in many]
    alike: dict[str, list[str]] = {}
    for one in many:
        alike.setdefault("" if one.kind == "beaten" else one.said, []).append(one.name)
    each = {said: "each " * (len(names) > 1) for said, names in alike.items()}
    return ["; ".join(names) + (f" ({each[said]}{said})" if said else "") for said, names in alike.items()]


def _verdict(
    best: Judged, control: Control, run: Run | None, one: Judged | None, goal: Goal, pairing: Pairing
) -> Verdict:
    loss = loss_of(best.run, one.run, pairing(best.run, one.run)) if one is not None else None
    if one is None or loss is None:
        there_is_none = control.recipe is None and control.run_id is None
        return Verdict(name=control.name, kind="none" if there_is_none else "unknown", said=_why_not(control, run))
    gap = loss.turned()
    if control.name == DENSE and gap.told and 100 * gap.low > goal.max_loss:
        return Verdict(name=control.name, kind="dense", said=_better_by(gap))
    if one.run.latency is None or not one.run.latency.valid:
        return Verdict(name=control.name, kind="unknown", said=f"the time of run {one.run.id} is not valid")
    speed = faster(one.ratio, best.ratio)
    row, kind = catalog.data_of(best.run), _kind(speed, loss, qualifies=one.upper <= goal.max_loss)
    said = f"run {one.run.id}: {short_speed(one.ratio, ' than the reference')}, {_beside(loss, row)}"
    if kind == "slower":
        said = f"run {one.run.id}: slower, but {_more_by(gap, row)}"
    return Verdict(name=control.name, kind=kind, said=said)


def _kind(speed: int, loss: Loss, *, qualifies: bool) -> VerdictKind:
    """`speed` as `faster` tells it; `loss`: what the control loses against the answer."""
    less, more = loss.told and loss.value > 0, loss.told and loss.value < 0
    if speed < 0 and more:
        return "slower"
    if speed < 0 or (less and not qualifies):
        return "beaten"
    if speed > 0 or more:
        return "better"
    return "within" if less else "tied"


def faster(one: Interval, other: Interval) -> int:
    """1 where the first speed ratio is measurably higher than the second, -1 where it is lower, else 0.

    >>> many = [Interval(value=v, low=0.97 * v, high=1.03 * v) for v in (5.0, 5.1, 6.0)]
    >>> [faster(one, many[0]) for one in many], faster(many[0], many[2])
    ([0, 0, 1], -1)
    """
    if min(one.low, other.low) <= 0 or not stats.told_apart(_logs(one), _logs(other)):
        return 0
    factor = one.value / other.value
    return 0 if 1 / SAME_TIME < factor < SAME_TIME else 1 if factor > 1 else -1


def _logs(ratio: Interval) -> Interval:
    return Interval(value=math.log(ratio.value), low=math.log(ratio.low), high=math.log(ratio.high))


def _beside(loss: Loss, row: Dataset) -> str:
    return f"{findings.loss_words(loss, row)} against the answer" if loss.told else f"{_as_good(row)} as can be told"


def _as_good(row: Dataset) -> str:
    return "as accurate" if row.goodness.counted else "as good"


def _better_by(gap: Loss) -> str:
    hundred = Interval(value=100 * gap.value, low=100 * gap.low, high=100 * gap.high)
    return f"{words.points(gap.value)} better ({words.between(hundred)})"


def _more_by(gap: Loss, row: Dataset) -> str:
    """`more accurate by 1.0 points (0.4 to 1.6)`."""
    gained = findings.loss_words(gap, row).partition(" ")[2]
    return f"{'more accurate' if row.goodness.counted else 'better'} by {gained}"


def _why_not(control: Control, run: Run | None) -> str:
    if run is None:
        return f"run {control.run_id} was deleted" if control.run_id else control.note or "not run"
    if run.state is State.FAILED and run.failure is not None:
        return f"run {run.id} failed: {run.failure.reason.rstrip('.')}"
    if run.state is State.DONE:
        return f"run {run.id} cannot be compared"
    return f"run {run.id} is not done in time" if run.state.live else f"run {run.id} was cancelled"
