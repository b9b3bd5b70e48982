"""The driver as a process: who it is (`driver.json`), how it is started and stopped. Light: read by every page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from .atomic import write_text
from .errors import DriverError

READY_SECONDS = 60.0
"""A cold disk can take half a minute to read the packages."""
STOP_SECONDS = 15.0
ROOT = Path(__file__).resolve().parents[1]
_started: list[subprocess.Popen] = []
"""Drivers this process started; kept so that one that has ended is not left a zombie."""


class WorkerInfo(NamedTuple):
    name: str
    pid: int
    device: str


class DriverStatus(NamedTuple):
    alive: bool
    state: str = "not running"
    """`starting`, `ready`, `leaving`, or `not running`."""
    pid: int = 0
    since: float = 0.0
    workers: tuple[WorkerInfo, ...] = ()
    busy: tuple[int, ...] = ()
    """Numbers of the runs being worked on."""

    @property
    def ready(self) -> bool:
        return self.alive and self.state == "ready"


def driver_status(home: Path) -> DriverStatus:
    """Who drives this data folder. A pid that was given to another process since, or a zombie, is not alive."""
    try:
        told = json.loads((home / "driver.json").read_text("utf-8"))
        process = psutil.Process(told["pid"])
        same = abs(process.create_time() - told["create_time"]) < 1
        alive = same and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return DriverStatus(alive=False)
    if not alive:
        return DriverStatus(alive=False)
    workers = tuple(WorkerInfo(**worker) for worker in told["workers"])
    return DriverStatus(True, told["state"], told["pid"], told["since"], workers, tuple(told["busy"]))


def announce(home: Path, status: DriverStatus) -> None:
    """Write this process's `driver.json`."""
    told = {
        "pid": os.getpid(),
        "create_time": psutil.Process().create_time(),
        "state": status.state,
        "since": status.since,
        "workers": [worker._asdict() for worker in status.workers],
        "busy": list(status.busy),
    }
    write_text(home / "driver.json", json.dumps(told))


def ensure_driver(home: Path) -> DriverStatus:
    """The driver of this data folder, started if none is ready. It outlives whoever started it.

    Raises `DriverError` with the end of its log when it does not come up.
    """
    status = driver_status(home)
    if status.ready:
        return status
    child = None if status.state == "starting" else _start(home)
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        status = driver_status(home)
        if status.ready:
            return status
        if (child is None or child.poll() is not None) and not status.alive:
            break
        time.sleep(0.05)
    remedy = f"See {home / 'driver.log'}, and 'python -m optim doctor'."
    raise DriverError("The driver did not come up.", given=_log_tail(home), remedy=remedy)


def _start(home: Path) -> subprocess.Popen:
    """`serve` as a session of its own, deaf to the terminal and the browser."""
    home.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    with (home / "driver.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "optim", "serve", "--home", str(home)],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _started[:] = [old for old in _started if old.poll() is None]
    _started.append(child)
    return child


def _log_tail(home: Path) -> str:
    try:
        lines = (home / "driver.log").read_text("utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "no log"
    return " / ".join(lines[-3:]) or "an empty log"


def stop_driver(home: Path) -> bool:
    """Ask the driver to leave and wait until it has; what it was running is queued again. False if there was none."""
    status = driver_status(home)
    if not status.alive:
        return False
    process = psutil.Process(status.pid)
    family = [process, *process.children(recursive=True)]
    process.send_signal(signal.SIGTERM)
    if left := _still_there(family, STOP_SECONDS):
        for one in left:
            with suppress(psutil.Error):
                one.kill()
        _still_there(left, 2)
    return True


def _still_there(family: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Who is left after so long. One that has ended is gone, also where nobody has asked for its exit code."""
    deadline = time.monotonic() + seconds
    while True:
        for child in _started:
            child.poll()
        left = [one for one in family if _lives(one)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
