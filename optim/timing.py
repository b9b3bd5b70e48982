"""The Time stage: a file is timed alone on the machine, against the project's reference; once more whenever asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from . import latency, runtime
from .cache import sha256
from .errors import Cancelled, GateFailed
from .locks import measuring_lock
from .progress import WAITING
from .records import Event, Fingerprint, Latency, Result, Task


class Session(NamedTuple):
    """One session of timing, by the names of `Result`."""

    latency: Latency
    reference_latency: Latency | None
    """None when the file is the reference itself."""
    fingerprint: Fingerprint
    reference_sha256: str


def time_file(path: Path, task: Task, say: Callable[[str], None]) -> Session:
    """Time `path` as the task's project asks; `say` is told what happens and may raise."""
    project, reference = task.project, Path(task.reference_file) if task.reference_file else None
    target = {"threads": project.threads, "batch": project.batch, "device": project.device}
    with measuring_lock(lambda: say(WAITING)):
        say("timing against the reference")
        timed = latency.measure_both(path, reference, **target)
    return Session(
        latency=timed.candidate,
        reference_latency=timed.reference if reference else None,
        fingerprint=runtime.fingerprint(**target, torch_version=torch.__version__),
        reference_sha256=sha256(reference or path),
    )


def time_again(task: Task, report: Callable[[Event], None], cancelled: Callable[[], bool]) -> Result:
    """The recorded result with a new time of the same file; nothing in the run's folder changes."""
    recorded = task.recorded
    assert recorded is not None, "only a file that is known can be timed again"
    path = Path(task.folder) / recorded.file.name

    def say(message: str) -> None:
        if cancelled():
            raise Cancelled("Timing was stopped on request.", remedy="The earlier measurement stands.")
        report(Event(time=time.time(), stage="Time", message=message))

    say("comparing the file with its record")
    if not path.is_file() or sha256(path) != recorded.file.sha256:
        remedy = "Retry the run: it is then made again."
        raise GateFailed("The file is gone or was changed since it was checked.", given=path.name, remedy=remedy)
    return recorded.with_(**time_file(path, task, say)._asdict())
