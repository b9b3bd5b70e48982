"""How rows move: steps inside one write transaction of `store.py`, and what a wish must fulfil."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypedDict

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from . import catalog, recipes
from . import store_tables as t
from .errors import RequestError
from .records import Failure, File, Measurement, Project, Recipe, Result, Run, State

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


class Target(TypedDict):
    dataset: str
    device: str
    threads: int
    batch: int


def checked_target(dataset: str, device: str, threads: int, batch: int) -> Target:
    """What a project may be about; `RequestError` says what is allowed."""
    catalog.dataset(dataset)
    if device not in DEVICES:
        raise RequestError("There is no device of this name to time on.", given=device, allowed=", ".join(DEVICES))
    for name, value, high in (("threads", threads, THREADS_HIGH), ("batch", batch, BATCH_HIGH)):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= high:
            raise RequestError(f"{name} cannot take this value.", given=value, allowed=f"a whole number, 1 to {high}")
    return {"dataset": dataset, "device": device, "threads": threads, "batch": batch}


def check_train_device(name: str) -> None:
    """Whether it is there, the worker finds out; a wrong name is refused now."""
    if name not in TRAIN_DEVICES:
        allowed = ", ".join(TRAIN_DEVICES)
        raise RequestError("There is no device of this name to train on.", given=name, allowed=allowed)


def move(connection: Connection, run_id: int, states: Sequence[State], **values: object) -> bool:
    """Compare-and-set: change the run if it is in one of `states`; whether it was."""
    changed = t.next_revision(connection)
    mine = update(t.run).where(t.run.c.id == run_id, t.run.c.state.in_([str(state) for state in states]))
    return connection.execute(mine.values(changed=changed, **values)).rowcount == 1


def ensure(connection: Connection, wish: Wish) -> tuple[int, bool]:
    """The run of this wish, and whether it was newly queued."""
    same = (t.run.c.recipe_id == wish.recipe.id, t.run.c.project_id == wish.project.id, t.run.c.origin == wish.origin)
    known = connection.scalar(select(t.run.c.id).where(*same).order_by(t.run.c.id.desc()))
    if known is None:
        return insert_run(connection, wish), True
    return known, queue(connection, known, [State.FAILED, State.CANCELLED], train_device=wish.train_device)


def queue(connection: Connection, run_id: int, states: Sequence[State], **changes: object) -> bool:
    """Back to the end of the queue with a fresh count of attempts and no memory of how it ended."""
    forgotten = dict.fromkeys(("started_at", "ended_at", "failure", "result", "measurement_id"))
    fresh = {"attempt": 0, "cancel_requested": False, "queued_at": time.time()}
    return move(connection, run_id, states, state=State.QUEUED, **fresh, **forgotten, **changes)


def cancel_if_asked(connection: Connection, run_id: int) -> bool:
    """A running run whose cancel was requested ends here; whether it was."""
    if not connection.scalar(select(t.run.c.cancel_requested).where(t.run.c.id == run_id)):
        return False
    ended = {"ended_at": time.time(), "cancel_requested": False}
    return move(connection, run_id, [State.RUNNING], state=State.CANCELLED, **ended)


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
    return key[0]


def claim(connection: Connection) -> int | None:
    """The first queued run that may start, moved to running. Its turn is by the time it was queued."""
    query = (
        select(*t.run.c["id", "recipe_id", "project_id", "origin", "attempt"], t.project.c.reference_recipe_id)
        .join(t.project)
        .where(t.run.c.state == State.QUEUED)
        .order_by(t.run.c.queued_at, t.run.c.id)
    )
    references: dict[int, RowMapping | None] = {}
    for row in connection.execute(query).mappings().all():
        if row["origin"] != "own" or row["recipe_id"] != row["reference_recipe_id"]:
            if row["project_id"] not in references:
                references[row["project_id"]] = _reference(connection, row)
            if not _may_start(connection, row, references[row["project_id"]]):
                continue
        started = {"state": State.RUNNING, "attempt": row["attempt"] + 1, "started_at": time.time(), "ended_at": None}
        if move(connection, row["id"], [State.QUEUED], cancel_requested=False, **started):
            return row["id"]
    return None


def _reference(connection: Connection, row: RowMapping) -> RowMapping | None:
    of_project = (t.run.c.project_id == row["project_id"], t.run.c.origin == "own")
    query = select(*t.run.c["id", "state"]).where(*of_project, t.run.c.recipe_id == row["reference_recipe_id"])
    return connection.execute(query.order_by(t.run.c.id.desc())).mappings().first()


def _may_start(connection: Connection, row: RowMapping, reference: RowMapping | None) -> bool:
    if reference is not None and reference["state"] == State.DONE:
        return True
    if reference is None or not State(reference["state"]).live:
        _fail_without_reference(connection, row["id"], reference)
    return False


def _fail_without_reference(connection: Connection, run_id: int, reference: RowMapping | None) -> None:
    reason = "The project's reference run was deleted, so there is nothing to compare with."
    remedy = "Retry this run: its reference comes along."
    if reference is not None:
        ended = "failed" if reference["state"] == State.FAILED else "was cancelled"
        reason = f"Run {reference['id']}, the project's reference, {ended}, so there is nothing to compare with."
        remedy = f"Retry run {reference['id']} first, then this one."
    failure = Failure(kind="RunError", reason=reason, remedy=remedy)
    values = {"state": State.FAILED, "ended_at": time.time(), "failure": failure.to_json()}
    move(connection, run_id, [State.QUEUED], **values)


def restore(connection: Connection, run_id: int, run: Run) -> None:
    """Give a fresh row the state and times of a run that was made elsewhere."""
    names = {"attempt", "created_at", "started_at", "ended_at", "note"}
    failure = run.failure.to_json() if run.failure else None
    move(connection, run_id, [State.QUEUED], state=run.state, failure=failure, **run.model_dump(include=names))
    if run.result is not None:
        keep_result(connection, run_id, run.result)
    if run.measurement is not None:
        keep_measurement(connection, run.measurement.with_(run_id=run_id))


def keep_result(connection: Connection, run_id: int, result: Result) -> None:
    """The result, its file, its first measurement, and the opening of the test set if there was one."""
    move(connection, run_id, [State.DONE], result=result.to_json())
    _keep_file(connection, run_id, result.file)
    first = Measurement(
        run_id=run_id,
        file_sha256=result.file.sha256,
        reference_sha256=result.reference_sha256,
        fingerprint=result.fingerprint,
        latency=result.latency,
        made_at=time.time(),
    )
    keep_measurement(connection, first)
    if result.file.score.test is not None:
        _count_opening(connection, run_id)


def _keep_file(connection: Connection, run_id: int, file: File) -> None:
    """Facts as columns, for questions over many runs; the whole record is in the run's result."""
    connection.execute(delete(t.file).where(t.file.c.run_id == run_id))
    facts = file.model_dump(include={"sha256", "params", "macs", "size_bytes", "precision"})
    test = file.score.test.value if file.score.test else None
    scores = {"validation": file.score.validation.value, "test": test, "parity": file.parity.model_dump()}
    connection.execute(insert(t.file).values(run_id=run_id, **facts, **scores))


def keep_measurement(connection: Connection, measurement: Measurement) -> Measurement:
    row = {
        "run_id": measurement.run_id,
        "file_sha256": measurement.file_sha256,
        "fingerprint_id": measurement.fingerprint.id,
        "p50_ms": measurement.latency.p50_ms,
        "valid": measurement.latency.valid,
        "made_at": measurement.made_at,
        "record": measurement.with_(id=0).to_json(),
    }
    key = connection.execute(insert(t.measurement).values(row)).inserted_primary_key
    assert key is not None
    if not move(connection, measurement.run_id, [State.DONE], measurement_id=key[0]):
        raise RequestError("Only a done run's file can be measured.", given=f"run {measurement.run_id}")
    return measurement.with_(id=key[0])


def _count_opening(connection: Connection, run_id: int) -> None:
    project_id = connection.scalar(select(t.run.c.project_id).where(t.run.c.id == run_id))
    row = {"project_id": project_id, "run_id": run_id, "opened_at": time.time()}
    connection.execute(insert(t.opening).values(row))


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
