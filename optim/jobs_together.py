"""Time several done runs in one session, as the Compare page or the command line asks for it. Light."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import jobs, sessions
from .errors import RequestError
from .records import Run
from .store import Store, opened

MOST = 6
"""Runs beside the reference: one session stays short, and a page readable."""


def measure_together(home: Path, run_ids: Sequence[int], *, start_driver: bool = True) -> Run:
    """Queue one session in which these runs' files and the reference are timed in turns; the run that leads it.

    Each of them gets a measurement. `RequestError` unless they are done, of one project, and their files are whole.
    """
    store = opened(home)
    runs = [store.run(number) for number in dict.fromkeys(run_ids)]
    reference = store.reference_run(runs[0].project) if runs else None
    others = [run for run in runs if reference is None or run.id != reference.id]
    if not 1 <= len(others) <= MOST or len(others) + (reference is not None) < 2:
        raise RequestError("So many runs cannot be timed together.", given=len(runs), allowed=f"2 to {MOST} runs")
    every = [*others, *([reference] if reference else [])]
    for run in every:
        _check(store, run, others[0])
    leader = others[0]
    jobs.check_machine(leader.project.dataset, jobs.Target(*_where(leader)))
    sessions.ask(store.folder(leader.id), [run.id for run in every if run is not leader])
    queued = store.measure_again(leader.id)
    if start_driver:
        jobs.ensure_driver(home)
    return queued


def _where(run: Run) -> tuple[str, int, int, str]:
    there = run.project
    return there.device, there.threads, there.batch, there.reference


def _check(store: Store, run: Run, leader: Run) -> None:
    if run.project != leader.project:
        given = f"run {leader.id} and run {run.id}"
        allowed = "runs on the same data, timed in the same way, with the same reference"
        raise RequestError("These runs cannot be compared in time.", given=given, allowed=allowed)
    if run.result is None or run.state.live:
        given, remedy = f"run {run.id}, {run.state}", "Wait until it is done."
        raise RequestError("This run has no file to time now.", given=given, allowed="done runs", remedy=remedy)
    jobs.whole_file(store, run)
