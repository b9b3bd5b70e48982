"""The tables behind `store.py`, and how a row becomes a record."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    RowMapping,
    String,
    Table,
    Text,
    UniqueConstraint,
    select,
    update,
)

from .records import Project, Recipe, Run
from .results import Failure, Measurement, Result

SCHEMA_VERSION = 1

tables = MetaData()
schema_version = Table("schema_version", tables, Column("version", Integer, primary_key=True))
revision = Table("revision", tables, Column("value", Integer, nullable=False))
project = Table(
    "project",
    tables,
    Column("id", Integer, primary_key=True),
    Column("dataset", String(64), nullable=False),
    Column("runtime", String(32), nullable=False),
    Column("device", String(32), nullable=False),
    Column("threads", Integer, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("reference", String(64), nullable=False),
    Column("reference_recipe_id", String(12), nullable=False),
    UniqueConstraint("dataset", "runtime", "device", "threads", "batch", "reference"),
    sqlite_autoincrement=True,
)
recipe = Table(
    "recipe",
    tables,
    Column("id", String(12), primary_key=True),
    Column("dataset", String(64), nullable=False),
    Column("model", String(64), nullable=False),
    Column("record", Text, nullable=False),
)
run = Table(
    "run",
    tables,
    Column("id", Integer, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("recipe_id", ForeignKey("recipe.id"), nullable=False),
    Column("origin", String(16), nullable=False),
    Column("given_file", Text, nullable=False),
    Column("train_device", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("queued_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("note", Text, nullable=False),
    Column("failure", Text),
    Column("result", Text),
    Column("measurement_id", Integer),
    Column("changed", Integer, nullable=False),
    sqlite_autoincrement=True,
)
LIVE = run.c.state.in_(("queued", "running"))
HAS_RESULT = run.c.result.is_not(None)
"""A live run with a result is only timed again, or its test set opened."""
Index("run_state", run.c.state)
Index("run_recipe", run.c.recipe_id, run.c.project_id, run.c.origin)
Index(
    "one_live_run",
    run.c.recipe_id,
    run.c.project_id,
    run.c.origin,
    unique=True,
    sqlite_where=LIVE,
    postgresql_where=LIVE,
)
file = Table(
    "file",
    tables,
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", String(64), nullable=False, index=True),
    Column("params", Integer, nullable=False),
    Column("macs", Integer, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("precision", String(16), nullable=False),
    Column("validation", Float, nullable=False),
    Column("test", Float),
    Column("parity", JSON, nullable=False),
)
measurement = Table(
    "measurement",
    tables,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("file_sha256", String(64), nullable=False),
    Column("fingerprint_id", String(12), nullable=False),
    Column("p50_ms", Float, nullable=False),
    Column("valid", Boolean, nullable=False),
    Column("made_at", Float, nullable=False),
    Column("record", Text, nullable=False),
    sqlite_autoincrement=True,
)
intent = Table(
    "intent",
    tables,
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("open_test", Boolean, nullable=False),
    Column("opening", Boolean, nullable=False),
)
"""What a run was asked for beyond its recipe; a run without a row was made by hand, its test set opened when scored.

It came after the first release: `store_engine.py` adds it to a store that lacks it, which older versions do not mind.
"""
opening = Table(
    "opening",
    tables,
    Column("id", Integer, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False, index=True),
    Column("run_id", Integer, nullable=False),
    Column("opened_at", Float, nullable=False),
)
"""No foreign key to the run: an opening of the test set stays counted when its run is deleted."""


def next_revision(connection: Connection) -> int:
    """Count one change; readers compare the number to see whether anything happened."""
    connection.execute(update(revision).values(value=revision.c.value + 1))
    return connection.scalar(select(revision.c.value)) or 0


def project_record(row: RowMapping) -> Project:
    return Project.model_validate({name: row[name] for name in Project.model_fields})


def run_record(row: RowMapping, of_project: Project, of_recipe: Recipe) -> Run:
    """A run from its row, joined with `measurement.record as measured` and with its intent."""
    names = ("id", "origin", "given_file", "train_device", "state", "attempt", "cancel_requested", "created_at")
    return Run(
        **{name: row[name] for name in (*names, "started_at", "ended_at", "note")},
        open_test=row["open_test"] is not False,
        opening=bool(row["opening"]),
        project=of_project,
        recipe=of_recipe,
        failure=Failure.from_json(row["failure"]) if row["failure"] else None,
        result=Result.from_json(row["result"]) if row["result"] else None,
        measurement=_measurement(row),
    )


def _measurement(row: RowMapping) -> Measurement | None:
    if not row["measured"]:
        return None
    return Measurement.from_json(row["measured"]).model_copy(update={"id": row["measurement_id"]})
