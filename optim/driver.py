"""The loop behind `serve`: one driver per data folder.

It lives on when the browser or Streamlit goes away, and leaves when idle for long. Every state of a run after
`queued` is written by it alone (`dispatch.py`).
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from filelock import FileLock, Timeout

from .dispatch import Dispatch, Workers
from .driver_process import DriverStatus, announce, driver_status
from .errors import StoreError
from .lost import recover
from .pool import Pool
from .records import Event, State
from .seekers import Seekers
from .store import Store

POLL_SECONDS, BUSY_POLL_SECONDS = 0.15, 0.5
"""Less often while all workers are busy: they may be timing something, and ends and heartbeats wake the loop anyway."""
IDLE_SECONDS = 30 * 60.0
LEAVING_SECONDS = 15.0
"""How long to wait for a driver that is on its way out."""
STUMBLED_SECONDS = 2.0
"""How long to rest after a look that went wrong, as on a full disk."""
STUMBLES = 300
"""So many in a row, and the driver gives up: its folder is gone, or nobody mends the disk."""


def serve(home: Path, idle_seconds: float = IDLE_SECONDS, say: Callable[[str], None] = lambda _: None) -> bool:
    """Drive this data folder until asked to stop, or idle for long; False if another driver does already."""
    store = Store(home)
    lock = FileLock(home / "driver.lock")
    try:
        lock.acquire(timeout=0 if driver_status(home).ready else LEAVING_SECONDS)
    except Timeout:
        return False
    except OSError as error:
        remedy = "Choose another folder with --home or PARETOSCOPE_HOME."
        raise StoreError("The data folder cannot be written.", given=f"{home} ({error})", remedy=remedy) from None
    try:
        Driver(store, idle_seconds, say).run()
    finally:
        lock.release()
    return True


class Driver:
    """`say` prints a line for the log."""

    def __init__(self, store: Store, idle_seconds: float, say: Callable[[str], None]) -> None:
        self.store, self.idle_seconds, self._print = store, idle_seconds, say
        self.since = self._busy_at = time.time()
        self._stop, self._wake = threading.Event(), threading.Event()
        self._events: SimpleQueue[tuple[int, Event]] = SimpleQueue()
        self._told: DriverStatus | None = None
        self._keeps = True
        """Whether the last heartbeat could be written."""
        self._trouble, self._stumbles = "", 0
        """What went wrong at the last look, which is told once, and how often in a row."""

    def say(self, line: str) -> None:
        """Into the log, where that can be written."""
        with suppress(OSError):
            self._print(line)

    def run(self) -> None:
        """Start the pool, work until there is a reason to leave, and end it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        self._announce("starting")
        pool = Pool()
        try:
            self.work(pool)
        finally:
            pool.close()
        # a driver that broke down leaves it behind: whoever waits for it starts another
        (self.store.home / "driver.json").unlink(missing_ok=True)
        self.say("The driver has left.")

    def work(self, pool: Workers) -> None:
        """The loop; what is unfinished when it is left is queued again."""
        recover(self.store, self.say)
        pool.listen(lambda run_id, event: self._events.put((run_id, event)), self._wake.set)
        dispatch, seekers = Dispatch(self.store, pool, self.say), Seekers(self.store, self.say)
        self.say(f"Ready: {len(dispatch.slots)} worker(s). Data folder: {self.store.home}")
        try:
            self._loop(pool, dispatch, seekers)
        finally:
            self._announce("leaving", pool, dispatch)
            self._keep_events()
            dispatch.put_back()

    def stop(self) -> None:
        """Ask it to leave."""
        self._stop.set()
        self._wake.set()

    def _loop(self, pool: Workers, dispatch: Dispatch, seekers: Seekers) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            self._keep_events()
            if not self._looked(dispatch, seekers):
                self._wake.wait(STUMBLED_SECONDS)
                continue
            self._announce("ready", pool, dispatch)
            if self._idle_long(dispatch, seekers) and self._may_leave(dispatch):
                return
            self._wake.wait(POLL_SECONDS if dispatch.free else BUSY_POLL_SECONDS)

    def _looked(self, dispatch: Dispatch, seekers: Seekers) -> bool:
        """Whether the look at workers and searches went well; what the disk or the store refuses is tried again."""
        try:
            dispatch.step()
            seekers.step(len(dispatch.slots))
        except (OSError, StoreError) as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self.say(f"{error} It is tried again until it works.")
            self._stumbles += 1
            if self._stumbles == STUMBLES:
                raise
            return False
        self._trouble, self._stumbles = "", 0
        return True

    def _keep_events(self) -> None:
        """What the disk refuses is lost; that is said once."""
        with suppress(Empty):
            while True:
                kept = self.store.append_event(*self._events.get_nowait())
                if self._keeps and not kept:
                    self.say("The disk refuses the heartbeats of runs: these are lost until there is room.")
                self._keeps = kept

    def _announce(self, state: str, pool: Workers | None = None, dispatch: Dispatch | None = None) -> None:
        """Rewrite `driver.json` when what it says has changed, and again where the disk refused it."""
        workers = pool.infos() if pool else ()
        busy = dispatch.busy if dispatch else ()
        status = DriverStatus(True, state, since=self.since, workers=workers, busy=busy)
        if status != self._told:
            with suppress(OSError):
                announce(self.store.home, status)
                self._told = status

    def _idle_long(self, dispatch: Dispatch, seekers: Seekers) -> bool:
        if dispatch.working or seekers.busy:
            self._busy_at = time.time()
        return time.time() - self._busy_at > self.idle_seconds

    def _may_leave(self, dispatch: Dispatch) -> bool:
        """Say so first, then look again: who queues a run after this sees that a driver must be started."""
        self._announce("leaving")
        return not self.store.runs(states=[State.QUEUED], limit=1) and not dispatch.profiling.asked()
