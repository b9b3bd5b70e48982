"""Whose turn it is: the queue as the driver sees it, inside one write transaction of `store.py`."""

from __future__ import annotations

import time

from sqlalchemy import Connection, RowMapping, select

from . import store_tables as t
from .records import State
from .results import Failure
from .store_moves import end, move


def claim(connection: Connection) -> int | None:
    """The first queued run that may start, moved to running. Its turn is by the time it was queued."""
    query = (
        select(
            *t.run.c["id", "recipe_id", "project_id", "origin", "attempt"],
            t.project.c.reference_recipe_id,
            t.HAS_RESULT.label("again"),
        )
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
        times = {} if row["again"] else {"started_at": time.time(), "ended_at": None}
        started = {"state": State.RUNNING, "attempt": row["attempt"] + 1, "cancel_requested": False}
        if move(connection, row["id"], [State.QUEUED], **started, **times):
            return row["id"]
    return None


def _reference(connection: Connection, row: RowMapping) -> RowMapping | None:
    of_project = (t.run.c.project_id == row["project_id"], t.run.c.origin == "own")
    query = select(*t.run.c["id", "state"], t.HAS_RESULT.label("made")).where(
        *of_project, t.run.c.recipe_id == row["reference_recipe_id"]
    )
    return connection.execute(query.order_by(t.run.c.id.desc())).mappings().first()


def _may_start(connection: Connection, row: RowMapping, reference: RowMapping | None) -> bool:
    """Its reference has its file, also while that is timed again."""
    if reference is not None and (reference["made"] or reference["state"] == State.DONE):
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
    end(connection, run_id, [State.QUEUED], State.FAILED, failure)
