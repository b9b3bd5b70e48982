"""The machine's lock: many may train at once, who times is alone. Taken by workers of every data folder.

It lies in the temporary folder, not in the data folder, because it is the processor that is shared. Each user has a
file of their own, so that nobody needs another one's permission; times under load of another user are found out by
the measurement itself.
"""

from __future__ import annotations

import getpass
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import ReadWriteLock


@contextmanager
def training_lock() -> Iterator[None]:
    """Hold the machine as one of many; waits while somebody times."""
    with _lock() as lock, lock.read_lock():
        yield


@contextmanager
def measuring_lock() -> Iterator[None]:
    """Hold the machine alone; waits until nobody trains or times."""
    with _lock() as lock, lock.write_lock():
        yield


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
        lock.close()
