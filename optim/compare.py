"""Runs side by side: what tells them apart, in the words of the Compare page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import answers, catalog, findings, judging, operators, outcomes, time_words, who_pays, words
from .answers import Answers, Ranked, Shown
from .catalog import METRICS, Dataset
from .compare_recipes import settings
from .operators import Operators
from .paired import Loss, pair, paired_loss, unpaired_loss
from .records import Run
from .results import File, Interval, Share
from .sessions import Joint

NONE = "–"
"""What stands where a run has no such thing."""
ITSELF = "itself"


class Side(NamedTuple):
    """One column: a run with what lies in its folder."""

    run: Run
    name: str
    """`run 5`, or `reference (run 1)`."""
    is_reference: bool
    answers: Answers | Ranked | None
    operators: Operators | None
    """Timed under the conditions that the run is shown under; others do not explain its time."""
    calibration: Interval | None
    foreign: bool = False
    """What is kept as its answers does not give its recorded score, and is not used."""

    @property
    def file(self) -> File:
        assert self.run.result is not None, "only measured runs are compared"
        return self.run.result.file

    @property
    def score(self) -> Share:
        return self.file.score.validation


def side(run: Run, folder: Path, known: Shown | None, *, is_reference: bool = False) -> Side:
    """The column of a run whose files lie in `folder`."""
    assert run.result is not None
    name = f"reference (run {run.id})" if is_reference else f"run {run.id}"
    found, profile = answers.read(folder, known), operators.read(folder, run.result.file.sha256)
    share = run.result.file.score.validation
    foreign = found is not None and not outcomes.fits(found.worth, share.value, share.n)
    found = None if foreign else found
    if profile is not None and (run.fingerprint is None or profile.fingerprint_id != run.fingerprint.id):
        profile = None
    calibration = who_pays.calibration(found) if isinstance(found, Answers) else None
    return Side(run, name, is_reference, found, profile, calibration, foreign)


class Row(NamedTuple):
    """One line of the table; `cells` in the order of the sides."""

    name: str
    cells: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether two runs that both have such a thing have another one."""
        return len(set(self.cells) - {NONE}) > 1


def metric_rows(sides: Sequence[Side]) -> tuple[Row, ...]:
    """Measured facts, each with its change against the reference where there is one."""
    base = next((one for one in sides if one.is_reference), None)
    row = catalog.data_of(sides[0].run)
    label = row.goodness.label
    calibration = {} if row.ranks else {"Calibration error (ECE)": _calibration}
    further = {f"{split.capitalize()} {METRICS[name].label}": partial(_further, name=name, split=split, row=row)
               for name in row.further for split in ("validation", "test")}  # fmt: skip
    told: dict[str, Callable[[Side], str]] = {
        "Latency": lambda one: _time(one, base),
        "Faster than the reference": lambda one: ITSELF if one is base else _ratio(one),
        f"Validation {label}": lambda one: words.score(one.score, row),
        "Against the reference": lambda one: ITSELF if one is base or base is None else loss_words(one, base),
        f"Test {label}": lambda one: words.score(one.file.score.test, row) if one.file.score.test else "not opened",
        **further,
        **calibration,
        "Size": lambda one: _changed(words.size(one.file.size_bytes), one, base, lambda f: f.size_bytes),
        "Multiply-accumulates": lambda one: _changed(words.count(one.file.macs), one, base, lambda f: f.macs),
        "Parameters": lambda one: _changed(words.count(one.file.params), one, base, lambda f: f.params),
        "Precision": lambda one: one.file.precision.upper(),
    }
    return tuple(Row(name, tuple(say(one) or NONE for one in sides)) for name, say in told.items())


def _further(one: Side, *, name: str, split: str, row: Dataset) -> str:
    """By a metric that is told beside the one of the data set."""
    found = next((score for score in one.file.score.further if score.metric == name), None)
    share = getattr(found, split) if found is not None else None
    return words.score(share, row) if share is not None else "not opened" if split == "test" else NONE


def recipe_rows(sides: Sequence[Side]) -> tuple[Row, ...]:
    """Model, start, seed, and every knob of every step; a step that stands twice is told twice."""
    columns = [settings(one.run) for one in sides]
    names = dict.fromkeys(name for column in columns for name in column)
    return tuple(Row(name, tuple(column.get(name, NONE) for column in columns)) for name in names)


def _time(one: Side, base: Side | None) -> str:
    latency = one.run.latency
    if latency is None:
        return NONE
    span = time_words.ms_span(latency.p50_ms, latency.low_ms, latency.high_ms)
    if not latency.valid:
        return f"{span}, not valid"
    mark = one.run.fingerprint
    alike = base.run.under(mark.id) if base is not None and base is not one and mark is not None else None
    time = alike.latency if alike else None
    return f"{span}, {words.change(latency.p50_ms, time.p50_ms)}" if time and time.valid else span


def _ratio(one: Side) -> str:
    time = one.run.latency
    return speed_words(judging.settled_ratio(time)) + ", not valid" * (not time.valid) if time else NONE


