"""The machine's lock: many may train at once, who times is alone. Taken by workers of every data folder.

It lies in the temporary folder, not in the data folder, because it is the processor that is shared. Each user has a
file of their own, so that nobody needs another one's permission; times under load of another user are found out by
the measurement itself.
"""

from __future__ import annotations

import getpass
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import ReadWriteLock, Timeout


@contextmanager
def training_lock(waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the machine as one of many; waits while somebody times."""
    with _lock() as lock:
        _acquire(lock.acquire_read, waiting)
        yield


@contextmanager
def measuring_lock(waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the machine alone; waits until nobody trains or times."""
    with _lock() as lock:
        _acquire(lock.acquire_write, waiting)
        yield


def _acquire(acquire: Callable[[float], object], waiting: Callable[[], None]) -> None:
    """Try until it is ours; `waiting` is called about once a second and may raise, so that waiting can be cancelled."""
    while True:
        try:
            acquire(1.0)
        except Timeout:
            waiting()
        else:
            return


def lock_path() -> Path:
    """`paretoscope-<user>/machine.lock` in the temporary folder."""
    folder = Path(tempfile.gettempdir()) / f"paretoscope-{re.sub(r'[^A-Za-z0-9_-]', '_', getpass.getuser())}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / "machine.lock"


@contextmanager
def _lock() -> Iterator[ReadWriteLock]:
    """An instance of its own each time, so that threads of one process wait for each other too."""
    lock = ReadWriteLock(lock_path(), is_singleton=False)
    try:
        yield lock
    finally:
        lock.release(force=True)
        lock.close()
