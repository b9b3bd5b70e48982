"""What is kept of a run that is done: result, file, measurements, opening. Inside a transaction of `store.py`."""

from __future__ import annotations

import time

from sqlalchemy import Connection, delete, insert, select

from . import store_tables as t
from .errors import RequestError
from .records import Run, State
from .results import File, Measurement, Result
from .store_moves import move


def restore(connection: Connection, run_id: int, run: Run) -> None:
    """Give a fresh row the state and times of a run that was made elsewhere."""
    names = {"attempt", "created_at", "started_at", "ended_at", "note"}
    failure = run.failure.to_json() if run.failure else None
    move(connection, run_id, [State.QUEUED], state=run.state, failure=failure, **run.model_dump(include=names))
    if run.result is not None:
        keep_result(connection, run_id, run.result)
    for known in (*reversed(run.earlier), run.measurement):
        if known is not None:
            keep_measurement(connection, known.with_(run_id=run_id))


def keep(connection: Connection, known: Run, result: Result) -> None:
    """What is new in the result of a run that was running: all, or only its score on test, or only its time."""
    if known.again and known.opening:
        keep_test(connection, known, result)
        return
    (keep_time if known.again else keep_result)(connection, known.id, result)
    keep_times_beside(connection, result)
    keep_reference_time(connection, known.id, result)


def keep_result(connection: Connection, run_id: int, result: Result) -> None:
    """The result, its file, its first measurement, and the opening of the test set if there was one."""
    move(connection, run_id, list(State), result=result.to_json())
    _keep_file(connection, run_id, result.file)
    keep_time(connection, run_id, result)
    if result.file.score.test is not None:
        _count_opening(connection, run_id)


def keep_test(connection: Connection, known: Run, result: Result) -> None:
    """The score on test of a file that is known already, and its opening; everything else stays as it was."""
    assert known.result is not None, "only a done run's test set is opened again"
    test, file = result.file.score.test, known.result.file
    if test is None or file.score.test is not None or result.file.sha256 != file.sha256:
        raise RequestError("This is no opening of the run's test set.", given=f"run {known.id}")
    opened = known.result.with_(file=file.with_(score=file.score.with_(test=test)))
    move(connection, known.id, list(State), result=opened.to_json())
    _keep_file(connection, known.id, opened.file)
    _count_opening(connection, known.id)


def _count_opening(connection: Connection, run_id: int) -> None:
    row = {"project_id": _project_id(connection, run_id), "run_id": run_id, "opened_at": time.time()}
    connection.execute(insert(t.opening).values(row))


def keep_time(connection: Connection, run_id: int, result: Result) -> None:
    """One more measurement of the run's file; of a result that is kept already this is all that is new."""
    sha256, reference = result.file.sha256, result.reference_sha256
    session = {"fingerprint": result.fingerprint, "latency": result.latency, "made_at": time.time()}
    joint = {"session": result.session, "against": result.against}
    made = Measurement(run_id=run_id, file_sha256=sha256, reference_sha256=reference, **session, **joint)
    keep_measurement(connection, made)


def keep_times_beside(connection: Connection, result: Result) -> None:
    """The other runs' files that were timed in the same session; one that was deleted or made anew meanwhile is not."""
    for one in result.beside:
        same = (t.file.c.run_id == one.run_id, t.file.c.sha256 == one.file_sha256, t.HAS_RESULT)
        joined = t.file.join(t.run, t.run.c.id == t.file.c.run_id)
        if connection.scalar(select(t.file.c.run_id).select_from(joined).where(*same)) is None:
            continue
        made = Measurement(
            **one.model_dump(), reference_sha256=result.reference_sha256, fingerprint=result.fingerprint,
            made_at=time.time(), session=result.session,
        )  # fmt: skip
        keep_measurement(connection, made)


def keep_reference_time(connection: Connection, run_id: int, result: Result) -> None:
    """The reference was timed in the same session: kept where it has no valid time under these conditions yet."""
    time_, sha256 = result.reference_latency, result.reference_sha256
    if time_ is None or not time_.valid:
        return
    reference_id = _reference_id(connection, run_id, sha256)
    of_file = (t.measurement.c.run_id == reference_id, t.measurement.c.file_sha256 == sha256)
    alike = (t.measurement.c.fingerprint_id == result.fingerprint.id, t.measurement.c.valid)
    known = connection.scalar(select(t.measurement.c.id).where(*of_file, *alike).limit(1))
    if reference_id is None or known is not None:
        return
    session = {"fingerprint": result.fingerprint, "latency": time_, "made_at": time.time()}
    made = Measurement(run_id=reference_id, file_sha256=sha256, reference_sha256=sha256, **session)
    keep_measurement(connection, made)


def _reference_id(connection: Connection, run_id: int, sha256: str) -> int | None:
    """The reference of the run's project, if it has this very file; never the run itself."""
    joined = select(t.run.c.id).join(t.project, t.project.c.id == t.run.c.project_id)
    query = joined.join(t.file, t.file.c.run_id == t.run.c.id).where(
        t.run.c.project_id == _project_id(connection, run_id),
        t.run.c.origin == "own",
        t.run.c.recipe_id == t.project.c.reference_recipe_id,
        t.run.c.id != run_id,
        t.file.c.sha256 == sha256,
        t.HAS_RESULT,
    )
    return connection.scalar(query.order_by(t.run.c.id.desc()))


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
    shown = {} if _hides_a_valid_one(connection, measurement) else {"measurement_id": key[0]}
    if not move(connection, measurement.run_id, list(State), t.HAS_RESULT, **shown):
        raise RequestError("Only a done run's file can be measured.", given=f"run {measurement.run_id}")
    return measurement.with_(id=key[0])


def _hides_a_valid_one(connection: Connection, measurement: Measurement) -> bool:
    """A time that is not valid does not take the place of a valid one of the same file under the same conditions."""
    if measurement.latency.valid:
        return False
    joined = t.measurement.join(t.run, t.run.c.measurement_id == t.measurement.c.id)
    same = (
        t.run.c.id == measurement.run_id,
        t.measurement.c.file_sha256 == measurement.file_sha256,
        t.measurement.c.fingerprint_id == measurement.fingerprint.id,
        t.measurement.c.valid,
    )
    return connection.scalar(select(t.measurement.c.id).select_from(joined).where(*same)) is not None


def _project_id(connection: Connection, run_id: int) -> int | None:
    return connection.scalar(select(t.run.c.project_id).where(t.run.c.id == run_id))
