"""From the queue to the workers and back: gives each free worker a run, and keeps what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from distributed import Future, KilledWorker

from . import recipes, sessions
from .dispatch_profiles import Profiling
from .driver_process import WorkerInfo
from .errors import StoreError, UnknownName
from .lost import ATTEMPTS, Absence, again_or_failed
from .pool import kill_family
from .profiles import ProfileAsk
from .records import Event, Run, Task
from .results import Failure, Result
from .store import Store
from .tasks import task_of

GRACE_SECONDS = 2.0
"""How long a cancelled run may take to stop by itself before its worker is killed."""
REVIVE_SECONDS, REVIVE_AT_MOST = 5.0, 60.0
"""A worker that has not come back by then may never; the wait doubles each time, for machines where a start is slow."""


class Workers(Protocol):
    """What is needed of a pool."""

    names: tuple[int, ...]

    def listen(self, on_event: Callable[[int, Event], None], on_change: Callable[[], None]) -> None: ...
    def submit(self, name: int, task: Task) -> Future: ...
    def profile(self, name: int, ask: ProfileAsk) -> Future: ...
    def pid(self, name: int) -> int: ...
    def revive(self, name: int) -> None: ...
    def infos(self) -> tuple[WorkerInfo, ...]: ...
    def close(self) -> None: ...


class Slot:
    """One worker and the run it is given."""

    def __init__(self, name: int) -> None:
        self.name = name
        self.run: Run | None = None
        self.future: Future | None = None
        self.pid = 0
        """Of the process that was given the run."""
        self.dead_pid = 0
        """Of the process that was lost or killed: the next run waits for another one."""
        self.kill_at: float | None = None
        self.patience = REVIVE_SECONDS
        """Seconds until a worker that is gone is replaced."""
        self.absence = Absence()
        self.seen_at = time.monotonic()
        """When a worker was last there to be given a run."""

    def clear(self) -> None:
        self.run = self.future = self.kill_at = None
        self.absence = Absence()
        self.seen_at = time.monotonic()


class Dispatch:
    """`say` prints a line for the driver's log."""

    def __init__(self, store: Store, pool: Workers, say: Callable[[str], None]) -> None:
        self.store, self.pool, self.say = store, pool, say
        self.slots = [Slot(name) for name in pool.names]
        self.profiling = Profiling(store.home, pool, say)
        self._nothing_at = -1
        """The store's revision when there was nothing to start: as long as it stands, nobody needs to look again."""

    @property
    def busy(self) -> tuple[int, ...]:
        return tuple(slot.run.id for slot in self.slots if slot.run is not None)

    @property
    def free(self) -> bool:
        """Whether a worker has nothing to do."""
        return len(self.busy) + (self.profiling.lent is not None) < len(self.slots)

    @property
    def working(self) -> bool:
        """Whether any worker has a run or a profile to make."""
        return bool(self.busy) or self.profiling.lent is not None

    def step(self) -> None:
        """One look at every worker, then new work for those that are free. A profile is short: it goes first."""
        self.profiling.look_after()
        for slot in self.slots:
            self._look_after(slot)
        revision = self.store.revision()
        for slot in self.slots:
            if slot.run is not None or slot.name == self.profiling.lent or not self._has_fresh_worker(slot):
                continue
            if not self.profiling.start(slot.name) and revision != self._nothing_at:
                run = self.store.claim()
                if run is None:
                    self._nothing_at = revision  # of before: what was queued since then is looked for again
                    return
                self._start(slot, run)

    def put_back(self) -> None:
        """End what is running and queue it again: the driver leaves. The attempt does not count."""
        self.profiling.put_back()
        for slot in self.slots:
            if slot.run is not None:
                kill_family(slot.pid)
                self.store.requeue(slot.run.id, counted=False)
                slot.clear()

    def _has_fresh_worker(self, slot: Slot) -> bool:
        """Also sees to it that there is one, sooner or later."""
        now = time.monotonic()
        if self.pool.pid(slot.name) not in {0, slot.dead_pid, self.profiling.dead_pid}:
            slot.seen_at, slot.patience = now, REVIVE_SECONDS
            return True
        if now - slot.seen_at > slot.patience:
            slot.patience = min(2 * slot.patience, REVIVE_AT_MOST)
            self.say("A worker did not come back; another one is started.")
            self.pool.revive(slot.name)
            slot.seen_at = time.monotonic()
        return False

    def _start(self, slot: Slot, run: Run) -> None:
        try:
            task = task_of(self.store, run)
        except (StoreError, UnknownName) as error:
            sessions.forget(self.store.folder(run.id))
            self._fail(run, Failure(kind=type(error).__name__, reason=error.what, remedy=error.remedy))
            return
        again = f", attempt {run.attempt} of {ATTEMPTS}" if run.attempt > 1 else ""
        begun = run.errand if run.again else "started"
        self.store.append_event(run.id, Event(time=time.time(), stage="", message=f"{begun}{again}"))
        slot.run, slot.pid = run, self.pool.pid(slot.name)
        slot.future = self.pool.submit(slot.name, task)
        self.say(f"Run {run.id} started{again}: {recipes.describe(run.recipe)}")

    def _look_after(self, slot: Slot) -> None:
        """Has its run ended, is it to be stopped, is the worker still there?"""
        if slot.run is None or slot.future is None:
            return
        if slot.future.done():
            self._end(slot, slot.run, slot.future)
        elif slot.kill_at is not None:
            if time.monotonic() > slot.kill_at:
                self._kill(slot, slot.run, slot.future)
        elif self.store.run(slot.run.id).cancel_requested:
            (self.store.folder(slot.run.id) / "cancel").touch()
            slot.kill_at = time.monotonic() + GRACE_SECONDS
        elif slot.absence.is_long(there=self.pool.pid(slot.name) == slot.pid):
            slot.future.cancel()
            self._lost(slot, slot.run)

    def _end(self, slot: Slot, run: Run, future: Future) -> None:
        """Keep what the worker handed back."""
        error = future.exception() if future.status == "error" else None
        if future.status == "finished":
            self._keep(run, future.result())
            slot.clear()
        elif error is None or isinstance(error, KilledWorker):
            self._lost(slot, run)
        else:
            self._fail(run, Failure(kind=type(error).__name__, reason=str(error) or "The worker stopped."))
            slot.clear()

    def _keep(self, run: Run, answer: dict[str, str]) -> None:
        sessions.forget(self.store.folder(run.id))
        if "result" in answer:
            done = self.store.finish(run.id, Result.from_json(answer["result"]))
            ended = "has its test set opened" if run.opening else "timed again"
            took = f"done in {(done.ended_at or 0) - (done.started_at or 0):.1f} s"
            self.say(f"Run {run.id} {ended if run.again else took}")
            return
        failure = Failure.from_json(answer["failure"])
        if failure.kind == "Cancelled":
            self._cancelled(run)
        else:
            self._fail(run, failure)

    def _lost(self, slot: Slot, run: Run) -> None:
        """The worker went away and may have left children."""
        kill_family(slot.pid)
        slot.dead_pid = slot.pid
        slot.clear()
        again_or_failed(self.store, run.id, self.say)

    def _kill(self, slot: Slot, run: Run, future: Future) -> None:
        """The grace is over: drop the task, end the worker and its children. The nanny brings a new one."""
        future.cancel()
        kill_family(slot.pid)
        slot.dead_pid = slot.pid
        slot.clear()
        self._cancelled(run)

    def _cancelled(self, run: Run) -> None:
        (self.store.folder(run.id) / "cancel").unlink(missing_ok=True)
        self.store.cancelled(run.id)
        self.say(f"Run {run.id} cancelled")

    def _fail(self, run: Run, failure: Failure) -> None:
        self.store.fail(run.id, failure)
        self.say(f"Run {run.id}{f': {run.errand}' * run.again} failed: {failure.reason}")
