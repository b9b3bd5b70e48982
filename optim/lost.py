"""Runs whose process went away: tried again, at most three times in all."""

from __future__ import annotations

from collections.abc import Callable

from .records import State
from .results import Failure
from .store import Store

ATTEMPTS = 3
LOG_TAIL_BYTES = 4000


def recover(store: Store, say: Callable[[str], None]) -> None:
    """Runs that an earlier driver left running: it was ended by force."""
    for run in store.runs(states=[State.RUNNING]):
        again_or_failed(store, run.id, say)


def _tail(store: Store, run_id: int) -> str:
    """The end of what the run printed."""
    try:
        return (store.folder(run_id) / "log.txt").read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
    except OSError:
        return ""


def again_or_failed(store: Store, run_id: int, say: Callable[[str], None]) -> None:
    """Queue a run whose worker went away once more, at most three attempts in all."""
    run = store.run(run_id)
    if run.cancel_requested:
        store.cancelled(run_id)
    elif run.attempt >= ATTEMPTS:
        reason = f"The process that ran it went away {run.attempt} times."
        again = ("open its test set again" if run.opening else "time it again") if run.again else "retry"
        remedy = f"Something ended it, or memory ran out: see its log and 'python -m optim doctor', then {again}."
        store.fail(run_id, Failure(kind="WorkerLost", reason=reason, remedy=remedy, log_tail=_tail(store, run_id)))
        say(f"Run {run_id} failed: {reason}")
    else:
        store.requeue(run_id)
        say(f"Run {run_id}: its worker went away; queued again")
