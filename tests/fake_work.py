"""What a worker does in the driver's tests: a run whose seed says how it ends. Loads nothing heavy."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from distributed import get_worker

from optim import baselines, conditions, profiles
from optim.atomic import write_text
from optim.profiles import ProfileAsk
from optim.records import Event, Task
from optim.results import Failure
from optim.worker import TOPIC
from tests import factories, profile_factory

QUICK, LONG, STUBBORN, FAILS, DIES, RAISES = range(6)
"""`Recipe.seed`: done at once, stops when asked, ignores that, fails, kills its process, breaks without a word."""


def work(task_json: str) -> dict[str, str]:
    task = Task.from_json(task_json)
    seed, folder = task.recipe.seed, Path(task.folder)
    heartbeat(task, "Prune", 0)
    if seed == FAILS:
        return {"failure": Failure(kind="TrainingFailed", reason="The loss is not a number.", remedy="Less.").to_json()}
    if seed == DIES:
        os.abort()
    if seed == RAISES:
        raise ZeroDivisionError("broken")
    if seed in {LONG, STUBBORN} and (failure := long_work(task, folder)):
        return {"failure": failure.to_json()}
    (folder / "model.onnx").write_bytes(factories.MODEL)
    return {"result": factories.a_result(0.95, 0.1, 40_000).to_json()}


def long_work(task: Task, folder: Path) -> Failure | None:
    """A minute of work with a child of its own; a second attempt, or a file `go`, makes it short."""
    child = subprocess.Popen(["sleep", "60"])
    (folder / "child").write_text(str(child.pid))
    for number in range(600):
        heartbeat(task, "Distil", number)
        if (folder / "go").exists():
            break
        if (folder / "cancel").exists() and task.recipe.seed == LONG:
            child.kill()
            child.wait()
            return Failure(kind="Cancelled", reason="Stopped on request.")
        time.sleep(0.1)
    child.kill()
    child.wait()
    return None


def heartbeat(task: Task, stage: str, done: int) -> None:
    event = Event(time=time.time(), stage=stage, done=done, total=600, message=str(os.getpid()))
    get_worker().log_event(TOPIC, {"run_id": task.run_id, "event": event.to_json()})


DIES_ONCE = 7


def measure(ask_json: str) -> dict[str, str]:
    """A profile whose `batch` says how it ends, as the seed of a run does; a killed one succeeds the second time."""
    ask = ProfileAsk.from_json(ask_json)
    write_text(ask.folder / "progress.json", Event(time=time.time(), stage="Time", message=str(os.getpid())).to_json())
    if ask.batch == FAILS:
        return {"failure": Failure(kind="RunError", reason="The timing process failed.").to_json()}
    if ask.batch == DIES_ONCE and ask.attempt == 1:
        os.abort()
    while ask.batch == LONG:
        if (ask.folder / "cancel").exists():
            return {"failure": Failure(kind="Cancelled", reason="Stopped on request.").to_json()}
        time.sleep(0.05)
    mark = conditions.here(device=ask.device, threads=ask.threads, batch=ask.batch)
    of = {"dataset": ask.dataset, "model": ask.model, "width": ask.width}
    weights = baselines.digest(**of, home=Path(ask.home))
    known = profiles.find(Path(ask.home), **of, fingerprint_id=mark.id)
    found = known or profile_factory.a_profile(**of, fingerprint=mark, baseline_sha256=weights)
    scored = [g.with_(sensitivity={**g.sensitivity, ask.importance: g.sensitivity["l2"]}) for g in found.groups]
    found = found.with_(groups=tuple(scored))
    profiles.save(Path(ask.home), found)
    return {"result": found.to_json()}
