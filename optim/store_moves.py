"""How rows move: steps inside one write transaction of `store.py`, and what a wish must fulfil."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypedDict

from sqlalchemy import ColumnElement, Connection, false, func, insert, select, update

from . import catalog, recipes
from . import store_tables as t
from .errors import RequestError
from .hardware import count_gpus, timing_devices
from .records import Project, Recipe, Run, State
from .results import Failure

THREADS_HIGH, BATCH_HIGH = 256, 4096
DEVICES = ("cpu", "cuda")
TRAIN_DEVICES = ("auto", *DEVICES)
MODEL_FILE = "model.onnx"
Origin = Literal["own", "example"]


class Wish(NamedTuple):
    """What `submit` asks for."""

    recipe: Recipe
    project: Project
    origin: Origin = "own"
    given_file: str = ""
    train_device: str = "auto"
    open_test: bool = True


class Target(TypedDict):
    dataset: str
    device: str
    threads: int
    batch: int


def checked_target(dataset: str, device: str, threads: int, batch: int) -> Target:
    """What a project may be about; `RequestError` says what is allowed."""
    catalog.dataset(dataset)
    if device not in DEVICES:
        remedy = "" if "cuda" in (here := timing_devices()) else "A GPU is called cuda, and needs onnxruntime-gpu."
        what = "There is no device of this name to time on."
        raise RequestError(what, given=device, allowed=", ".join(here), remedy=remedy)
    for name, value, high in (("threads", threads, THREADS_HIGH), ("batch", batch, BATCH_HIGH)):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= high:
            raise RequestError(f"{name} cannot take this value.", given=value, allowed=f"a whole number, 1 to {high}")
    return {"dataset": dataset, "device": device, "threads": threads, "batch": batch}


def check_train_device(name: str) -> None:
    """Whether it is there, the worker finds out; a wrong name is refused now."""
    if name not in TRAIN_DEVICES:
        allowed = ", ".join(TRAIN_DEVICES if count_gpus() else TRAIN_DEVICES[:2])
        raise RequestError("There is no device of this name to train on.", given=name, allowed=allowed)


def move(
    connection: Connection, run_id: int, states: Sequence[State], *conditions: ColumnElement[bool], **values: object
) -> bool:
    """Compare-and-set: change the run if it is in one of `states` and fulfils the conditions; whether it did."""
    changed = t.next_revision(connection)
    mine = update(t.run).where(t.run.c.id == run_id, t.run.c.state.in_([str(state) for state in states]), *conditions)
    return connection.execute(mine.values(changed=changed, **values)).rowcount == 1


def end(
    connection: Connection, run_id: int, states: Sequence[State], state: State, failure: Failure | None = None
) -> bool:
    """A live run ends in `state`; one that has its result had an errand only, and is done as it was before."""
    told = {"cancel_requested": False, "failure": failure.to_json() if failure else None}
    if move(connection, run_id, states, t.HAS_RESULT, state=State.DONE, **told):
        return True
    return move(connection, run_id, states, state=state, ended_at=time.time(), **told)


def ensure(connection: Connection, wish: Wish) -> tuple[int, bool]:
    """The run of this wish, and whether it was newly queued."""
    same = (t.run.c.recipe_id == wish.recipe.id, t.run.c.project_id == wish.project.id, t.run.c.origin == wish.origin)
    known = connection.scalar(select(t.run.c.id).where(*same).order_by(t.run.c.id.desc()))
    if known is None:
        return insert_run(connection, wish), True
    queued = queue(connection, known, [State.FAILED, State.CANCELLED], train_device=wish.train_device)
    if queued or wish.open_test:  # of a live run one wish for it is enough; one that begins anew has this wish only
        intend(connection, known, open_test=wish.open_test)
    return known, queued


def ensure_reference(connection: Connection, run: Run) -> None:
    """What this run is compared with is there, or comes."""
    if run.origin != "own" or not run.is_reference:
        ensure(connection, Wish(run.project.reference_recipe(), run.project, train_device=run.train_device))


def intend(connection: Connection, run_id: int, **wished: bool) -> None:
    """Write down what is wished of a run beyond its recipe (`open_test`, `opening`); the rest of it stays."""
    mine = t.intent.c.run_id == run_id
    known = connection.execute(select(t.intent).where(mine)).mappings().first()
    now = known or {"open_test": True, "opening": False}
    if all(now[name] == value for name, value in wished.items()):
        return
    if known is None:
        connection.execute(insert(t.intent).values(run_id=run_id, **{**now, **wished}))
    else:
        connection.execute(update(t.intent).where(mine).values(**wished))
    move(connection, run_id, list(State))


def queue(connection: Connection, run_id: int, states: Sequence[State], **changes: object) -> bool:
    """Back to the end of the queue with a fresh count of attempts and no memory of how it ended."""
    forgotten = dict.fromkeys(("started_at", "ended_at", "failure", "result", "measurement_id"))
    fresh = {"attempt": 0, "cancel_requested": False, "queued_at": time.time()}
    queued = move(connection, run_id, states, state=State.QUEUED, **fresh, **forgotten, **changes)
    if queued:
        intend(connection, run_id, opening=False)
    return queued


def queue_again(connection: Connection, run_id: int, *, opening: bool) -> bool:
    """A done run waits to be timed again, or for its test set to be opened, and keeps its result.

    Whether it waits for that, or did so already.
    """
    fresh = {"attempt": 0, "cancel_requested": False, "queued_at": time.time(), "failure": None}
    if move(connection, run_id, [State.DONE], t.HAS_RESULT, state=State.QUEUED, **fresh):
        intend(connection, run_id, opening=opening)
        return True
    joined = t.run.outerjoin(t.intent)
    waits = select(func.coalesce(t.intent.c.opening, false())).select_from(joined)
    found = connection.scalar(waits.where(t.run.c.id == run_id, t.LIVE, t.HAS_RESULT))
    return found is not None and bool(found) == opening


def cancel_if_asked(connection: Connection, run_id: int) -> bool:
    """A running run whose cancel was requested ends here; whether it was."""
    if not connection.scalar(select(t.run.c.cancel_requested).where(t.run.c.id == run_id)):
        return False
    return end(connection, run_id, [State.RUNNING], State.CANCELLED)


def insert_run(connection: Connection, wish: Wish) -> int:
    whole = recipes.complete(wish.recipe)
    if connection.scalar(select(t.recipe.c.id).where(t.recipe.c.id == whole.id)) is None:
        row = {"id": whole.id, "dataset": whole.dataset, "model": whole.model, "record": whole.to_json()}
        connection.execute(insert(t.recipe).values(row))
    now = time.time()
    row = {
        "project_id": wish.project.id,
        "recipe_id": whole.id,
        "origin": wish.origin,
        "given_file": wish.given_file,
        "train_device": wish.train_device,
        "state": State.QUEUED,
        "attempt": 0,
        "cancel_requested": False,
        "created_at": now,
        "queued_at": now,
        "note": "",
        "changed": t.next_revision(connection),
    }
    key = connection.execute(insert(t.run).values(row)).inserted_primary_key
    assert key is not None
    intend(connection, key[0], open_test=wish.open_test)
    return key[0]


def refuse_if_needed(connection: Connection, reference: Run) -> None:
    """A reference stays as long as other runs of its project are compared with it."""
    others = select(func.count()).where(t.run.c.project_id == reference.project.id, t.run.c.id != reference.id)
    count = connection.scalar(others) or 0
    if count:
        raise RequestError(
            "This run is the reference of its project, and other runs are compared with it.",
            given=f"run {reference.id}, reference of {count} {'run' if count == 1 else 'runs'}",
            remedy="Delete those first.",
        )


def rename_away(folder: Path) -> Path | None:
    """Out of the way in one step, so that nobody meets half a folder; None if there is none."""
    trash = folder.with_name(f".gone-{folder.name}-{uuid.uuid4().hex[:8]}")
    try:
        return folder.rename(trash)
    except FileNotFoundError:
        return None
