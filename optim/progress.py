"""How far a run is, in words: its stages, the epoch, and the time left. From the recipe and its events alone."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from itertools import takewhile
from statistics import median
from typing import NamedTuple

from . import catalog, words
from .records import Event, Recipe, Run, State

WAITING = "waiting: another run on this machine, perhaps of another data folder, is training or timing"
"""What a run says about once a second until the machine is free for it."""
TELLING_S = 1.0
"""Two heartbeats this far apart tell the pace of a stage; the slow start before the first one does not count."""
QUICK_S = 1.5
"""What a stage that trains nothing takes, about, as long as no run has shown it."""
LONG_S = 20.0
"""What a training counts on the bar as long as nobody knows how long it takes."""


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
    """None as long as nothing tells how long the training takes, and while it waits for the machine."""


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
    if run.again:
        events = since_start(events)
    names, current = _walk(_stages(run), events)
    if run.state is State.DONE:
        return Progress(names, len(names), 1.0, "done", 0.0)
    usual = usual_seconds([past for past in history if _comparable(past, run)])
    rest = [usual.get(name, _guess(name)) for name in names]
    weights = [(seconds or LONG_S) / names.count(name) for name, seconds in zip(names, rest, strict=True)]
    if not events:
        left = None if None in rest or run.state is State.QUEUED else sum(weights)
        return Progress(names, -1, 0.0, "waiting for a worker" if run.state is State.QUEUED else "starting", left)
    last = events[-1]
    inside = min(last.done / last.total, 1.0) if last.total else 0.0
    fraction = (sum(weights[:current]) + inside * weights[current]) / sum(weights)
    if (since := waiting_since(events)) is not None:
        clock = time.strftime("%H:%M", time.localtime(since))
        return Progress(names, current, min(fraction, 1.0), WAITING.replace("waiting", f"waiting since {clock}"), None)
    now = time.time() if now is None else now
    here = _left_here(events, rest[current], inside, now)
    if (
        here is not None and last.total and (whole := here + _spent_here(events, now))
    ):  # its own pace, not the usual one
        fraction = (sum(weights[:current]) + whole - here) / (sum(weights) - weights[current] + whole)
    known = here is not None and None not in rest[current + 1 :]
    left = here + sum(weights[current + 1 :]) if known else None
    return Progress(names, current, min(fraction, 1.0), _detail(last), left)


def _stages(run: Run) -> tuple[str, ...]:
    """A run with a result goes through one stage only."""
    if run.again:
        return ("Score",) if run.opening else ("Time",)
    return stages(run.recipe)


def since_start(events: Sequence[Event]) -> Sequence[Event]:
    """The heartbeats since the driver last gave the run to a worker, which it marks by an event without a stage."""
    starts = [number for number, event in enumerate(events) if not event.stage and not _waits(event)]
    return events[starts[-1] :] if starts else events


def troubles(events: Sequence[Event]) -> tuple[str, ...]:
    """What is wrong with the network as far as is known, by stage: an epoch that ends well takes back what its stage
    told before.

    >>> bad = Event(time=0, stage="Recover", message="The loss rose.", trouble=True)
    >>> troubles([bad]), troubles([bad, Event(time=1, stage="Recover", metrics={"validation": 0.9})])
    (('Recover: The loss rose.',), ())
    """
    told: dict[str, str] = {}
    for event in since_start(events):
        if event.trouble:
            told[event.stage] = f"{event.stage}: {event.message}"
        elif "validation" in event.metrics:
            told.pop(event.stage, None)
    return tuple(told.values())


def _waits(event: Event) -> bool:
    return event.message.startswith("waiting:")


def waiting_since(events: Sequence[Event]) -> float | None:
    """When the run began to wait for the machine; None when it does not wait now."""
    told = list(takewhile(_waits, reversed(events)))
    return told[-1].time if told else None


def _comparable(past: Run, run: Run) -> bool:
    """Whether its stages take about as long."""
    one, other = past.recipe, run.recipe
    return (one.dataset, one.model, one.width) == (other.dataset, other.model, other.width)


def _guess(name: str) -> float | None:
    """Seconds of a stage that no run has shown yet; nobody knows how long a training takes."""
    return None if any(row.trains and row.verb == name for row in catalog.TECHNIQUES.values()) else QUICK_S


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


def _spent_here(events: Sequence[Event], now: float) -> float:
    """Seconds since the current stage began."""
    told = list(takewhile(lambda event: event.stage == events[-1].stage, reversed(events)))
    return max(now - told[-1].time, 0.0)


def _left_here(events: Sequence[Event], usual: float | None, inside: float, now: float) -> float | None:
    """What the current stage still needs: by its own pace, else by what it usually takes."""
    told = list(takewhile(lambda event: event.stage == events[-1].stage, reversed(events)))
    counted = [event for event in told if event.total == events[-1].total > 0]
    if counted and (took := counted[0].time - counted[-1].time) >= TELLING_S and counted[0].done > counted[-1].done:
        pace = (counted[0].done - counted[-1].done) / took
        return max((counted[0].total - counted[0].done) / pace - max(now - counted[0].time, 0.0), 0.0)
    spent = max(now - told[-1].time, 0.0)
    return None if usual is None else max(usual - max(spent, inside * usual), 0.0)


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
