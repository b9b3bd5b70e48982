"""Reading the store: what pages and the command line look at. Nothing here writes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import Connection, Select, case, func, select

from . import store_tables as t
from .errors import UnknownName
from .home import run_folder
from .records import Event, Project, Recipe, Run, State
from .results import Measurement
from .store_engine import open_engine
from .store_moves import Origin
from .store_times import reference_times

ID_HIGH = 2**63 - 1
"""No database counts further."""


class StoreReader:
    """What the engine remembers of one data folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._engine = open_engine(home)
        self._projects: dict[int, Project] = {}
        self._recipes: dict[str, Recipe] = {}
        self._runs: dict[int, tuple[int, Run]] = {}
        """Runs read so far, with the revision of their last change: 1,000 of them must read in milliseconds."""

    def projects(self) -> list[Project]:
        with self._engine.connect() as connection:
            rows = connection.execute(select(t.project).order_by(t.project.c.id)).mappings()
            return [t.project_record(row) for row in rows]

    def run(self, run_id: int) -> Run:
        """`UnknownName` if there is none."""
        query = select(t.run.c.id, t.run.c.changed).where(t.run.c.id == run_id)
        found = self._read(query) if 0 < run_id <= ID_HIGH else []
        if not found:
            remedy = "See 'python -m optim list'."
            raise UnknownName("There is no run of this number.", given=run_id, remedy=remedy)
        return found[0]

    def runs(
        self,
        project_id: int | None = None,
        origin: Origin | None = None,
        states: Iterable[State] | None = None,
        limit: int | None = None,
    ) -> list[Run]:
        """Newest first."""
        query = select(t.run.c.id, t.run.c.changed).order_by(t.run.c.id.desc()).limit(limit)
        if project_id is not None:
            query = query.where(t.run.c.project_id == project_id)
        if origin is not None:
            query = query.where(t.run.c.origin == origin)
        if states is not None:
            query = query.where(t.run.c.state.in_(list(states)))
        return self._read(query)

    def reference_run(self, project: Project) -> Run | None:
        """The run that ratios and losses of this project mean; None before its first submit."""
        query = select(t.run.c.id, t.run.c.changed).where(
            t.run.c.project_id == project.id,
            t.run.c.recipe_id == project.reference_recipe().id,
            t.run.c.origin == "own",
        )
        found = self._read(query)
        return found[0] if found else None

    def run_of(self, recipe: Recipe) -> Run | None:
        """The newest finished run of this recipe, whatever its project; None if there is none."""
        same = (t.run.c.recipe_id == recipe.id, t.run.c.state == State.DONE)
        found = self._read(select(t.run.c.id, t.run.c.changed).where(*same).order_by(t.run.c.id.desc()).limit(1))
        return found[0] if found else None

    def measurements(self, run_id: int) -> list[Measurement]:
        """Oldest first."""
        query = select(t.measurement).where(t.measurement.c.run_id == run_id).order_by(t.measurement.c.id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings()
            return [Measurement.from_json(row["record"]).with_(id=row["id"]) for row in rows]

    def reference_times(self, project: Project) -> dict[str, float]:
        """What the project's reference usually takes, in ms, by fingerprint; empty before it was timed."""
        reference = self.reference_run(project)
        if reference is None or reference.result is None:
            return {}
        with self._engine.connect() as connection:
            return reference_times(connection, project.id, reference.result.file.sha256)

    def openings(self, project_id: int) -> int:
        """How often the test set was opened in this project, runs deleted since included."""
        with self._engine.connect() as connection:
            query = select(func.count()).select_from(t.opening).where(t.opening.c.project_id == project_id)
            return connection.scalar(query) or 0

    def revision(self) -> int:
        """Grows with every change; cheap to ask."""
        with self._engine.connect() as connection:
            return connection.scalar(select(t.revision.c.value)) or 0

    def folder(self, run_id: int) -> Path:
        return run_folder(self.home, run_id)

    def has_its_file(self, run: Run) -> bool:
        """Whether the run's file is there and is still the one that was checked."""
        if run.result is None:
            return False
        try:
            content = (self.folder(run.id) / run.result.file.name).read_bytes()
        except OSError:
            return False
        return hashlib.sha256(content).hexdigest() == run.result.file.sha256

    def events(self, run_id: int, after: int = 0) -> list[Event]:
        """The run's heartbeats from number `after` on; a line that is still being written is left for later.

        A line that was left half-written when the machine went down is no heartbeat.
        """
        try:
            lines = (self.folder(run_id) / "events.jsonl").read_bytes().split(b"\n")[:-1]
        except OSError:
            return []
        return [event for line in lines if line and (event := _event(line))][after:]

    def _read(self, query: Select) -> list[Run]:
        """The runs of a query over (id, changed); only what changed since the last reading is parsed again."""
        with self._engine.connect() as connection:
            wanted = connection.execute(query).all()
            self._refresh(connection, [i for i, changed in wanted if self._runs.get(i, (None,))[0] != changed])
        return [self._runs[run_id][1] for run_id, _ in wanted if run_id in self._runs]

    def _refresh(self, connection: Connection, ids: Sequence[int]) -> None:
        if not ids:
            return
        joined = t.run.outerjoin(t.measurement, t.measurement.c.id == t.run.c.measurement_id).outerjoin(t.intent)
        columns = (t.run, t.measurement.c.record.label("measured"), *t.intent.c["open_test", "opening"])
        query = select(*columns).select_from(joined).where(t.run.c.id.in_(ids))
        rows = connection.execute(query).mappings().all()
        missing = {row["recipe_id"] for row in rows} - set(self._recipes)
        for row in connection.execute(select(t.recipe).where(t.recipe.c.id.in_(missing))).mappings():
            self._recipes[row["id"]] = Recipe.from_json(row["record"])
        if any(row["project_id"] not in self._projects for row in rows):
            self._projects |= {
                row["id"]: t.project_record(row) for row in connection.execute(select(t.project)).mappings()
            }
        earlier = _earlier(connection, ids)
        for row in rows:
            record = t.run_record(row, self._projects[row["project_id"]], self._recipes[row["recipe_id"]])
            known = tuple(earlier.get(row["id"], ()))
            self._runs[row["id"]] = (row["changed"], record.model_copy(update={"earlier": known}))


def _earlier(connection: Connection, ids: Sequence[int]) -> dict[int, list[Measurement]]:
    """By run: the newest measurement of its file, valid if there is one, under each set of conditions but the shown
    one's, newest first.
    """
    one, run = t.measurement, t.run
    same_file = one.join(run, run.c.id == one.c.run_id).join(
        t.file, (t.file.c.run_id == run.c.id) & (t.file.c.sha256 == one.c.file_sha256)
    )
    newest = (
        select(func.coalesce(func.max(case((one.c.valid, one.c.id))), func.max(one.c.id)))
        .select_from(same_file)
        .where(run.c.id.in_(ids), run.c.measurement_id.is_not(None))
        .group_by(one.c.run_id, one.c.fingerprint_id)
    )
    shown = select(run.c.measurement_id).where(run.c.measurement_id.is_not(None))
    wanted = (one.c.id.in_(newest.correlate(None)), one.c.id.not_in(shown))
    found: dict[int, list[Measurement]] = {}
    query = select(*one.c["id", "run_id", "record"]).where(*wanted).order_by(one.c.id.desc())
    for row in connection.execute(query).mappings():
        record = Measurement.from_json(row["record"]).model_copy(update={"id": row["id"]})
        found.setdefault(row["run_id"], []).append(record)
    return found


def _event(line: bytes) -> Event | None:
    try:
        return Event.from_json(line)
    except ValueError:
        return None
