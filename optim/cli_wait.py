"""Waiting in the terminal: one line on stderr says where a run is until it has ended; or for the driver to leave."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from . import progress, remarks, views, words
from .cli_parts import print_json
from .driver_process import driver_status, ensure_driver, stop_driver
from .errors import RunError
from .home import home_option
from .records import Event, Run, State
from .store import Store, opened

POLL_SECONDS = 0.1
DRIVER_LOOK_SECONDS = 2.0
DEATHS = 3
"""So many drivers may break down while somebody waits; the next is not started."""
BAR = 20


class Line:
    """Rewrites itself on a terminal; elsewhere prints each new stage once."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.shown, self.stage = "", ""

    def show(self, text: str, stage: str) -> None:
        if self.live and text != self.shown:
            sys.stderr.write("\r" + text.ljust(len(self.shown)))
        elif not self.live and stage != self.stage:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()
        self.shown, self.stage = text, stage

    def event(self, event: Event) -> None:
        """A heartbeat as it comes, where there is no run around it."""
        share = f"{100 * event.done / event.total:3.0f} %" if event.total else "     "
        left_s = event.metrics.get("left_s")
        left = f"about {words.duration(left_s)} left" if left_s is not None else ""
        facts = ", ".join(f"{name} {words.three(value)}" for name, value in event.metrics.items() if name != "left_s")
        told = ", ".join(filter(None, [facts, event.message, left]))
        self.show(f"{event.stage} {share} {told}", f"{event.stage} {int(event.metrics.get('epoch', 0))}")

    def end(self) -> None:
        if self.live and self.shown:
            sys.stderr.write("\n")


class Watch:
    """The driver, looked at now and then: one that went away is started again, one that was asked to leave is not."""

    def __init__(self, home: Path, what: str) -> None:
        self.home, self.what = home, what
        """`what`: which run or search waits for it."""
        self._looked, self._seen, self._deaths = time.monotonic(), False, 0

    def look(self) -> None:
        """`RunError` where the driver was asked to leave, or breaks down again and again."""
        if time.monotonic() - self._looked <= DRIVER_LOOK_SECONDS:
            return
        self._looked, status = time.monotonic(), driver_status(self.home)
        if not status.alive and self._seen and not (self.home / "driver.json").exists():
            raise RunError(
                f"The driver was asked to leave, and {self.what} waits. "
                f"Go on: python -m optim serve{home_option(self.home)}, or give the same command again."
            )
        if not status.alive and self._deaths == DEATHS:
            raise RunError(
                f"The driver broke down {DEATHS + 1} times, and {self.what} waits. "
                f"See {self.home / 'driver.log'} for the reason (is the disk full?), then give the same command again."
            )
        if not status.alive:
            self._deaths += self._seen
            ensure_driver(self.home)
        self._seen = True


def follow(home: Path, run_id: int) -> Run:
    """Wait until the run has ended, and say where it is. A driver that went away is started again."""
    store, line, watch = opened(home), Line(), Watch(home, f"run {run_id}")
    history = store.runs(states=[State.DONE], limit=20)
    try:
        while (run := store.run(run_id)).state.live:
            line.show(*where(store, run, history))
            watch.look()
            time.sleep(POLL_SECONDS)
    finally:
        line.end()
    return run


def where(store: Store, run: Run, history: list[Run]) -> tuple[str, str]:
    """The line, and what it is about: the line is worth printing anew when that changes."""
    if run.state is State.QUEUED:
        return _queued(store, run)
    events = views.latest_attempt(store.events(run.id))
    now = progress.progress(run, events, history)
    stage = now.stages[now.current] if 0 <= now.current < len(now.stages) else "Start"
    filled = round(BAR * now.fraction)
    bar = "#" * filled + "-" * (BAR - filled)
    left = f", about {words.duration(now.left_s)} left" if now.left_s is not None else ""
    lost = f" ({again})" if (again := remarks.attempt(run)) else ""
    told = (stage, now.detail)
    waits = progress.waiting_since(events) is not None
    text = f"run {run.id}{lost} [{bar}] {100 * now.fraction:3.0f} %  {': '.join(filter(None, told))}{left}"
    return text, f"{run.attempt} {stage}{' waits' * waits}"


def _queued(store: Store, run: Run) -> tuple[str, str]:
    ahead = [other for other in store.runs(states=[State.RUNNING, State.QUEUED]) if other.id != run.id]
    running = next((other for other in ahead if other.state is State.RUNNING), None)
    if running is None:
        lost = f" ({again})" if (again := remarks.attempt(run)) else ""
        return f"run {run.id} is queued{lost}", "queued"
    reference = running.is_reference and running.project == run.project
    why = "its reference, made first" if reference else words.plural(len(ahead), "other run") + " in the queue"
    text, about = where(store, running, [])
    return f"run {run.id} waits ({why}): {text}", f"waits {running.id} {about}"


def stop(home: Path, *, as_json: bool) -> None:
    """End the driver; say at once what that waits for, and at the end what stays queued."""
    busy = ", ".join(f"run {number}" for number in driver_status(home).busy)
    if driver_status(home).alive:
        ends = f"it ends its work on {busy}, which is queued again" if busy else "it works on nothing"
        click.echo(f"Waiting for the driver to leave: {ends}.", err=True)
    stopped = stop_driver(home)
    queued = len(opened(home).runs(states=[State.QUEUED])) if stopped else 0
    told = "The driver has left." if stopped else "No driver was running."
    if queued:
        told += f" {words.plural(queued, 'run')} {'stays' if queued == 1 else 'stay'} queued"
        told += f"; {'it goes' if queued == 1 else 'they go'} on when the driver starts again."
    if as_json:
        print_json({"stopped": stopped, **({"queued": queued} if stopped else {})})
    else:
        click.echo(told)
