"""The Time stage: a file is timed alone on the machine, against the project's reference; once more whenever asked."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from . import catalog, keeping, latency, operator_times, request, runtime, together
from .cache import sha256
from .context import read_splits
from .errors import Cancelled, GateFailed
from .locks import measuring_lock
from .progress import WAITING
from .records import Event, Task
from .results import Beside, Fingerprint, Interval, Latency, Result


class Session(NamedTuple):
    """One session of timing, by the names of `Result`."""

    latency: Latency
    reference_latency: Latency | None
    """None when the file is the reference itself."""
    fingerprint: Fingerprint
    reference_sha256: str
    session: str = ""
    against: dict[int, Interval] = {}
    beside: tuple[Beside, ...] = ()


def time_file(path: Path, task: Task, say: Callable[[str], None]) -> Session:
    """Time `path` as the task's project asks; `say` is told what happens and may raise."""
    project, reference = task.project, Path(task.reference_file) if task.reference_file else None
    mark = runtime.fingerprint(
        threads=project.threads, batch=project.batch, device=project.device, torch_version=torch.__version__
    )
    row = catalog.dataset(task.recipe.dataset)
    item = request.real(row, read_splits(row.name), project.batch)
    target: dict[str, Any] = {"threads": project.threads, "request": item, "device": project.device}
    with measuring_lock(lambda: say(WAITING)):
        usual_ms = task.reference_p50_ms.get(mark.id)
        if task.together:
            say(f"timing {len(task.together) + 1} runs in turns")
            timed: dict[str, Any] = _together(path, reference or path, task, target, usual_ms)
        else:
            say("timing against the reference")
            both = latency.measure_both(path, reference, **target, usual_ms=usual_ms)
            timed = {"latency": both.candidate, "reference_latency": both.reference if reference else None}
        say("timing each operator")
        for file in (path, *(Path(one.file) for one in task.together)):
            operator_times.profile(file, task, item)
    return Session(
        **timed,
        fingerprint=mark,
        reference_sha256=sha256(reference or path),
    )


def _together(
    path: Path, reference: Path, task: Task, target: dict[str, Any], usual_ms: float | None
) -> dict[str, Any]:
    """The fields of a `Session` over the task's file and its companions; the reference is timed in any case."""
    files = {task.run_id: path, **{one.run_id: Path(one.file) for one in task.together}}
    paths = list(dict.fromkeys([reference, *files.values()]))
    found = together.measure(paths, **target, usual_ms=usual_ms)
    place = {run: paths.index(file) for run, file in files.items()}

    def against(run: int) -> dict[int, Interval]:
        return {other: found.ratios[place[run]][place[other]] for other in files if other != run}

    return {
        "latency": found.times[place[task.run_id]],
        "reference_latency": None if reference == path else found.times[0],
        "session": uuid.uuid4().hex[:12],
        "against": against(task.run_id),
        "beside": tuple(
            Beside(run_id=one.run_id, file_sha256=one.sha256, latency=found.times[place[one.run_id]],
                   against=against(one.run_id))
            for one in task.together
        ),
    }  # fmt: skip


def time_again(task: Task, report: Callable[[Event], None], cancelled: Callable[[], bool]) -> Result:
    """The recorded result with a new time of the same file; what its folder lacks of an older version is added."""
    recorded = task.recorded
    assert recorded is not None, "only a file that is known can be timed again"
    path = Path(task.folder) / recorded.file.name

    def say(message: str) -> None:
        if cancelled():
            raise Cancelled("Timing was stopped on request.", remedy="The earlier measurement stands.")
        report(Event(time=time.time(), stage="Time", message=message))

    say("comparing the file with its record")
    _check([(path, recorded.file.sha256), *((Path(one.file), one.sha256) for one in task.together)])
    timed = time_file(path, task, say)
    say("completing what is kept of its answers")
    row = catalog.dataset(task.recipe.dataset)
    splits = read_splits(row.name)
    for file in (path, *(Path(one.file) for one in task.together)):
        keeping.complete(file.parent, file, row, splits)
    keeping.keep_items(Path(task.home), row, splits)
    return recorded.with_(**timed._asdict())


def _check(files: Sequence[tuple[Path, str]]) -> None:
    """Every file is still the one that was checked."""
    for path, digest in files:
        if not path.is_file() or sha256(path) != digest:
            remedy = "Retry the run: it is then made again."
            given = path if len(files) > 1 else path.name
            raise GateFailed("The file is gone or was changed since it was checked.", given=given, remedy=remedy)
