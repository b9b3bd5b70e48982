"""The tables behind `store.py`, how they are opened, and how a row becomes a record.

SQLite keeps its rollback journal: with several writing processes WAL can corrupt before SQLite 3.51.3.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Engine,
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
    create_engine,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DatabaseError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from .errors import StoreError
from .records import Failure, Measurement, Project, Recipe, Result, Run
from .store_url import not_opened, store_url

SCHEMA_VERSION = 1
BUSY_SECONDS = 15.0
"""How long a writer waits for another one before it gives up; each write takes milliseconds."""

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
"""A live run with a result is only timed again."""
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
opening = Table(
    "opening",
    tables,
    Column("id", Integer, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False, index=True),
    Column("run_id", Integer, nullable=False),
    Column("opened_at", Float, nullable=False),
)
"""No foreign key to the run: an opening of the test set stays counted when its run is deleted."""


def open_engine(home: Path) -> Engine:
    """The store's engine, its tables made when missing; `StoreError` when it cannot be used."""
    url = store_url(home)
    try:
        home.mkdir(parents=True, exist_ok=True)
        engine = _sqlite(url) if url.startswith("sqlite") else create_engine(url)
        _check_version(engine)
    except OSError as error:
        remedy = "Choose another folder with --home or PARETOSCOPE_HOME."
        raise StoreError("The data folder cannot be written.", given=f"{home} ({error})", remedy=remedy) from None
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise not_opened(url, error) from None
    event.listen(engine, "handle_error", _speak)
    return engine


def _speak(context: ExceptionContext) -> None:
    """Later troubles of the database, in words."""
    if isinstance(context.original_exception, Exception) and not isinstance(
        context.sqlalchemy_exception, IntegrityError
    ):
        remedy = "Check the disk's free space and who else uses the data folder: 'python -m optim doctor'."
        raise StoreError("The store could not be used.", given=context.original_exception, remedy=remedy)


def _sqlite(url: str) -> Engine:
    """One connection per transaction: nothing stays open across forks, threads or a deleted folder."""
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin below, not where the driver guesses
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _check_version(engine: Engine) -> None:
    found = _version(engine)
    if found is None:
        with writing(engine) as connection:
            tables.create_all(connection)
            if connection.scalar(select(schema_version.c.version)) is None:
                connection.execute(insert(schema_version).values(version=SCHEMA_VERSION))
                connection.execute(insert(revision).values(value=0))
        found = _version(engine)
    if found != SCHEMA_VERSION:
        raise StoreError(
            "This data folder was written by another version of Paretoscope.",
            given=f"schema {found}",
            allowed=f"schema {SCHEMA_VERSION}",
            remedy="Update Paretoscope, or choose another folder with --home.",
        )


def _version(engine: Engine) -> int | None:
    """None when there are no tables yet."""
    try:
        with engine.connect() as connection:
            return connection.scalar(select(schema_version.c.version))
    except DatabaseError as error:
        if "no such table" in str(error) or "does not exist" in str(error):
            return None
        raise


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction; it takes SQLite's write lock at once, so what it reads stays true until it ends."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def next_revision(connection: Connection) -> int:
    """Count one change; readers compare the number to see whether anything happened."""
    connection.execute(update(revision).values(value=revision.c.value + 1))
    return connection.scalar(select(revision.c.value)) or 0


def project_record(row: RowMapping) -> Project:
    return Project.model_validate({name: row[name] for name in Project.model_fields})


def run_record(row: RowMapping, of_project: Project, of_recipe: Recipe) -> Run:
    """A run from its row, joined with `measurement.record as measured`."""
    names = ("id", "origin", "given_file", "train_device", "state", "attempt", "cancel_requested", "created_at")
    return Run(
        **{name: row[name] for name in (*names, "started_at", "ended_at", "note")},
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
