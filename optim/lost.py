"""Runs whose process went away: tried again, at most three times in all."""

from __future__ import annotations

import time
from collections.abc import Callable

from .records import State
from .results import Failure
from .store import Store

ATTEMPTS = 3
LOG_TAIL_BYTES = 4000
LOST_SECONDS = 3.0
"""A worker that is gone this long while its work is not reported as ended took that with it."""


class Absence:
    """How long a process has not been where it was. Dask reports a lost worker at once; should it ever not, this does:
    work that is handed to a worker in the moment in which it dies waits for ever.
    """

    def __init__(self) -> None:
        self._since: float | None = None

    def is_long(self, *, there: bool) -> bool:
        """One look; whether it was away at each one for `LOST_SECONDS`."""
        now = time.monotonic()
        self._since = None if there else now if self._since is None else self._since
        return self._since is not None and now - self._since > LOST_SECONDS


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
