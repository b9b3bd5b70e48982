"""The test set stays closed where it was asked to, is opened once, and each opening is counted."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from optim import jobs, lost, pipeline, tables
from optim.dispatch import Dispatch
from optim.errors import Cancelled, GateFailed, RequestError
from optim.progress import progress
from optim.records import Event, State
from optim.results import Failure, Result
from optim.store import Store
from tests import factories
from tests.heavy import a_task, warmed
from tests.test_measurements import FAILURE, OneWorker

CONTENT = b"a model"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CLOSED = {"validation", "validation_labels", "validation_confidence"}
"""What a run keeps of its answers as long as its test set is closed."""
FIXTURE = Path(__file__).parent / "fixtures" / "store-v1"


def a_result(*, test):
    made = factories.a_result(0.95, 0.1, len(CONTENT))
    score = made.file.score if test else made.file.score.with_(test=None)
    return made.with_(file=made.file.with_(sha256=SHA256, score=score), reference_sha256=SHA256)


@pytest.fixture
def store(home):
    return Store(home)


@pytest.fixture
def project(store):
    return store.project("digits", default_reference="cnn:1")


def ended(store):
    """Every queued run done, the way the driver and the pipeline do it."""
    while run := store.claim():
        folder = store.folder(run.id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(CONTENT)
        store.finish(run.id, a_result(test=run.open_test or (run.again and run.opening)))


def shut(store, project):
    """A done run whose test set stayed closed, beside its reference, whose was opened."""
    recipe = factories.a_recipe("prune-channels", "fine-tune", dataset="digits", model="cnn", width=1.0)
    run, _ = store.submit(recipe, project, open_test=False)
    ended(store)
    return store.run(run.id)


def test_a_run_of_a_search_has_no_test_score_and_its_reference_has(store, project):
    run = shut(store, project)
    assert (run.open_test, run.result.file.score.test) == (False, None)
    reference = store.reference_run(project)
    assert (reference.open_test, reference.result.file.score.test is None) == (True, False)
    assert store.openings(project.id) == 1


def test_opening_adds_the_score_and_counts(store, project):
    run = shut(store, project)
    waiting = store.open_test(run.id)
    assert (waiting.state, waiting.again, waiting.timed_again) == (State.QUEUED, True, False)
    assert tables.state_words(waiting) == "waits to have its test set opened"
    assert store.open_test(run.id) == waiting, "two clicks are one"
    ended(store)
    after = store.run(run.id)
    assert after.result.file.score.test is not None
    assert after.result.latency == run.result.latency
    assert (after.measurement, len(store.measurements(run.id))) == (run.measurement, 1)
    assert (after.created_at, after.started_at, after.ended_at) == (run.created_at, run.started_at, run.ended_at)
    assert store.openings(project.id) == 2
    assert store.open_test(run.id) == after, "it is open already"


def cancel_waiting(store, run_id):
    store.request_cancel(run_id)


def fails(store, run_id):
    store.claim()
    store.fail(run_id, FAILURE)


def loses_its_worker(store, run_id):
    for _ in range(lost.ATTEMPTS):
        assert store.claim().id == run_id
        lost.again_or_failed(store, run_id, lambda _: None)


@pytest.mark.parametrize("end", [cancel_waiting, fails, loses_its_worker])
def test_whatever_goes_wrong_nothing_is_lost_and_it_can_be_asked_again(store, project, end):
    run = shut(store, project)
    store.open_test(run.id)
    end(store, run.id)
    after = store.run(run.id)
    assert after == run.with_(opening=True, failure=after.failure, attempt=after.attempt)
    assert store.openings(project.id) == 1
    if after.failure:
        assert store.events(run.id)[-1].message == f"opening the test set failed: {after.failure.reason}"
    store.open_test(run.id)
    ended(store)
    assert store.run(run.id).result.file.score.test is not None
    assert store.run(run.id).failure is None


def test_one_errand_at_a_time(store, project):
    run = shut(store, project)
    store.open_test(run.id)
    with pytest.raises(RequestError):
        store.measure_again(run.id)
    ended(store)
    assert store.measure_again(run.id).timed_again
    store.request_cancel(run.id)
    assert not store.run(run.id).opening


def test_only_a_file_that_is_there_can_be_opened(store, project, home):
    run = shut(store, project)
    (store.folder(run.id) / "model.onnx").write_bytes(b"changed")
    with pytest.raises(RequestError, match="gone or was changed"):
        jobs.open_test(home, run.id, start_driver=False)
    waiting, _ = store.submit(factories.a_recipe(dataset="digits", model="cnn", width=0.5), project)
    with pytest.raises(RequestError, match="no file whose test set"):
        store.open_test(waiting.id)


def test_a_recipe_of_a_search_that_is_run_by_hand_is_opened(store, project, home):
    run = shut(store, project)
    known, new = jobs.submit(home, run.recipe, start_driver=False)
    assert (known.id, new, known.opening, known.state) == (run.id, False, True, State.QUEUED)
    again, _ = store.submit(run.recipe, project, open_test=False)
    assert again.id == run.id


def test_one_wish_by_hand_is_enough(store, project):
    recipe = factories.a_recipe("prune-channels", "fine-tune", dataset="digits", model="cnn", width=1.0)
    run, _ = store.submit(recipe, project, open_test=False)
    assert store.submit(recipe, project)[0].open_test
    assert store.submit(recipe, project, open_test=False)[0].open_test
    ended(store)
    assert store.run(run.id).result.file.score.test is not None


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_run_that_a_search_picks_up_again_stays_shut_until_somebody_asks(store, project, home, end):
    recipe = factories.a_recipe("prune-channels", "fine-tune", dataset="digits", model="cnn", width=1.0)
    run, _ = store.submit(recipe, project)
    store.fail(run.id, FAILURE) if end == "failed" else store.request_cancel(run.id)
    again, new = store.submit(recipe, project, open_test=False)
    assert (again.id, new, again.open_test) == (run.id, True, False)
    ended(store)
    assert store.run(run.id).result.file.score.test is None
    jobs.submit(home, recipe, start_driver=False)
    ended(store)
    assert store.run(run.id).result.file.score.test is not None


def test_a_retried_run_keeps_its_wish(store, project):
    run = shut(store, project)
    (store.folder(run.id) / "model.onnx").unlink()
    again = store.retry(run.id)
    assert (again.open_test, again.opening, again.result) == (False, False, None)


def test_its_progress_is_that_of_one_stage(store, project):
    run = shut(store, project)
    store.open_test(run.id)
    told = progress(store.claim(), [Event(time=1, stage=""), Event(time=2, stage="Score")], [run])
    assert (told.stages, told.current) == (("Score",), 0)


def test_the_driver_hands_out_the_wish_and_keeps_what_comes_back(store, project):
    run = shut(store, project)
    store.open_test(run.id)
    pool, said = OneWorker({"result": a_result(test=True).to_json()}), []
    dispatch = Dispatch(store, pool, said.append)
    dispatch.step()
    dispatch.step()
    (task,) = pool.tasks
    assert (task.opening, task.open_test, task.recorded) == (True, False, run.result)
    assert store.run(run.id).result.file.score.test is not None
    assert "has its test set opened" in said[-1]


def test_another_files_score_is_not_kept(store, project):
    run = shut(store, project)
    store.open_test(run.id)
    store.claim()
    other = a_result(test=True)
    with pytest.raises(RequestError, match="no opening"):
        store.finish(run.id, other.with_(file=other.file.with_(sha256="f" * 64)))
    assert store.run(run.id).state is State.RUNNING
    store.fail(run.id, Failure(kind="RunError", reason="other file"))
    assert store.run(run.id).result == run.result


def test_a_store_of_the_first_release_gets_the_table(home):
    shutil.copytree(FIXTURE, home)
    store = Store(home)
    assert all(run.open_test and not run.opening for run in store.runs())
    with sqlite3.connect(home / "store.sqlite") as database:
        assert database.execute("select version from schema_version").fetchone() == (1,)
        assert database.execute("select count(*) from intent").fetchone() == (0,)
    assert Store(home).openings(store.projects()[0].id) == 2


def test_deleting_a_run_forgets_its_wish_and_keeps_its_opening(store, project, home):
    run = shut(store, project)
    store.open_test(run.id)
    ended(store)
    store.delete(run.id)
    assert store.openings(project.id) == 2
    with sqlite3.connect(home / "store.sqlite") as database:
        assert database.execute("select count(*) from intent").fetchone() == (0,)


# -- with a real file --------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(home, templates, reference):
    """The reference's own file in a folder of its own, scored on validation only."""
    warmed(home, templates)
    task, result = reference
    folder = Path(shutil.copytree(task.folder, home / "runs" / "1"))
    with np.load(folder / "predictions.npz") as kept:
        rows = {name: kept[name] for name in kept.files}
    assert set(rows) == {*CLOSED, "test", "test_labels"}
    np.savez_compressed(folder / "predictions.npz", **{n: row for n, row in rows.items() if not n.startswith("test")})
    score = result.file.score.with_(test=None)
    recorded = result.with_(file=result.file.with_(score=score))
    return task.with_(folder=str(folder), recorded=recorded, opening=True), result, rows


