"""A file has many measurements: another day, another machine. What is known of a run outlives being timed again."""

from __future__ import annotations

import hashlib
import json
import threading
import time

import pytest
from click.testing import CliRunner

from optim import cli_wait, conditions, findings, jobs, lost, remarks, tables, views
from optim.cli import main
from optim.dispatch import Dispatch
from optim.driver_process import DriverStatus
from optim.errors import RequestError, StoreError
from optim.progress import progress
from optim.records import Event, Run, State
from optim.results import Failure, Result
from optim.store import Store
from tests import factories

CONTENT = b"a model"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FAILURE = Failure(kind="RunError", reason="The timing process failed: no memory", remedy="Close other programs.")
NEW = factories.a_fingerprint("New CPU")
DENSE, PRUNED, INT8 = (), ("prune-channels", "fine-tune"), ("quantize-int8",)


def a_result(p50_ms=0.1, **changes):
    """All files of these tests have the same bytes, the reference's too."""
    made = factories.a_result(0.95, p50_ms, len(CONTENT))
    return made.with_(file=made.file.with_(sha256=SHA256), reference_sha256=SHA256, **changes)


def on_the_new_machine(p50_ms=0.2, reference_ms=0.4, *, valid=True):
    time_ = factories.a_latency(p50_ms, reference_ms)
    beside = factories.a_latency(reference_ms, reference_ms, valid=valid)
    return a_result(latency=time_, reference_latency=beside, fingerprint=NEW)


@pytest.fixture
def store(home):
    return Store(home)


@pytest.fixture
def project(store):
    return store.project("digits", default_reference="cnn:1")


