"""What a Dask worker runs: one task at a time, its heartbeats sent to the driver, its output kept in the run's log.

Importing this costs nothing: torch and the rest are loaded by `Settle` in the worker's own process, ahead of need.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from distributed import Worker, WorkerPlugin, get_worker

from .atomic import write_text
from .errors import ParetoscopeError
from .frozen import Record
from .profiles import ProfileAsk
from .records import Event, Task
from .results import Failure

TOPIC = "paretoscope"
HEARTBEAT_SECONDS = 0.2
LOG_TAIL_BYTES = 4000
_PR_SET_PDEATHSIG = 1
_warm = threading.Event()


def work(task_json: str) -> dict[str, str]:
    """Run one task; `{"result": json}` or `{"failure": json}`. Never raises: the driver must learn the reason."""
    task = Task.from_json(task_json)
    folder = Path(task.folder)
    _warm.wait(timeout=120)

    def made() -> Record:
        from .pipeline import run

        return run(task, _Heartbeat(task.run_id).send, (folder / "cancel").exists)

    return _answer(made, folder)


def measure_profile(ask_json: str) -> dict[str, str]:
    """Measure one profile and keep it; how far it is stands in the request's folder. Answers like `work`."""
    ask = ProfileAsk.from_json(ask_json)
    _warm.wait(timeout=120)

    def measured() -> Record:
        from .profiling import run

        return run(ask, _Note(ask.folder / "progress.json").write, (ask.folder / "cancel").exists)

    return _answer(measured, ask.folder)


def _answer(make: Callable[[], Record], folder: Path) -> dict[str, str]:
    with _log_to(folder / "log.txt"):
        try:
            result = make()
        except ParetoscopeError as error:
            return {"failure": _told(error, folder).to_json()}
        except Exception as error:  # noqa: BLE001 - whatever it is, the user must see it
            traceback.print_exc()
            return {"failure": _unforeseen(error, folder).to_json()}
    return {"result": result.to_json()}


class _Note:
    """Rewrites the last heartbeat of a profile: a new stage at once, else a few times a second."""

    def __init__(self, path: Path) -> None:
        self.path, self.stage, self.written_at = path, "", 0.0

    def write(self, event: Event) -> None:
        now = time.monotonic()
        if event.stage != self.stage or now - self.written_at >= HEARTBEAT_SECONDS:
            self.stage, self.written_at = event.stage, now
            write_text(self.path, event.to_json())


class _Heartbeat:
    """Sends what is worth seeing: every new stage, every end of an epoch or stage, and five others a second."""

    def __init__(self, run_id: int) -> None:
        self.run_id, self.stage, self.sent_at = run_id, "", 0.0

    def send(self, event: Event) -> None:
        whole = bool(event.total) and event.done >= event.total
        telling = event.stage != self.stage or "validation" in event.metrics or event.message or whole
        now = time.monotonic()
        if telling or now - self.sent_at >= HEARTBEAT_SECONDS:
            self.stage, self.sent_at = event.stage, now
            get_worker().log_event(TOPIC, {"run_id": self.run_id, "event": event.to_json()})


class Settle(WorkerPlugin):
    """Prepares each worker process, also one that replaces a killed one."""

    name = "settle"

    def __init__(self, gpus: int, *, eager: bool = True) -> None:
        self.gpus, self.eager = gpus, eager

    def setup(self, worker: Worker) -> None:
        if self.gpus > 1:
            os.environ["CUDA_VISIBLE_DEVICES"] = own_gpu(int(worker.name), os.environ.get("CUDA_VISIBLE_DEVICES"))
        with suppress(OSError):
            os.setpgid(0, 0)  # so that whatever it starts can be ended with it, even after it is gone
        die_with_parent()
        if self.eager:
            threading.Thread(target=_warm_up, daemon=True).start()


def own_gpu(number: int, allowed: str | None) -> str:
    """The GPU of worker `number`, among those the user allows.

    >>> own_gpu(1, None), own_gpu(1, "2, 3")
    ('1', '3')
    """
    return str(number) if allowed is None else [part.strip() for part in allowed.split(",")][number]


def die_with_parent() -> None:
    """On Linux the kernel ends this process when its parent goes; elsewhere Dask's own watch does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _warm_up() -> None:
    """Load the heavy room while nobody waits. What is wrong with it, the first run will say."""
    try:
        from . import pipeline  # noqa: F401
    except Exception:  # noqa: BLE001
        traceback.print_exc()
    finally:
        _warm.set()


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Send everything this process and its children print to the run's log, C libraries included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [os.dup(1), os.dup(2)]
    with path.open("ab") as log:
        try:
            _flush()
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            yield
        finally:
            _flush()
            for fd, old in zip((1, 2), kept, strict=True):
                os.dup2(old, fd)
                os.close(old)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def _told(error: ParetoscopeError, folder: Path) -> Failure:
    """An error of our own: its sentence is the reason, its remedy stands apart."""
    reason = str(type(error)(error.what, given=error.given, allowed=error.allowed))
    told = {"kind": type(error).__name__, "reason": reason, "remedy": error.remedy, "cure": error.cure}
    return Failure(**told, log_tail=_tail(folder))


def _unforeseen(error: Exception, folder: Path) -> Failure:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        remedy = "Free some space, for example with 'python -m optim clean', then retry the run."
        return Failure(kind="StoreError", reason="The disk is full.", remedy=remedy, log_tail=_tail(folder))
    text = str(error).strip().partition("\n")[0]
    reason = f"{type(error).__name__}: {text}" if text else f"{type(error).__name__} was raised."
    remedy = "This was not foreseen: see the log, retry the run, and report it if it happens again."
    return Failure(kind=type(error).__name__, reason=reason, remedy=remedy, log_tail=_tail(folder))


def _tail(folder: Path) -> str:
    _flush()
    with suppress(OSError):
        return (folder / "log.txt").read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
    return ""
