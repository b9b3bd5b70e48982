"""The store's laws: two submits make one run, states move as they may, nothing half-written is seen."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optim.errors import KnobError, RequestError, StoreError, UnknownName
from optim.records import Event, Run, State
from optim.results import Failure
from optim.store import SCHEMA_VERSION, Store, opened
from tests import factories

DENSE = factories.a_recipe(dataset="digits", model="cnn", width=1.0)
PRUNED = factories.a_recipe("prune-channels", "fine-tune", dataset="digits", model="cnn", width=1.0)
INT8 = factories.a_recipe("quantize-int8", dataset="digits", model="cnn", width=1.0)
RESULT = factories.a_result(0.95, 0.1, 40_000)
FAILURE = Failure(kind="TrainingFailed", reason="The loss is not a number.", remedy="Lower the learning rate.")


@pytest.fixture
def store(home):
    return Store(home)


@pytest.fixture
def project(store):
    return store.project("digits", default_reference="cnn:1")


def finished(store, recipe, project):
    store.submit(recipe, project)
    while run := store.claim():
        store.finish(run.id, RESULT)
    return store.submit(recipe, project)[0]


def failed(store, recipe, project):
    finished(store, DENSE, project)
    run, _ = store.submit(recipe, project)
    store.claim()
    return store.fail(run.id, FAILURE)


# -- projects ----------------------------------------------------------------------------------------------------------


def test_the_first_recipe_of_a_target_chooses_the_reference(store):
    first = store.project("digits", default_reference="cnn:1")
    assert first == store.project("digits", default_reference="resnet8:2")
    assert first.reference == "cnn:1"
    other = store.project("digits", reference="resnet8:2.0")
    assert (other.reference, other.id) == ("resnet8:2", first.id + 1)
    assert store.project("digits", threads=2, default_reference="cnn:1").id not in {first.id, other.id}
    assert [p.id for p in store.projects()] == [1, 2, 3]


@pytest.mark.parametrize("wrong", [{"dataset": "mnist"}, {"device": "tpu"}, {"threads": 0}, {"batch": 10**6}])
def test_an_impossible_target_is_refused(store, wrong):
    with pytest.raises(RequestError) as refused:
        store.project(**{"dataset": "digits", "default_reference": "cnn:1", **wrong})
    assert refused.value.allowed


# -- submit ------------------------------------------------------------------------------------------------------------


def test_the_reference_is_queued_first_and_once(store, project):
    run, new = store.submit(PRUNED, project)
    assert new
    assert [(r.recipe.id, r.state) for r in reversed(store.runs())] == [
        (DENSE.id, State.QUEUED),
        (PRUNED.id, State.QUEUED),
    ]
    assert store.submit(INT8, project)[1]
    assert store.reference_run(project).id == 1
    assert run.id == 2


def test_an_equal_recipe_opens_the_run_that_is_there(store, project):
    queued, _ = store.submit(PRUNED, project)
    assert store.submit(PRUNED, project) == (queued, False)
    done = finished(store, PRUNED, project)
    assert done.state is State.DONE
    assert store.submit(PRUNED, project) == (done, False)


def test_an_equal_recipe_that_failed_is_queued_again(store, project):
    run = failed(store, PRUNED, project)
    again, new = store.submit(PRUNED, project)
    assert (again.id, again.state, again.attempt, again.failure, new) == (run.id, State.QUEUED, 0, None, True)


def test_an_incomplete_recipe_is_completed_or_refused(store, project):
    bare = DENSE.with_(steps=({"technique": "distill"},))
    assert store.submit(bare, project)[0].recipe.steps[0].knobs["temperature"] == 4
    with pytest.raises(KnobError):
        store.submit(DENSE.with_(steps=({"technique": "distill", "knobs": {"temperature": 0}},)), project)
    with pytest.raises(RequestError, match="other data"):
        store.submit(factories.a_recipe(), project)


def test_the_same_recipe_in_two_projects_is_two_runs(store, project):
    other = store.project("digits", threads=2, default_reference="cnn:1")
    assert store.submit(DENSE, project)[0].id != store.submit(DENSE, other)[0].id


def test_an_example_and_an_own_run_of_one_recipe_stand_apart(store, project):
    own, _ = store.submit(DENSE, project)
    example, new = store.submit(DENSE, project, origin="example", given_file="1/model.onnx")
    assert new
    assert own.id != example.id
    assert [run.id for run in store.runs(origin="example")] == [example.id]


SUBMIT = """
import sys
from pathlib import Path
from optim.records import Recipe
from optim.store import Store
store = Store(Path(sys.argv[1]))
print(store.submit(Recipe.from_json(sys.argv[2]), store.project("digits", default_reference="cnn:1"))[0].id)
"""


def test_submits_from_many_threads_and_processes_make_one_run(home):
    def submit(_):
        store = Store(home)
        run, new = store.submit(PRUNED, store.project("digits", default_reference="cnn:1"))
        return run.id, new

    command = [sys.executable, "-c", SUBMIT, str(home), PRUNED.to_json()]
    children = [subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE) for _ in range(2)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(submit, range(8)))
    assert {int(child.communicate(timeout=60)[0]) for child in children} == {2}
    assert {run_id for run_id, _ in answers} == {2}
    assert sum(new for _, new in answers) <= 1
    assert len(Store(home).runs()) == 2


# -- states ------------------------------------------------------------------------------------------------------------


def test_nothing_starts_before_its_reference_is_done(store, project):
    store.submit(PRUNED, project)
    first = store.claim()
    assert first is not None
    assert (first.recipe.id, first.state, first.attempt) == (DENSE.id, State.RUNNING, 1)
    assert store.claim() is None
    store.finish(first.id, RESULT)
    second = store.claim()
    assert second is not None
    assert second.recipe.id == PRUNED.id


@pytest.mark.parametrize("end", ["fail", "cancel"])
def test_runs_fail_with_a_remedy_when_their_reference_does_not_come(store, project, end):
    run, _ = store.submit(PRUNED, project)
    reference = store.claim()
    if end == "fail":
        store.fail(reference.id, FAILURE)
    else:
        store.cancelled(reference.id)
    assert store.claim() is None
    waiting = store.run(run.id)
    assert waiting.state is State.FAILED
    assert f"Retry run {reference.id} first" in waiting.failure.remedy
    assert store.retry(run.id).state is State.QUEUED
    assert store.run(reference.id).state is State.QUEUED


def test_finishing_keeps_file_measurement_and_opening(store, project):
    run = finished(store, PRUNED, project)
    assert run.result == RESULT
    assert run.latency == RESULT.latency
    assert [m.id for m in store.measurements(run.id)] == [run.measurement.id]
    assert store.openings(project.id) == 2
    with pytest.raises(RequestError):
        store.finish(run.id, RESULT)


def test_a_test_set_that_stayed_shut_is_not_counted(store, project):
    store.submit(DENSE, project)
    score = RESULT.file.score.with_(test=None)
    store.finish(store.claim().id, RESULT.with_(file=RESULT.file.with_(score=score)))
    assert store.openings(project.id) == 0


def test_the_newest_measurement_is_shown(store, project):
    run = finished(store, DENSE, project)
    kept = store.add_measurement(factories.a_measurement(run, factories.a_fingerprint("Other CPU"), 0.2))
    assert store.run(run.id).measurement == kept
    assert store.run(run.id).latency.p50_ms == 0.2
    assert len(store.measurements(run.id)) == 2


def test_cancel_is_immediate_for_a_queued_run_and_a_wish_for_a_running_one(store, project):
    store.submit(PRUNED, project)
    assert store.request_cancel(2).state is State.CANCELLED
    running = store.claim()
    asked = store.request_cancel(running.id)
    assert (asked.state, asked.cancel_requested) == (State.RUNNING, True)
    ended = store.cancelled(running.id)
    assert (ended.state, ended.cancel_requested) == (State.CANCELLED, False)
    assert store.request_cancel(running.id) == ended


def test_a_requeued_run_keeps_its_place_and_counts_its_attempts(store, project):
    finished(store, DENSE, project)
    first, _ = store.submit(PRUNED, project)
    store.submit(INT8, project)
    for attempt in (1, 2):
        claimed = store.claim()
        assert (claimed.id, claimed.attempt) == (first.id, attempt)
        store.requeue(first.id)
    store.claim()
    assert store.requeue(first.id, counted=False).attempt == 2


@pytest.mark.parametrize("counted", [True, False])
def test_a_run_that_was_asked_to_stop_is_not_queued_again(store, project, counted):
    run, _ = store.submit(DENSE, project)
    store.claim()
    store.request_cancel(run.id)
    ended = store.requeue(run.id, counted=counted)
    assert (ended.state, ended.cancel_requested) == (State.CANCELLED, False)
    assert ended.ended_at


def test_only_what_ended_badly_can_be_retried(store, project):
    run = failed(store, PRUNED, project)
    assert run.failure == FAILURE
    assert store.retry(run.id).attempt == 0
    with pytest.raises(RequestError, match="cannot be retried"):
        store.retry(run.id)
    done = store.run(1)
    folder = store.folder(done.id)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(factories.MODEL)
    with pytest.raises(RequestError):
        store.retry(done.id)
    (folder / "model.onnx").write_bytes(b"changed since")
    assert store.retry(done.id).result is None


def test_delete_takes_the_folder_and_never_a_live_run(store, project):
    run = failed(store, PRUNED, project)
    store.append_event(run.id, Event(time=1.0, stage="Prune"))
    store.delete(run.id)
    assert not store.folder(run.id).exists()
    assert not list((store.home / "runs").iterdir())
    with pytest.raises(UnknownName):
        store.run(run.id)
    live, _ = store.submit(PRUNED, project)
    assert live.id > run.id, "numbers are never given twice"
    with pytest.raises(RequestError, match="live"):
        store.delete(live.id)


def test_a_reference_stays_while_others_are_compared_with_it(store, project):
    finished(store, PRUNED, project)
    with pytest.raises(RequestError, match="reference"):
        store.delete(1)
    store.delete(2)
    store.delete(1)
    assert store.runs() == []


def test_openings_outlive_their_run(store, project):
    store.delete(finished(store, DENSE, project).id)
    assert store.openings(project.id) == 1


# -- reading -----------------------------------------------------------------------------------------------------------


def test_revision_grows_with_every_change_and_with_nothing_else(store, project):
    run, _ = store.submit(DENSE, project)
    seen = [store.revision()]
    changes = (
        lambda: store.set_note(run.id, "a note"),
        store.claim,
        lambda: store.finish(run.id, RESULT),
        lambda: store.delete(run.id),
    )
    for change in changes:
        change()
        seen.append(store.revision())
    assert seen == sorted(set(seen))
    store.runs()
    assert store.claim() is None
    assert store.revision() == seen[-1]


def test_another_store_sees_each_change(store, project, home):
    other = Store(home)
    run, _ = store.submit(DENSE, project)
    assert other.run(run.id).state is State.QUEUED
    store.claim()
    assert other.run(run.id).state is State.RUNNING
    assert store.set_note(run.id, "kept").note == other.run(run.id).note == "kept"


def test_events_are_appended_and_a_half_written_line_waits(store, project):
    run, _ = store.submit(DENSE, project)
    events = [Event(time=float(i), stage="Distil", done=i, total=3, metrics={"loss": 1 / (i + 1)}) for i in range(3)]
    assert store.events(run.id) == []
    for event in events:
        store.append_event(run.id, event)
    with (store.folder(run.id) / "events.jsonl").open("a") as file:
        file.write('{"time":3.0,"sta')
    assert store.events(run.id) == events
    assert store.events(run.id, after=2) == events[2:]
    store.append_event(run.id, events[0])
    with (store.folder(run.id) / "events.jsonl").open("ab") as file:
        file.write(b"\xff\x00\n")
    assert store.events(run.id) == [*events, events[0]]
    assert store.events(run.id, after=3) == [events[0]]


def test_hundreds_of_runs_read_at_once(store, project):
    runs = factories.many_runs(300, factories.a_project())
    fashion = store.project("fashion-mnist", reference="resnet8:2")
    store.adopt(runs, fashion)
    assert [run.result for run in store.runs(fashion.id)] == [run.result for run in reversed(runs)]
    started = time.perf_counter()
    assert len(store.runs()) == 300
    assert time.perf_counter() - started < 0.2  # 2 ms on a quiet machine
    assert [run.id for run in store.runs(limit=3)] == [300, 299, 298]


@settings(deadline=None)
@given(st.integers(0, 10**6), st.text(max_size=50), st.sampled_from(State), st.floats(0, 1e10))
def test_every_run_survives_json(seed, note, state, moment):
    run = factories.done(seed, "prune-channels", accuracy=0.9, p50_ms=0.2, kb=80, note=note)
    run = run.with_(state=state, started_at=moment, recipe=run.recipe.with_(seed=seed), failure=FAILURE)
    assert Run.from_json(run.to_json()) == run
    assert json.loads(run.to_json())["note"] == note


@settings(max_examples=10, deadline=None)
@given(st.text(max_size=200))
def test_notes_are_kept_as_they_are(tmp_path_factory, note):
    folder = tmp_path_factory.getbasetemp() / "notes"
    store = opened(folder)
    run, _ = store.submit(DENSE, store.project("digits", default_reference="cnn:1"))
    assert store.set_note(run.id, note).note == note
    assert Store(folder).run(run.id).note == note


# -- trouble -----------------------------------------------------------------------------------------------------------


def test_a_store_of_a_newer_version_is_left_alone(home):
    Store(home)
    with sqlite3.connect(home / "store.sqlite") as connection:
        connection.execute("UPDATE schema_version SET version = ?", (SCHEMA_VERSION + 1,))
    connection.close()
    with pytest.raises(StoreError, match="another version"):
        Store(home)


def test_a_broken_store_is_reported_not_repaired(home):
    home.mkdir()
    (home / "store.sqlite").write_text("this is not a database, and longer than a header of one would be" * 20)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(home)


def test_a_data_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written") as refused:
        Store(tmp_path / "file" / "home")
    assert "--home" in refused.value.remedy


def test_a_deleted_data_folder_begins_anew(home):
    import shutil

    first = opened(home)
    first.submit(DENSE, first.project("digits", default_reference="cnn:1"))
    shutil.rmtree(home)
    assert opened(home).runs() == []


def test_the_store_lies_where_the_url_says(home, tmp_path, monkeypatch):
    monkeypatch.setenv("PARETOSCOPE_STORE_URL", f"sqlite:///{tmp_path / 'elsewhere.sqlite'}")
    Store(home).project("digits", default_reference="cnn:1")
    assert (tmp_path / "elsewhere.sqlite").exists()
    assert not (home / "store.sqlite").exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+nodriver://me:s3cret@db.example/p",
        "sqlite+nodriver://me:s3cret@/p",
        "sqlite://me:s3cret@db.example/p",
        "postgresql://me:s3cret@db.example:port/p",
        "s3cret",
    ],
)
def test_the_password_of_a_url_is_not_told(home, monkeypatch, url):
    monkeypatch.setenv("PARETOSCOPE_STORE_URL", url)
    with pytest.raises(StoreError) as refused:
        Store(home)
    assert "PARETOSCOPE_STORE_URL" in str(refused.value)
    assert "s3cret" not in str(refused.value)