def speed_words(ratio: Interval) -> str:
    """Faster, slower, or not distinguishable, with the interval.

    >>> speed_words(Interval(value=2.1, low=2.0, high=2.2)), speed_words(Interval(value=1.0, low=0.98, high=1.02))
    ('2.1x faster (2.0 to 2.2)', 'not distinguishable (0.98 to 1.02)')
    """
    if words.is_even(ratio):
        return f"not distinguishable ({words.between(ratio, 2)})"
    if ratio.value > 1:
        return words.ratio(ratio, "faster")
    return words.ratio(Interval(value=1 / ratio.value, low=1 / ratio.high, high=1 / ratio.low), "slower")


def loss(one: Side, other: Side) -> Loss:
    """What `one` loses against `other`: paired where both kept their answers to the same items."""
    mine, theirs = one.answers, other.answers
    if mine is None or theirs is None or not _same_items(mine, theirs):
        return unpaired_loss(other.score, one.score)
    return paired_loss(pair(theirs.worth, mine.worth))


def _same_items(one: Answers | Ranked, other: Answers | Ranked) -> bool:
    if isinstance(one, Ranked) or isinstance(other, Ranked):
        return isinstance(one, Ranked) and isinstance(other, Ranked) and np.array_equal(one.seen, other.seen)
    return np.array_equal(one.labels, other.labels)


def loss_words(one: Side, other: Side) -> str:
    """What `one` loses or gains against `other`, with the interval, and whether that can be told."""
    found = loss(one, other)
    told = findings.loss_words(found, catalog.data_of(one.run))
    return told if found.told else f"{told}, not distinguishable"


def _calibration(one: Side) -> str:
    found = one.calibration
    if found is None:
        why = "the kept answers do not give the recorded score" if one.foreign else "no confidences kept, time it again"
        return f"unknown: {why}"
    return f"{words.percent(found.value)} ({100 * found.low:.1f} to {100 * found.high:.1f})"


def _changed(shown: str, one: Side, base: Side | None, of: Callable[[File], float]) -> str:
    return shown if base is None or base is one else f"{shown}, {words.change(of(one.file), of(base.file))}"


def headline(sides: Sequence[Side], joint: Joint | None) -> str:
    """The finding: of two, how they stand to each other; of more, which is the fastest and by how much."""
    base = next((one for one in sides if one.is_reference), None)
    away = {one.name for one in elsewhere(sides)}
    runs = [one for one in sides if not one.is_reference and one.name not in away]
    runs = [one for one in runs if one.run.latency and one.run.latency.valid]
    if not runs:
        return "No valid time to compare"
    runs = _fastest_first(runs, joint)
    first = runs[0]
    if len(runs) == 1:
        return f"Run {first.run.id}: {_ratio(first)}, {_against(first, base)}"
    second = runs[1]
    together = joint.ratio(first.run.id, second.run.id) if joint and not joint.reasons else None
    ratio = together or judging.speed_between(first.run, second.run)
    apart = ratio.low > 1 or ratio.high < 1
    who = f"Run {first.run.id}, the fastest of {len(runs)}," if apart and len(runs) > 2 else f"Run {first.run.id}"
    if together is None and not apart:
        return f"{who} and run {second.run.id} are not told apart ({words.between(ratio, 2)}): measure them together"
    sessions = "" if together else ", from separate sessions"
    return f"{who} against run {second.run.id}{sessions}: {speed_words(ratio)}, {loss_words(first, second)}"


def _fastest_first(runs: Sequence[Side], joint: Joint | None) -> list[Side]:
    """By the session in which they were timed together, if there is a valid one; else each by its own."""

    def speed(one: Side) -> float:
        if joint is not None and not joint.reasons:
            ratio = joint.ratio(one.run.id, runs[0].run.id)
            return ratio.value if ratio else 1.0
        return one.run.latency.ratio.value if one.run.latency else 0.0

    return sorted(runs, key=speed, reverse=True)


def elsewhere(sides: Sequence[Side]) -> tuple[Side, ...]:
    """Those that were timed under other conditions than most: times of different machines never join."""
    marks = [one.run.fingerprint.id for one in sides if one.run.fingerprint]
    usual = max(marks, key=marks.count, default="")
    return tuple(one for one in sides if one.run.fingerprint is None or one.run.fingerprint.id != usual)


def _against(one: Side, base: Side | None) -> str:
    if base is None:
        return "the reference is not measured yet"
    return loss_words(one, base) if loss(one, base).told else "nothing measurable lost"


def circumstances(sides: Sequence[Side]) -> str:
    """The quiet line under the title."""
    project = sides[0].run.project
    return f"{catalog.dataset(project.dataset).label} · reference {project.reference} · {words.target(project)}"


def pair_rows(joint: Joint, names: Mapping[int, str]) -> list[dict[str, str]]:
    """The session as a table: each run against each other one."""
    order = [run for run in names if run in joint.times]
    return [
        {"": names[one], **{f"against {names[other]}": _pair(joint, one, other) for other in order}} for one in order
    ]


def _pair(joint: Joint, one: int, other: int) -> str:
    return speed_words(ratio) if (ratio := joint.ratio(one, other)) is not None else NONE
