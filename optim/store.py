"""The store: projects, recipes, runs, files, measurements and openings. The only file that writes them.

Any process may submit, retry, note, delete, or ask for a cancel; every later state is the driver's.
States move by compare-and-set inside one write transaction, so two processes never both win:

    submit -> queued -> running -> done | failed | cancelled
                 ^ |       |                 |         |
                 | '-------|--> cancelled    |         |
                 '---------'   requeue       '-- retry -> queued

A done run goes the same way to be timed again, or to have its test set opened. It keeps its result, whatever ends that:

    done -- measure_again -> queued <-> running -> done   finish: one more measurement; fail: done, with a failure
         '- open_test                                     finish: its score on test, and one opening
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from sqlalchemy import delete, insert, select

from . import catalog, recipes
from . import store_claim as turns
from . import store_moves as moves
from . import store_results as results
from . import store_tables as t
from .atomic import append_line
from .errors import RequestError
from .records import Event, Project, Recipe, Run, State
from .results import Failure, Measurement, Result
from .store_engine import writing
from .store_moves import Origin, Wish
from .store_read import StoreReader
from .store_tables import SCHEMA_VERSION

__all__ = ["SCHEMA_VERSION", "Store", "opened"]


def opened(home: Path) -> Store:
    """The store of this data folder, opened once per process; safe to share between threads."""
    if not home.is_dir():
        _opened.cache_clear()  # the folder was deleted under us: begin anew
    return _opened(home)


@cache
def _opened(home: Path) -> Store:
    return Store(home)


class Store(StoreReader):
    """Opens or makes the store of a data folder; `StoreError` when that cannot be."""

    def project(
        self,
        dataset: str,
        device: str = "cpu",
        threads: int = 1,
        batch: int = 1,
        *,
        reference: str | None = None,
        default_reference: str | None = None,
    ) -> Project:
        """Find or create. Without a `reference` the oldest project of this data set and target answers."""
        target = moves.checked_target(dataset, device, threads, batch)
        wanted = {} if reference is None else {"reference": catalog.check_model_ref(reference)}
        with writing(self._engine) as connection:
            conditions = [t.project.c[name] == value for name, value in {**target, **wanted}.items()]
            row = connection.execute(select(t.project).where(*conditions).order_by(t.project.c.id)).mappings().first()
            if row is None:
                made = Project(**target, reference=catalog.check_model_ref(reference or default_reference))
                values = made.model_dump(exclude={"id"}) | {"reference_recipe_id": made.reference_recipe().id}
                connection.execute(insert(t.project).values(values))
                t.next_revision(connection)
                row = connection.execute(select(t.project).order_by(t.project.c.id.desc())).mappings().first()
        assert row is not None
        return t.project_record(row)

    def submit(
        self,
        recipe: Recipe,
        project: Project,
        *,
        origin: Origin = "own",
        given_file: str = "",
        train_device: str = "auto",
        open_test: bool = True,
    ) -> tuple[Run, bool]:
        """The run of this recipe, and whether it is newly queued.

        An equal run that is queued, running or done answers for itself; a failed or cancelled one is queued again.
        The project's reference run is made sure of first. Not `open_test`: its score on test stays null.
        """
        recipe = recipes.complete(recipe)
        moves.check_train_device(train_device)
        if recipe.dataset != project.dataset:
            allowed = f"a project on {recipe.dataset}"
            raise RequestError("The project is on other data.", given=project.dataset, allowed=allowed)
        with writing(self._engine) as connection:
            if origin != "own" or recipe.id != project.reference_recipe().id:
                moves.ensure(connection, Wish(project.reference_recipe(), project, train_device=train_device))
            run_id, new = moves.ensure(connection, Wish(recipe, project, origin, given_file, train_device, open_test))
        return self.run(run_id), new

    def retry(self, run_id: int) -> Run:
        """Queue a failed or cancelled run again, or a done one whose file is gone or was changed. Its reference comes
        along.
        """
        known = self.run(run_id)
        states = [State.FAILED, State.CANCELLED]
        if not self.has_its_file(known):
            states.append(State.DONE)
        with writing(self._engine) as connection:
            moves.ensure_reference(connection, known)
            queued = moves.queue(connection, run_id, states)
        if not queued:
            allowed = "failed or cancelled runs"
            raise RequestError("This run cannot be retried.", given=f"run {run_id}, {known.state}", allowed=allowed)
        return self.run(run_id)

    def measure_again(self, run_id: int) -> Run:
        """Queue the file of a done run to be timed once more. What is known of it stays, whatever comes of that."""
        return self._again(run_id, "This run has no file to time.", opening=False)

    def open_test(self, run_id: int) -> Run:
        """Queue the test set of a done run's file to be opened, once: a run that has a score on test is left alone."""
        known = self.run(run_id)
        if known.result is not None and known.result.file.score.test is not None:
            return known
        return self._again(run_id, "This run has no file whose test set could be opened.", opening=True)

    def _again(self, run_id: int, refused: str, *, opening: bool) -> Run:
        known = self.run(run_id)
        with writing(self._engine) as connection:
            if not moves.queue_again(connection, run_id, opening=opening):
                given, remedy = f"run {run_id}, {known.state}", "Wait until it is done, or retry it."
                raise RequestError(refused, given=given, allowed="done runs", remedy=remedy)
            moves.ensure_reference(connection, known)
        return self.run(run_id)

    def request_cancel(self, run_id: int) -> Run:
        """A queued run is cancelled at once; a running one is asked to stop, and the driver sees to it."""
        self.run(run_id)
        with writing(self._engine) as connection:
            if not moves.end(connection, run_id, [State.QUEUED], State.CANCELLED):
                moves.move(connection, run_id, [State.RUNNING], cancel_requested=True)
        return self.run(run_id)

    def delete(self, run_id: int) -> None:
        """Forget a run and its folder. Refused while it is live, or while other runs are compared with it."""
        known = self.run(run_id)
        with writing(self._engine) as connection:
            if known.origin == "own" and known.is_reference:
                moves.refuse_if_needed(connection, known)
            gone = connection.execute(delete(t.run).where(t.run.c.id == run_id, ~t.LIVE)).rowcount
            if not gone:
                raise RequestError(
                    "A live run cannot be deleted.", given=f"run {run_id}, {known.state}", remedy="Cancel it first."
                )
            t.next_revision(connection)
            trash = moves.rename_away(self.folder(run_id))
        self._runs.pop(run_id, None)
        if trash:
            shutil.rmtree(trash, ignore_errors=True)

    def set_note(self, run_id: int, text: str) -> Run:
        self.run(run_id)
        with writing(self._engine) as connection:
            moves.move(connection, run_id, list(State), note=text)
        return self.run(run_id)

    def adopt(self, runs: Iterable[Run], project: Project) -> None:
        """Keep runs that were made elsewhere as they are, under new numbers: whole folders moved in, seeded tests."""
        with writing(self._engine) as connection:
            for run in runs:
                run_id = moves.insert_run(connection, Wish(run.recipe, project, run.origin, run.given_file))
                results.restore(connection, run_id, run)

    # -- the driver's ----------------------------------------------------------------------------------------------

    def claim(self) -> Run | None:
        """The next queued run whose reference is done, now running; None when there is nothing to start.

        Runs whose reference failed or was cancelled fail here, with its number in the remedy.
        """
        with writing(self._engine) as connection:
            run_id = turns.claim(connection)
        return None if run_id is None else self.run(run_id)

    def append_event(self, run_id: int, event: Event) -> bool:
        """One line of `events.jsonl`; False where the disk refuses it: a run does not depend on what is told of it."""
        return append_line(self.folder(run_id) / "events.jsonl", event.to_json())

    def finish(self, run_id: int, result: Result) -> Run:
        """Running to done: keeps the result, its file, its first measurement, and the opening of the test set.

        Of a run that was timed again only the measurement is new, of one that was opened only the score on test.
        """
        known = self.run(run_id)
        with writing(self._engine) as connection:
            if not moves.end(connection, run_id, [State.RUNNING], State.DONE):
                raise RequestError("Only a running run can finish.", given=f"run {run_id}")
            results.keep(connection, known, result)
        return self.run(run_id)

    def fail(self, run_id: int, failure: Failure) -> Run:
        """Queued or running to failed; a run that had its result is done as before, and its failure is kept."""
        known = self.run(run_id)
        with writing(self._engine) as connection:
            ended = moves.end(connection, run_id, [State.QUEUED, State.RUNNING], State.FAILED, failure)
        if ended and known.again:
            stage, told = "Score" if known.opening else "Time", f"{known.errand} failed: {failure.reason}"
            self.append_event(run_id, Event(time=time.time(), stage=stage, message=told))
        return self.run(run_id)

    def requeue(self, run_id: int, *, counted: bool = True) -> Run:
        """Running to queued, at its old place; not `counted`: the attempt was ended by us and does not count.

        A run that was asked to stop is cancelled instead.
        """
        known = self.run(run_id)
        with writing(self._engine) as connection:
            attempt = known.attempt if counted else max(known.attempt - 1, 0)
            started_at = known.started_at if known.again else None
            again = {"state": State.QUEUED, "attempt": attempt, "started_at": started_at}
            if not moves.cancel_if_asked(connection, run_id):
                moves.move(connection, run_id, [State.RUNNING], **again)
        return self.run(run_id)

    def cancelled(self, run_id: int) -> Run:
        """Running to cancelled; a run that had its result is done as before."""
        with writing(self._engine) as connection:
            moves.end(connection, run_id, [State.RUNNING], State.CANCELLED)
        return self.run(run_id)

    def add_measurement(self, measurement: Measurement) -> Measurement:
        """One more timing of a file; the newest is the one that is shown."""
        with writing(self._engine) as connection:
            return results.keep_measurement(connection, measurement)
