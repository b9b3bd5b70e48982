"""The machine's lock: many may train at once, who times is alone. Taken by workers of every data folder.

It lies in the temporary folder, not in the data folder, because it is the processor that is shared. Each user has a
file of their own, so that nobody needs another one's permission; times under load of another user are found out by
the measurement itself.

Before the lock stands a door. Who wants to time closes it, and it stays closed until the time is taken; who trains
looks at it several times a second and, finding it closed, lets go of the lock until it opens. So nobody who times
waits for the end of a training, and trainings that take turns at the lock cannot keep the door from closing.
"""

from __future__ import annotations

import getpass
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, ReadWriteLock, Timeout

LOOK_SECONDS = 0.2
"""How often a training looks at the door: a look costs 0.4 ms (measured), so 0.2 % of the time."""


def _silent() -> None:
    pass


class GiveWay:
    """Called between two batches: lets a measurement pass, if one is waiting."""

    def __init__(self, lock: ReadWriteLock, clock: Callable[[], float] = time.monotonic) -> None:
        self.lock, self.clock, self.looked_at = lock, clock, clock()
        self.held = True
        """Whether there is anything to let go of: not after the `with` block of `training_lock`."""

    def __call__(self, waiting: Callable[[], None] = _silent) -> float:
        """Seconds that were given away, mostly 0. Meanwhile `waiting` is called about once a second and may raise."""
        now = self.clock()
        if not self.held or now - self.looked_at < LOOK_SECONDS:
            return 0.0
        gave = _door_is_closed()
        if gave:
            self.lock.release()
            waiting()
            _enter(self.lock, waiting)
        self.looked_at = self.clock()
        return self.looked_at - now if gave else 0.0


@contextmanager
def training_lock(waiting: Callable[[], None] = _silent) -> Iterator[GiveWay]:
    """Hold the machine as one of many; waits while somebody times. Call what it gives between batches."""
    with _lock() as lock:
        _enter(lock, waiting)
        give_way = GiveWay(lock)
        try:
            yield give_way
        finally:
            give_way.held = False


@contextmanager
def measuring_lock(waiting: Callable[[], None] = _silent) -> Iterator[None]:
    """Hold the machine alone; waits until nobody times and who trains has come to the end of a batch."""
    with _lock() as lock, _door() as door:
        _acquire(door.acquire, waiting)
        _acquire(lock.acquire_write, waiting)
        yield


def _enter(lock: ReadWriteLock, waiting: Callable[[], None]) -> None:
    """Through the open door, then hold the lock as a reader."""
    with _door() as door:
        _acquire(door.acquire, waiting)
    _acquire(lock.acquire_read, waiting)


def _acquire(acquire: Callable[[float], object], waiting: Callable[[], None]) -> None:
    """Try until it is ours; `waiting` is called about once a second and may raise, so that waiting can be cancelled."""
    while True:
        try:
            acquire(1.0)
        except Timeout:
            waiting()
        else:
            return


def _door_is_closed() -> bool:
    with _door() as door:
        try:
            door.acquire(timeout=0.01, poll_interval=0.002)  # others who only look hold it for a moment
        except Timeout:
            return True
    return False


def lock_path() -> Path:
    """`paretoscope-<user>/machine.lock` in the temporary folder."""
    folder = Path(tempfile.gettempdir()) / f"paretoscope-{re.sub(r'[^A-Za-z0-9_-]', '_', getpass.getuser())}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / "machine.lock"


@contextmanager
def _door() -> Iterator[FileLock]:
    door = FileLock(lock_path().with_suffix(".door"))
    try:
        yield door
    finally:
        door.release(force=True)


@contextmanager
def _lock() -> Iterator[ReadWriteLock]:
    """An instance of its own each time, so that threads of one process wait for each other too."""
    lock = ReadWriteLock(lock_path(), is_singleton=False)
    try:
        yield lock
    finally:
        lock.release(force=True)
        lock.close()
