"""Timed together: one protocol for many files, one session in the store, and the pairwise ratio out of it."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from click.testing import CliRunner

from optim import jobs, jobs_together, sessions, together
from optim.cli import main
from optim.dispatch import Dispatch
from optim.errors import RequestError
from optim.records import State
from optim.results import Beside, Failure, Interval
from optim.rounds import CONFIDENCE
from optim.stats import WITHIN_PROCESS, across_sessions, ratio_interval
from optim.store import Store
from optim.tasks import task_of
from tests import factories, quiet

CONTENT = b"a model"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
STEPS = (("prune-channels", "fine-tune"), ("quantize-int8",))


def rounds_of(*milliseconds):
    """Quiet rounds of files that always take this long, the first one the reference."""
    first = np.full((30, 24), float(milliseconds[0]))
    return [quiet.rounds_of(np.full((30, 24), float(ms)), first) for ms in milliseconds]


def test_every_pair_has_its_ratio_and_the_reference_is_once_as_fast_as_itself():
    found = together.summarize(rounds_of(4, 2, 1), threads=1, batch=1)
    values = [[ratio.value for ratio in row] for row in found.ratios]
    assert np.allclose(values, [[1, 0.5, 0.25], [2, 1, 0.5], [4, 2, 1]])
    assert [one.ratio.value for one in found.times] == [1, pytest.approx(2), pytest.approx(4)]
    assert all(one.valid for one in found.times)


def test_the_ratio_of_a_pair_turns_with_the_sides():
    dice = np.random.default_rng(0)
    rounds = [one._replace(candidate=one.candidate * dice.uniform(0.9, 1.1, (30, 1))) for one in rounds_of(2, 2, 3)]
    ratios = together.summarize(rounds, threads=1, batch=1).ratios
    there, back = ratios[1][2], ratios[2][1]
    assert there.value * back.value == pytest.approx(1)
    assert there.low * back.high == pytest.approx(1)
    each = np.median(rounds[2].candidate, axis=1) / np.median(rounds[1].candidate, axis=1)
    bare = ratio_interval(each.tolist(), CONFIDENCE)  # the choice of length takes a part of what is said
    assert there == across_sessions(bare, WITHIN_PROCESS), "two copies of a file are not as fast as each other either"


def test_a_file_is_not_told_apart_from_its_own_copies():
    """40 sessions of four copies, each of which keeps a speed of its own for as long as its process lives."""
    dice, apart = np.random.default_rng(0), []
    for _ in range(40):
        own = np.exp(dice.normal(0, WITHIN_PROCESS / np.sqrt(2), (4, 1, 1)))
        calls = 0.2 * own * np.exp(dice.normal(0, 0.004, (4, 30, 1))) * np.ones((4, 30, 8))
        found = together.summarize([quiet.rounds_of(one, calls[0]) for one in calls], threads=1, batch=1)
        apart += [one.low > 1 or one.high < 1 for i, row in enumerate(found.ratios) for one in row[:i]]
    assert np.mean(apart) <= 0.05


@pytest.mark.parametrize("count", [0, 1, 8])
def test_too_few_and_too_many_files_are_refused(tmp_path, count):
    with pytest.raises(RequestError, match="not timed together"):
        together.measure(
            [tmp_path / str(i) for i in range(count)],
            threads=1,
            request=np.zeros((1, 1, 8, 8), np.float32),
            device="cpu",
        )


@pytest.fixture
def store(home):
    return Store(home)


@pytest.fixture
def runs(store):
    """The reference and two runs, all done, each with its file."""
    project = store.project("digits", default_reference="cnn:1")
    made = [factories.a_recipe(*steps, dataset="digits", model="cnn", width=1.0) for steps in ((), *STEPS)]
    for recipe in made:
        store.submit(recipe, project)
    while claimed := store.claim():
        folder = store.folder(claimed.id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(CONTENT)
        store.finish(claimed.id, a_result())
    return store.runs()[::-1]


def a_result(**changes):
    made = factories.a_result(0.95, 0.1, len(CONTENT))
    return made.with_(file=made.file.with_(sha256=SHA256), reference_sha256=SHA256, **changes)


def a_session(leader, others, ratio=2.0, name="one", *, valid=True):
    """What the worker hands back: the leader is `ratio` times faster than each of the others."""
    there = Interval(value=ratio, low=0.99 * ratio, high=1.01 * ratio)
    back = Interval(value=1 / ratio, low=0.99 / ratio, high=1.01 / ratio)
    beside = tuple(
        Beside(run_id=n, file_sha256=SHA256, latency=factories.a_latency(0.2, valid=valid), against={leader: back})
        for n in others
    )
    against = dict.fromkeys(others, there)
    latency = factories.a_latency(0.1, valid=valid)
    return a_result(latency=latency, session=name, against=against, beside=beside)


def joint(store, *numbers):
    return sessions.newest({number: store.measurements(number) for number in numbers})


def test_a_session_is_queued_on_its_leader_and_told_to_the_worker(home, store, runs):
    reference, one, two = runs
    queued = jobs_together.measure_together(home, [one.id, two.id], start_driver=False)
    assert (queued.id, queued.timed_again) == (one.id, True)
    assert sessions.asked(store.folder(one.id)) == (two.id, reference.id)
    task = task_of(store, store.claim())
    assert [(c.run_id, c.sha256) for c in task.together] == [(two.id, SHA256), (reference.id, SHA256)]
    assert task.reference_file == task.together[1].file


class FakePool:
    names = (0,)


def test_a_session_gives_every_run_one_measurement(home, store, runs):
    reference, one, two = runs
    before = {run.id: len(store.measurements(run.id)) for run in runs}
    jobs_together.measure_together(home, [one.id, two.id], start_driver=False)
    store.claim()
    done = store.finish(one.id, a_session(one.id, (two.id, reference.id)))
    assert done.state is State.DONE and done.result == one.result
    assert {run.id: len(store.measurements(run.id)) - before[run.id] for run in runs} == dict.fromkeys(before, 1)
    found = joint(store, one.id, two.id)
    assert found.ratio(one.id, two.id).value == 2
    assert found.ratio(two.id, one.id).value == 0.5
    assert found.ratio(two.id, reference.id) is None


def test_the_newest_valid_session_of_just_these_runs_is_shown(home, store, runs):
    reference, one, two = runs
    sessions_ = [("old", True, (two.id,)), ("new", True, (two.id, reference.id)), ("bad", False, (two.id,))]
    for name, valid, others in sessions_:
        jobs_together.measure_together(home, [one.id, two.id], start_driver=False)
        store.claim()
        store.finish(one.id, a_session(one.id, others, name=name, valid=valid))
    assert joint(store, one.id, two.id).name == "new"
    assert joint(store, one.id) is None
    assert joint(store, one.id, two.id, reference.id).name == "new"


def test_a_run_that_was_deleted_meanwhile_is_left_out(home, store, runs):
    _, one, two = runs
    jobs_together.measure_together(home, [one.id, two.id], start_driver=False)
    store.claim()
    store.delete(two.id)
    assert store.finish(one.id, a_session(one.id, (two.id,))).state is State.DONE


def test_timing_alone_forgets_an_earlier_wish_for_company(home, store, runs):
    _, one, two = runs
    jobs_together.measure_together(home, [one.id, two.id], start_driver=False)
    jobs.cancel(home, one.id)
    jobs.measure_again(home, one.id, start_driver=False)
    assert sessions.asked(store.folder(one.id)) == ()


def test_what_cannot_be_timed_together_is_refused_with_the_reason(home, store, runs):
    reference, one, two = runs
    with pytest.raises(RequestError, match="So many runs"):
        jobs_together.measure_together(home, [reference.id], start_driver=False)
    with pytest.raises(RequestError, match="So many runs"):
        jobs_together.measure_together(home, [], start_driver=False)
    other, _ = store.submit(
        factories.a_recipe(dataset="digits", model="cnn"), store.project("digits", threads=2, reference="cnn:1")
    )
    with pytest.raises(RequestError, match="cannot be compared in time"):
        jobs_together.measure_together(home, [one.id, other.id], start_driver=False)
    (store.folder(two.id) / "model.onnx").write_bytes(b"changed")
    with pytest.raises(RequestError, match="gone or was changed"):
        jobs_together.measure_together(home, [one.id, two.id], start_driver=False)
    jobs.measure_again(home, one.id, start_driver=False)
    with pytest.raises(RequestError, match="no file to time now"):
        jobs_together.measure_together(home, [one.id], start_driver=False)


def test_a_failed_session_is_told_on_the_leader_and_forgotten(home, store, runs):
    _, one, two = runs
    jobs_together.measure_together(home, [one.id, two.id], start_driver=False)
    run = store.claim()
    failure = Failure(kind="RunError", reason="The timing process failed.")
    Dispatch(store, FakePool(), print)._keep(run, {"failure": failure.to_json()})
    assert store.run(one.id).state is State.DONE and store.run(one.id).failure == failure
    assert sessions.asked(store.folder(one.id)) == ()


def test_measure_takes_several_runs(home, store, runs, monkeypatch):
    monkeypatch.setattr(jobs, "ensure_driver", lambda home: None)
    _, one, two = runs
    told = CliRunner().invoke(main, ["measure", str(one.id), str(two.id), "--detach", "--home", str(home)])
    assert told.exit_code == 0, told.output
    assert set(sessions.asked(store.folder(one.id))) == {two.id, runs[0].id}