def test_the_stored_file_is_scored_on_test(opened):
    task, whole, rows = opened
    result = pipeline.run(task)
    assert result == task.recorded.with_(file=whole.file)
    folder = Path(task.folder)
    assert Result.from_json((folder / "result.json").read_text()) == result
    with np.load(folder / "predictions.npz") as kept:
        assert all((kept[name] == row).all() for name, row in rows.items())
    right = (rows["test"] == rows["test_labels"]).mean()
    assert right == pytest.approx(result.file.score.test.value)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_an_opening_that_stops_leaves_all_as_it_was(opened):
    task, _, _ = opened
    folder = Path(task.folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(Cancelled):
        pipeline.run(task, cancelled=lambda: True)
    (folder / "model.onnx").write_bytes(b"changed")
    with pytest.raises(GateFailed, match="gone or was changed"):
        pipeline.run(task)
    (folder / "model.onnx").write_bytes(before["model.onnx"])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_run_whose_test_stays_closed_writes_no_answers_to_it(home, templates):
    warmed(home, templates)
    result = pipeline.run(a_task(home).with_(open_test=False))
    assert result.file.score.test is None
    with np.load(home / "runs" / "1" / "predictions.npz") as kept:
        assert set(kept.files) == CLOSED
        right = (kept["validation"] == kept["validation_labels"]).mean()
    assert right == pytest.approx(result.file.score.validation.value)