def made(store, project, steps, result=None):
    """The run of these steps, done, its file in its folder."""
    recipe = factories.a_recipe(*steps, dataset="digits", model="cnn", width=1.0)
    run = store.submit(recipe, project)[0]
    while claimed := store.claim():
        folder = store.folder(claimed.id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(CONTENT)
        store.finish(claimed.id, (result if claimed.id == run.id else None) or a_result())
    return store.run(run.id)


def fronts(store):
    """Run numbers by processor."""
    parts = ("front", "dominated", "not_valid")
    return {
        front["fingerprint"]["processor"]: {run["id"] for part in parts for run in front[part]}
        for front in views.front_objects(store, store.projects())
    }


# -- two machines ------------------------------------------------------------------------------------------------------


def test_the_reference_has_a_time_under_the_conditions_of_each_new_run(store, project):
    old = made(store, project, PRUNED)
    new = made(store, project, INT8, on_the_new_machine())
    assert fronts(store) == {"Example CPU": {1, old.id}, "New CPU": {1, new.id}}
    reference = store.run(1)
    assert reference.under(NEW.id).latency.p50_ms == 0.4
    assert reference.under(reference.result.fingerprint.id).latency.p50_ms == 0.1
    assert reference.under("unknown") is None
    for front in views.front_objects(store, store.projects()):
        assert front["reference"]["fingerprint"] == front["fingerprint"]
        for run in front["front"] + front["dominated"]:
            assert run["fingerprint"] == run["baseline"]["fingerprint"] == front["fingerprint"]
    assert findings.find(conditions.under(store.runs(), NEW.id)).reference.run.id == 1


def test_the_reference_is_not_measured_twice_under_the_same_conditions(store, project):
    made(store, project, PRUNED, on_the_new_machine())
    made(store, project, INT8, on_the_new_machine(reference_ms=0.7))
    assert [one.latency.p50_ms for one in store.measurements(1)] == [0.1, 0.4]


@pytest.mark.parametrize(
    "result",
    [on_the_new_machine(valid=False), on_the_new_machine().with_(reference_sha256="1" * 64), a_result()],
    ids=["not valid", "another file", "not told"],
)
def test_a_time_of_the_reference_that_cannot_be_believed_is_not_kept(store, project, result):
    made(store, project, PRUNED, result)
    assert len(store.measurements(1)) == 1


def test_a_run_stands_under_every_machine_it_was_timed_on(store, project):
    run = made(store, project, PRUNED)
    for p50_ms in (0.3, 0.2):
        store.measure_again(run.id)
        store.finish(store.claim().id, on_the_new_machine(p50_ms))
    run = Store(store.home).run(run.id)
    assert (run.latency.p50_ms, run.fingerprint) == (0.2, NEW)
    assert [one.latency.p50_ms for one in run.earlier] == [0.1]
    assert fronts(store) == {"Example CPU": {1, run.id}, "New CPU": {1, run.id}}
    there = run.under(run.result.fingerprint.id)
    assert (there.latency.p50_ms, [one.fingerprint for one in there.earlier]) == (0.1, [NEW])
    assert there.under(NEW.id).latency == run.latency
    assert next(iter(conditions.machines(store.runs()))) == NEW.id, "as often used, and last"
    many = store.measurements(run.id)
    assert remarks.times_line(many).startswith("Timed 3 times, under 2 sets of conditions; this is the newest, ")
    oldest = min(many, key=lambda one: one.id)
    assert "; this is the newest that is valid, " in remarks.times_line(many, shown=oldest), "later ones were disturbed"
    assert "0.1 ms on Example CPU" in tables.elsewhere_line(run)
    assert Run.from_json(run.to_json()) == run


def test_a_file_that_was_made_anew_forgets_the_times_of_the_old_one(store, project):
    run = made(store, project, PRUNED)
    store.add_measurement(factories.a_measurement(run, NEW, 0.2))
    (store.folder(run.id) / "model.onnx").unlink()
    assert store.retry(run.id).earlier == ()
    other = a_result(0.3)
    store.finish(store.claim().id, other.with_(file=other.file.with_(sha256="2" * 64)))
    assert (store.run(run.id).latency.p50_ms, store.run(run.id).earlier) == (0.3, ())


def test_hundreds_of_runs_with_two_measurements_read_at_once(store):
    fashion = store.project("fashion-mnist", reference="resnet8:2")
    runs = factories.many_runs(300, factories.a_project())
    store.adopt([run.with_(measurement=factories.a_measurement(run, NEW, 0.2)) for run in runs], fashion)
    started = time.perf_counter()
    assert all(len(run.earlier) == 1 for run in Store(store.home).runs())
    assert time.perf_counter() - started < 1  # 0.05 s on a quiet machine
    assert [len(conditions.under(store.runs(), key)) for key in conditions.machines(store.runs())] == [300, 300]


def test_results_of_earlier_versions_still_load():
    told = json.loads(a_result().to_json())
    del told["reference_latency"]
    assert Result.from_json(json.dumps(told)) == a_result()


# -- timing again ------------------------------------------------------------------------------------------------------


def test_timing_again_adds_a_measurement_and_nothing_else(store, project):
    run, openings = made(store, project, PRUNED), store.openings(project.id)
    waiting = store.measure_again(run.id)
    assert (waiting.state, waiting.timed_again) == (State.QUEUED, True)
    assert (waiting.result, waiting.measurement) == (run.result, run.measurement)
    assert store.measure_again(run.id) == waiting, "two clicks are one"
    assert fronts(store) == {"Example CPU": {1, run.id}}
    running = store.claim()
    assert running.timed_again
    assert fronts(store) == {"Example CPU": {1, run.id}}
    again = store.finish(run.id, on_the_new_machine())
    assert (again.state, again.result, again.failure) == (State.DONE, run.result, None)
    assert (again.latency.p50_ms, len(store.measurements(run.id))) == (0.2, 2)
    assert (again.created_at, again.started_at, again.ended_at) == (run.created_at, run.started_at, run.ended_at)
    assert store.openings(project.id) == openings


def test_a_time_that_is_not_valid_does_not_hide_a_valid_one(store, project):
    run = made(store, project, PRUNED)
    busy = factories.a_latency(0.3, 0.4, valid=False)
    for latency, fingerprint in ((busy, None), (factories.a_latency(0.2, 0.4), NEW), (busy, NEW)):
        store.measure_again(run.id)
        while claimed := store.claim():
            result = a_result(latency=latency)
            store.finish(claimed.id, result.with_(fingerprint=fingerprint) if fingerprint else result)
    shown = store.run(run.id)
    assert len(store.measurements(run.id)) == 4
    assert [one.latency.p50_ms for one in (shown.measurement, *shown.earlier)] == [0.2, 0.1]
    assert all(one.latency.valid for one in (shown.measurement, *shown.earlier))


def test_the_reference_is_timed_again_while_others_start(store, project):
    made(store, project, PRUNED)
    store.measure_again(1)
    assert store.claim().id == 1
    int8, _ = store.submit(factories.a_recipe(*INT8, dataset="digits", model="cnn", width=1.0), project)
    assert store.claim().id == int8.id
    store.finish(int8.id, on_the_new_machine())
    assert store.run(1).state is State.RUNNING
    assert store.finish(1, a_result(0.15)).latency.p50_ms == 0.15
    assert len(store.measurements(1)) == 3


def cancel_waiting(store, run_id):
    store.request_cancel(run_id)


def cancel_running(store, run_id):
    store.claim()
    store.request_cancel(run_id)
    store.cancelled(run_id)


def cancel_requeued(store, run_id):
    store.claim()
    store.request_cancel(run_id)
    store.requeue(run_id)


def fails(store, run_id):
    store.claim()
    store.fail(run_id, FAILURE)


def loses_its_worker(store, run_id):
    for _ in range(lost.ATTEMPTS):
        assert store.claim().id == run_id
        lost.again_or_failed(store, run_id, lambda _: None)


@pytest.mark.parametrize("end", [cancel_waiting, cancel_running, cancel_requeued, fails, loses_its_worker])
def test_whatever_ends_the_timing_the_run_is_done_as_before(store, project, end):
    run = made(store, project, PRUNED)
    store.measure_again(run.id)
    end(store, run.id)
    after = store.run(run.id)
    told = {"failure": after.failure, "attempt": after.attempt}
    assert after == run.with_(**told)
    assert bool(after.failure) == (end in (fails, loses_its_worker))
    if after.failure:
        assert store.events(run.id)[-1].message == f"timing again failed: {after.failure.reason}"
    store.measure_again(run.id)
    store.claim()
    assert store.finish(run.id, a_result(0.3)).failure is None


def test_only_a_file_that_is_there_can_be_timed_again(store, project, home):
    run = made(store, project, PRUNED)
    waiting, _ = store.submit(factories.a_recipe(*INT8, dataset="digits", model="cnn", width=1.0), project)
    with pytest.raises(RequestError, match="no file to time"):
        store.measure_again(waiting.id)
    store.request_cancel(waiting.id)
    with pytest.raises(RequestError, match="no file to time"):
        jobs.measure_again(home, waiting.id, start_driver=False)
    (store.folder(run.id) / "model.onnx").write_bytes(b"changed")
    with pytest.raises(RequestError, match="gone or was changed"):
        jobs.measure_again(home, run.id, start_driver=False)
    assert store.run(run.id).state is State.DONE


def test_what_else_can_be_done_with_a_run_that_is_timed_again(store, project, home, tmp_path):
    run = made(store, project, PRUNED)
    jobs.measure_again(home, run.id, start_driver=False)
    assert jobs.export_file(home, run.id, tmp_path / "m.onnx")["sha256"] == SHA256
    for refused in (store.delete, store.retry):
        with pytest.raises(RequestError):
            refused(run.id)
    with pytest.raises(RequestError, match="Runs are live"):
        jobs.clean(home)
    store.claim()
    store.fail(run.id, FAILURE)
    jobs.clean(home, ended=True)
    assert store.run(run.id).result == run.result
    assert store.submit(run.recipe, project)[0].id == run.id


def test_its_progress_is_that_of_one_stage(store, project):
    run = made(store, project, PRUNED)
    store.measure_again(run.id)
    old = factories.some_events(run)
    start, now = Event(time=old[-1].time + 9, stage=""), Event(time=old[-1].time + 10, stage="Time")
    told = progress(store.claim(), [*old, start, now], [run], now=now.time + 1)
    assert (told.stages, told.current) == (("Time",), 0)
    assert told.left_s is not None
    assert 0 < told.left_s < 3


# -- the driver --------------------------------------------------------------------------------------------------------


class Answer:
    """A worker's answer, there at once."""

    def __init__(self, answer):
        self.status, self.answer = "finished", answer

    def done(self):
        return True

    def result(self):
        return self.answer


class OneWorker:
    """Remembers what it is handed."""

    names = (0,)

    def __init__(self, answer):
        self.answer, self.tasks = answer, []

    def pid(self, _):
        return 1

    def submit(self, _, task):
        self.tasks.append(task)
        return Answer(self.answer)


@pytest.mark.parametrize(
    ("answer", "measured"),
    [({"result": on_the_new_machine().to_json()}, 2), ({"failure": FAILURE.to_json()}, 1)],
    ids=["timed", "failed"],
)
def test_the_driver_hands_out_the_record_and_keeps_what_comes_back(store, project, answer, measured):
    run, said = made(store, project, PRUNED), []
    store.measure_again(run.id)
    pool = OneWorker(answer)
    dispatch = Dispatch(store, pool, said.append)
    dispatch.step()
    dispatch.step()
    (task,) = pool.tasks
    assert task.recorded == run.result
    assert task.reference_file == str(store.folder(1) / "model.onnx")
    assert (store.run(run.id).state, store.run(run.id).result) == (State.DONE, run.result)
    assert len(store.measurements(run.id)) == measured
    assert store.events(run.id)[0].message == "timing again"
    assert "timed again" in said[-1] or "timing again failed" in said[-1]


def test_a_reference_that_is_gone_ends_only_the_timing(store, project):
    run = made(store, project, PRUNED)
    (store.folder(1) / "model.onnx").unlink()
    store.measure_again(run.id)
    dispatch = Dispatch(store, OneWorker({}), lambda _: None)
    dispatch.step()
    after = store.run(run.id)
    assert (after.state, after.failure.kind) == (State.DONE, StoreError.__name__)


# -- the command line --------------------------------------------------------------------------------------------------


def call(*arguments):
    return CliRunner().invoke(main, [str(part) for part in arguments], prog_name="python -m optim")


@pytest.fixture
def timing(store, monkeypatch):
    """What a driver makes of the next run that is timed again."""
    ends = []
    for module in (jobs, cli_wait):
        monkeypatch.setattr(module, "ensure_driver", lambda _: DriverStatus(alive=True))
    stop = threading.Event()

    def drive():
        while not stop.wait(0.02):
            if ends and (run := store.claim()):
                ends.pop()(run.id)

    thread = threading.Thread(target=drive, daemon=True)
    thread.start()
    yield ends
    stop.set()
    thread.join()


def test_measure_waits_and_prints_the_object_of_run(store, project, timing):
    run = made(store, project, PRUNED)
    timing.append(lambda run_id: store.finish(run_id, on_the_new_machine()))
    told = call("measure", run.id, "--json")
    assert told.exit_code == 0, told.stderr
    printed = json.loads(told.stdout)
    assert printed == json.loads(call("show", run.id, "--json").stdout)
    assert (printed["state"], printed["latency"]["p50_ms"]) == ("done", 0.2)
    assert [one["p50_ms"] for one in printed["earlier"]] == [0.1]
    assert printed["baseline"]["fingerprint"] == printed["fingerprint"]


def test_measure_that_failed_is_1_with_the_reason(store, project, timing):
    run = made(store, project, PRUNED)
    timing.append(lambda run_id: store.fail(run_id, FAILURE))
    told = call("measure", run.id, "--json")
    assert told.exit_code == 1
    assert "error: Timing again failed: The timing process failed: no memory Close other programs." in told.stderr
    assert json.loads(told.stdout)["state"] == "done"
    assert "Timing again failed" in call("show", run.id).stdout


def test_measure_that_was_cancelled_is_1(store, project, timing):
    run = made(store, project, PRUNED)
    timing.append(store.cancelled)
    told = call("measure", run.id)
    assert (told.exit_code, "was cancelled; its earlier time stands" in told.stderr) == (1, True)


def test_measure_that_was_disturbed_says_so_and_is_0(store, project, timing):
    run = made(store, project, PRUNED)
    busy = factories.a_latency(0.3, 0.4, valid=False)
    timing.append(lambda number: store.finish(number, a_result(latency=busy)))
    told = call("measure", run.id, "--json")
    assert (told.exit_code, "The earlier, valid time stands." in told.stderr) == (0, True)
    assert json.loads(told.stdout)["latency"]["p50_ms"] == 0.1


def test_measure_detached_queues_and_a_wrong_request_is_2(store, project, timing):
    run = made(store, project, PRUNED)
    told = call("measure", run.id, "--detach", "--json")
    assert (told.exit_code, json.loads(told.stdout)["state"]) == (0, "queued")
    assert call("measure", 99).exit_code == 2
    assert call("cancel", run.id).exit_code == 0
    assert store.run(run.id).state is State.DONE
    (store.folder(run.id) / "model.onnx").unlink()
    assert call("measure", run.id).exit_code == 2


def test_a_time_that_is_not_valid_names_its_remedy(store, project):
    run = made(store, project, PRUNED, a_result(latency=factories.a_latency(0.1, valid=False)))
    assert f"python -m optim measure {run.id}" in call("show", run.id).stdout
