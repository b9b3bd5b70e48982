"""How far a run is, in words: its stages, the epoch, and the time left. From the recipe and its events alone."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from . import catalog, words
from .records import Event, Recipe, Run, State

TELLING = 0.05
"""Before this share of a stage its own pace says nothing yet: the first batches are slow."""


class Progress(NamedTuple):
    stages: tuple[str, ...]
    """All stages this recipe goes through, in order."""
    current: int
    """Index into `stages`; -1 before the first heartbeat, their number when all are done."""
    fraction: float
    """Of the whole run, 0 to 1; stages count by the time they usually take."""
    detail: str
    """The current stage in words: `epoch 2 of 4, loss 0.31`."""
    left_s: float | None
    """None as long as nothing comparable has been seen."""


def stages(recipe: Recipe) -> tuple[str, ...]:
    """The names on the stage line.

    >>> from .recipes import parse_step
    >>> stages(Recipe(dataset="digits", model="cnn", steps=(parse_step("prune-channels"), parse_step("quantize-int8"))))
    ('Baseline', 'Prune', 'Export', 'Gate', 'Quantize', 'Gate', 'Score', 'Time')
    """
    rows = [catalog.technique(step.technique) for step in recipe.steps]
    network = [row.verb for row in rows if row.stage == "network"]
    file = [row.verb for row in rows if row.stage == "file"]
    first = "Baseline" if recipe.start == "baseline" else "Start"
    return (first, *network, "Export", "Gate", *(name for verb in file for name in (verb, "Gate")), "Score", "Time")


def progress(run: Run, events: Sequence[Event], history: Sequence[Run] = (), now: float | None = None) -> Progress:
    """Where `run` stands. `history`: finished runs whose stage times say how long a stage takes here."""
    names, current = _walk(stages(run.recipe), events)
    if run.state is State.DONE:
        return Progress(names, len(names), 1.0, "done", 0.0)
    if not events:
        return Progress(names, -1, 0.0, "waiting for a worker" if run.state is State.QUEUED else "starting", None)
    last = events[-1]
    inside = min(last.done / last.total, 1.0) if last.total else 0.0
    usual = usual_seconds(history)
    weights = [usual.get(name, 1.0) / names.count(name) for name in names]
    fraction = (sum(weights[:current]) + inside * weights[current]) / sum(weights)
    left = _left(events, weights[current:], inside, time.time() if now is None else now, known=bool(usual))
    return Progress(names, current, min(fraction, 1.0), _detail(last), left)


def _walk(names: Sequence[str], events: Sequence[Event]) -> tuple[tuple[str, ...], int]:
    """All stages, and the one the last event is in.

    A name that stands twice is looked for forwards first. A stage nobody expected ("Teacher") stands before the one
    that asked for it. A second attempt starts again from the left.
    """
    known, at = list(names), 0
    for event in events:
        if event.stage in known[at:]:
            at = known.index(event.stage, at)
        elif event.stage in known:
            at = known.index(event.stage)
        elif event.stage:
            known.insert(at, event.stage)
    return tuple(known), at


def usual_seconds(history: Sequence[Run]) -> dict[str, float]:
    """The median time of each stage over these runs."""
    seen: dict[str, list[float]] = {}
    for run in history:
        for stage, seconds in (run.result.stage_seconds if run.result else {}).items():
            seen.setdefault(stage, []).append(seconds)
    return {stage: max(median(values), 0.05) for stage, values in seen.items()}


def _left(events: Sequence[Event], weights: list[float], inside: float, now: float, *, known: bool) -> float | None:
    """What this stage needs by its own pace, plus what the later ones usually need."""
    first = next(event.time for event in events if event.stage == events[-1].stage)
    spent = max(now - first, 0.0)
    later = sum(weights[1:]) if known else None
    if inside > TELLING:
        return spent / inside * (1 - inside) + (later if later is not None else 5.0)
    return None if later is None else max(weights[0] - spent, 0.0) + later


def _detail(last: Event) -> str:
    parts = []
    if "epoch" in last.metrics:
        parts.append(_epoch(last))
    if "loss" in last.metrics:
        parts.append(f"loss {words.three(last.metrics['loss'])}")
    if "validation" in last.metrics:
        parts.append(f"validation {words.percent(last.metrics['validation'])}")
    if not parts and last.total:
        parts.append(f"{last.done:,} of {last.total:,}")
    return ", ".join([*parts, last.message] if last.message else parts)


def _epoch(last: Event) -> str:
    """The epoch it is in, counted from 1, and of how many where that can be told.

    >>> _epoch(Event(time=0, stage="Distil", done=5, total=8, metrics={"epoch": 2.5}))
    'epoch 3 of 4'
    """
    epoch = last.metrics["epoch"]
    of = f" of {round(epoch * last.total / last.done)}" if last.done and last.total else ""
    return f"epoch {max(math.ceil(epoch), 1)}{of}"


def queue_left(live: Sequence[Run], first_left_s: float | None, history: Sequence[Run]) -> float | None:
    """Seconds until the whole queue is done; None when nothing finished yet tells how long a run takes."""
    took = [r.ended_at - r.started_at for r in history if r.ended_at and r.started_at and r.state is State.DONE]
    waiting = sum(run.state is State.QUEUED for run in live)
    if waiting and not took:
        return None
    return (first_left_s or 0.0) + (waiting * median(took) if took else 0.0)
