"""What must be said beside a run: its time is not valid, its worker went away, whose checks a file has passed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from . import time_words, words
from .catalog_data import Dataset
from .lost import ATTEMPTS
from .records import Run, State
from .results import Check, File, Latency, Measurement

NOT_VALID = "not valid"
NEARLY_ALL = 0.9
"""From this share of the weights on, a file in 8 bits is called that without more words."""
PARENT_ONLY = "same answers as the network"
"""An INT8 file is compared with its FP32 parent; the parent was compared with the network."""


def partly(file: File) -> str:
    """How much of an INT8 file is in 8 bits, where that is not nearly all; else empty."""
    share = file.share_in_8_bits
    if file.precision != "int8" or share is None or share >= NEARLY_ALL:
        return ""
    return f"{words.percent(share, 0)} of its weights in 8 bits, the rest in 32"


def precision(file: File) -> str:
    """`FP32`, `INT8`, or `INT8, 12 % of its weights in 8 bits, the rest in 32`."""
    return ", ".join(part for part in (file.precision.upper(), partly(file)) if part)


def loss_share(points: float, reference: float, data: Dataset) -> str:
    """What an accepted loss is of the reference's score (0 to 1), where scores are small: of rankings; else empty.

    >>> from optim.catalog import DATASETS
    >>> loss_share(1.0, 0.04, DATASETS["movielens-small"])
    "1 point is 25 % of the reference's NDCG at 10, 4.0 % on validation."
    """
    if not data.ranks or points <= 0 or reference <= 0:
        return ""
    said = f"{points:g} {'point is' if points == 1 else 'points are'} {words.percent(points / 100 / reference, 0)}"
    return f"{said} of the reference's {data.goodness.label}, {words.percent(reference)} on validation."


def not_valid(run: Run) -> bool:
    """Whether its time is shown but must not be compared."""
    return run.latency is not None and not run.latency.valid


def ms(run: Run) -> str:
    """The run's time, marked where it is not valid."""
    if run.latency is None:
        return ""
    return time_words.ms(run.latency.p50_ms) + f", {NOT_VALID}" * not_valid(run)


def left_out(count: int) -> str:
    """That the finding was made without these runs; empty if there are none."""
    return f"{words.plural(count, 'run')} left out: {_their(count)} not valid" if count else ""


def _their(count: int) -> str:
    return "its time is" if count == 1 else "their times are"


def nothing_valid(runs: Iterable[Run]) -> bool:
    """Whether there are times among these runs, and none of them is valid."""
    timed = [run for run in runs if run.latency is not None]
    return bool(timed) and all(map(not_valid, timed))


def to_time(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Those without a valid time that do not wait to be timed again already."""
    return tuple(run for run in runs if not_valid(run) and not run.state.live)


def openings(count: int, runs: Iterable[Run]) -> str:
    """How often the test set of a project was opened, and how many of these were for runs that are gone."""
    there = sum(run.result is not None and run.result.file.score.test is not None for run in runs)
    gone = f", {count - there} of them for runs deleted since" if there and count > there else ""
    gone = ", for runs deleted since" if count and not there else gone
    return f"Its test set was {f'opened {words.times_said(count)}{gone}' if count else 'never opened'}."


def existed(old: int, asked: int) -> str:
    """That so many of the runs that were asked for had been made or queued before.

    >>> existed(1, 1), existed(1, 3), existed(3, 3)
    ('The run existed already.', '1 of 3 runs existed already.', 'All 3 runs existed already.')
    """
    if old == asked:
        return f"{'The run' if asked == 1 else f'All {asked} runs'} existed already."
    return f"{old} of {asked} runs existed already."


def attempt(run: Run) -> str:
    """`attempt 2 of 3: its worker went away`; empty for the first one."""
    number = run.attempt + (run.state is State.QUEUED and run.attempt > 0)
    if number < 2:
        return ""
    waits = "waits for " if run.state is State.QUEUED else ""
    return f"{waits}attempt {number} of {ATTEMPTS}: its worker went away"


def time_line(time: Latency) -> str:
    """How the time was taken: calls, threads, and the slow end."""
    calls = f"{words.plural(time.calls, 'call')}, {words.plural(time.threads, 'thread')}, batch {time.batch}"
    slowest = f", p99 {time_words.ms(time.p99_ms)}" if time.p99_known else ""
    return f"Median of {calls}; p90 {time_words.ms(time.p90_ms)}{slowest}"


def times_line(measurements: Sequence[Measurement], now: float | None = None, shown: Measurement | None = None) -> str:
    """How often a run's file was timed, where and when; empty after the first time. `shown`: the one that counts."""
    if len(measurements) < 2:
        return ""
    where = len({one.fingerprint.id for one in measurements})
    newest = max(measurements, key=lambda one: one.id)
    on = f", under {where} sets of conditions" if where > 1 else ""
    told = shown or newest
    which = "this is the newest" if told.id == newest.id else "this is the newest that is valid"
    when = words.ago(told.made_at, now)
    return f"Timed {len(measurements)} times{on}; {which}, {when}, on {told.fingerprint.processor}."


class Checked(NamedTuple):
    """The checks of one file."""

    whose: str
    """Empty where there is one file only."""
    checks: tuple[Check, ...]


def checked(file: File) -> tuple[Checked, ...]:
    """The gate's lines by the file they are about: an INT8 file brings those of its FP32 parent along."""
    cut = _own_from(file.checks)
    if file.precision == "fp32" or not cut:
        return (Checked("", file.checks),)
    return Checked("The FP32 file that it was made of", file.checks[:cut]), Checked("This INT8 file", file.checks[cut:])


def _own_from(checks: Sequence[Check]) -> int:
    """Where the second file's lines begin: at the first name that comes again, else after the parent's only one."""
    names = [check.name for check in checks]
    again = next((i for i, name in enumerate(names) if name in names[:i]), 0)
    return again or (1 if names[:1] == [PARENT_ONLY] else 0)
