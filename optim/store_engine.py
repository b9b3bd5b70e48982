"""How the store's database is opened, checked, and written to by one process at a time.

SQLite keeps its rollback journal: with several writing processes WAL can corrupt before SQLite 3.51.3.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, inspect, select
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DatabaseError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from .errors import StoreError
from .store_tables import SCHEMA_VERSION, intent, revision, schema_version, tables
from .store_url import not_opened, store_url

BUSY_SECONDS = 15.0
"""How long a writer waits for another one before it gives up; each write takes milliseconds."""
WRITE_LOCK = 7_061_726_574
"""The number of our advisory lock on a PostgreSQL server."""


def open_engine(home: Path) -> Engine:
    """The store's engine, its tables made when missing; `StoreError` when it cannot be used."""
    url = store_url(home)
    try:
        home.mkdir(parents=True, exist_ok=True)
        engine = _sqlite(url) if url.startswith("sqlite") else create_engine(url, pool_pre_ping=True)
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
    if not inspect(engine).has_table(intent.name):
        with writing(engine) as connection:
            intent.create(connection, checkfirst=True)


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
    """One write transaction; it takes the write lock at once, so what it reads stays true until it ends."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":  # SQLite's own lock comes with BEGIN IMMEDIATE
            connection.execute(select(func.pg_advisory_xact_lock(WRITE_LOCK)))
        yield connection
