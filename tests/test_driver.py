"""The driver with real worker processes: kill -9, cancel, retry, orphans. What a worker computes is invented here."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from optim import dispatch, driver_process, jobs
from optim.dispatch import ATTEMPTS
from optim.driver import Driver, serve
from optim.driver_process import DriverStatus, announce, driver_status
from optim.errors import DriverError, StoreError
from optim.pool import Pool
from optim.records import State
from optim.results import Failure
from optim.store import Store
from optim.worker import _unforeseen
from tests import factories, fake_work
from tests.waiting import until

QUICK, LONG, STUBBORN, FAILS, DIES, RAISES = range(6)


@pytest.fixture(scope="module")
def pool():
    """One pool for all tests, as one driver has for all runs. Its workers do not load the heavy room."""
    found = Pool(fake_work.work, eager=False)
    yield found
    found.close()


@pytest.fixture
def store(home):
    return Store(home)


@pytest.fixture
def driver(store, pool):
    """The loop in a thread of its own, as long as the test lasts."""
    driver = Driver(store, 3600, lambda _: None)
    thread = threading.Thread(target=driver.work, args=(pool,), daemon=True)
    thread.start()
    yield driver
    driver.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()


def queue(store, *seeds):
    """Runs that end as their seeds say, after the reference."""
    project = store.project("digits", default_reference="cnn:1")
    recipe = factories.a_recipe("fine-tune", dataset="digits", model="cnn", width=1.0)
    return [store.submit(recipe.with_(seed=seed), project)[0].id for seed in seeds]


def ended(store, run_id, seconds=20.0):
    until(lambda: not store.run(run_id).state.live, seconds)
    return store.run(run_id)


def worker_of(store, run_id, attempt=1):
    """The process that works on the run, once it has said so."""

    def told():
        events = store.events(run_id)
        starts = [event.time for event in events if not event.stage]
        fresh = [event for event in events if event.stage == "Distil" and event.time >= starts[-1]]
        return int(fresh[-1].message) if len(starts) == attempt and fresh else 0

    return until(told)


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_run_goes_through_and_its_heartbeats_are_kept(store, driver):
    run = ended(store, queue(store, QUICK)[0])
    assert run.state is State.DONE
    assert run.attempt == 1
    assert [event.stage for event in store.events(run.id)] == ["", "Prune"]
    assert {"recipe.json", "events.jsonl", "model.onnx"} <= {path.name for path in store.folder(run.id).iterdir()}
    assert store.reference_run(run.project).state is State.DONE


def test_a_warm_driver_starts_the_next_run_within_moments(store, driver):
    ended(store, queue(store, QUICK)[0])
    project = store.project("digits")
    recipe = factories.a_recipe("distill", dataset="digits", model="cnn", width=1.0)
    run = ended(store, store.submit(recipe, project)[0].id)
    assert run.started_at - run.created_at < 5  # 0.1 s on a quiet machine


def test_a_killed_worker_is_noticed_and_the_run_is_tried_again(store, driver):
    long, after = queue(store, LONG, QUICK)
    pid = worker_of(store, long)
    child = int((store.folder(long) / "child").read_text())
    killed_at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    until(lambda: store.run(long).attempt == 2, seconds=10)
    assert time.monotonic() - killed_at < 10
    assert worker_of(store, long, attempt=2) != pid
    assert gone(child), "what a killed worker had started ends with it"
    (store.folder(long) / "go").touch()
    assert ended(store, long).state is State.DONE
    assert ended(store, after).state is State.DONE
    assert [event.message for event in store.events(long) if not event.stage] == [
        "started",
        f"started, attempt 2 of {ATTEMPTS}",
    ]


def test_a_run_that_kills_every_worker_fails_and_the_queue_goes_on(store, driver):
    deadly, after = queue(store, DIES, QUICK)
    run = ended(store, deadly, seconds=40)
    assert (run.state, run.attempt, run.failure.kind) == (State.FAILED, ATTEMPTS, "WorkerLost")
    assert "went away 3 times" in run.failure.reason
    assert run.failure.remedy
    assert ended(store, after).state is State.DONE


def test_a_worker_that_its_nanny_gave_up_is_replaced(store, pool, driver, monkeypatch):
    monkeypatch.setattr(dispatch, "REVIVE_SECONDS", 0.5)
    pool._cluster.sync(pool._cluster.workers[0].close)
    assert ended(store, queue(store, QUICK)[0]).state is State.DONE


def test_nobody_waits_for_a_worker_that_does_not_start(pool, monkeypatch):
    asked = []

    async def never():
        asked.append(1)
        await asyncio.sleep(3600)

    name = pool.names[-1] + 1  # of no worker
    monkeypatch.setattr(pool._cluster, "_correct_state_internal", never)
    pool.revive(name)
    until(lambda: asked)
    pool.revive(name)
    assert not pool._reviving.done()
    pool._reviving.cancel()
    assert asked == [1], "one at a time"


@pytest.mark.parametrize("seed", [LONG, STUBBORN])
def test_cancel_ends_a_run_that_listens_and_one_that_does_not(store, driver, home, seed):
    first, after = queue(store, seed, QUICK)
    pid = worker_of(store, first)
    child = int((store.folder(first) / "child").read_text())
    asked_at = time.monotonic()
    jobs.opened(home).request_cancel(first)
    assert ended(store, first).state is State.CANCELLED
    assert time.monotonic() - asked_at < 8
    until(lambda: gone(child))
    if seed == STUBBORN:
        until(lambda: gone(pid))  # killed with the child, it may need a moment more
    else:
        assert not gone(pid), "a worker that listens stays warm"
    assert not (store.folder(first) / "cancel").exists()
    assert ended(store, after).state is State.DONE
    (store.folder(first) / "go").touch()
    store.retry(first)
    assert ended(store, first).state is State.DONE


@pytest.mark.parametrize(("seed", "kind"), [(FAILS, "TrainingFailed"), (RAISES, "ZeroDivisionError")])
def test_a_failure_is_kept_with_its_reason(store, driver, seed, kind):
    failing, after = queue(store, seed, QUICK)
    run = ended(store, failing)
    assert (run.state, run.failure.kind) == (State.FAILED, kind)
    assert run.failure.reason
    assert ended(store, after).state is State.DONE


def test_a_run_whose_reference_file_was_changed_says_so(store, driver):
    ended(store, queue(store, QUICK)[0])
    (store.folder(1) / "model.onnx").write_bytes(b"another file")
    run = ended(store, queue(store, FAILS)[0])
    assert run.failure.kind == "StoreError"
    assert "Retry run 1 first" in run.failure.remedy


def test_a_driver_that_leaves_puts_its_run_back(store, pool, home):
    driver = Driver(store, 3600, lambda _: None)
    thread = threading.Thread(target=driver.work, args=(pool,), daemon=True)
    thread.start()
    long = queue(store, LONG)[0]
    pid = worker_of(store, long)
    driver.stop()
    thread.join(timeout=20)
    run = store.run(long)
    assert (run.state, run.attempt) == (State.QUEUED, 0)
    until(lambda: gone(pid))
    assert driver_status(home).state == "leaving"


def test_a_full_disk_stops_neither_the_driver_nor_its_run(store, pool, home, monkeypatch):
    """The disk refuses every file for a while, the log too; the store refuses the first end of the run."""

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def refuses_once(run_id, result):
        monkeypatch.setattr(store, "finish", finish)
        raise StoreError("The store could not be used.", given="database or disk is full")

    finish, said = store.finish, []
    run_id = queue(store, QUICK)[0]
    monkeypatch.setattr(store, "finish", refuses_once)
    monkeypatch.setattr(store, "append_event", lambda *_: False)
    monkeypatch.setattr("optim.driver.announce", full)
    monkeypatch.setattr("optim.driver.STUMBLED_SECONDS", 0.05)
    Driver(store, 0.5, lambda line: (said.append(line), full())).work(pool)
    assert store.run(run_id).state is State.DONE
    assert sum("disk is full" in line for line in said) == 1
    assert sum("heartbeats" in line for line in said) == 1


def test_a_driver_whose_folder_stays_broken_gives_up(store, pool, monkeypatch):
    def refuses():
        raise StoreError("The store could not be used.")

    monkeypatch.setattr(store, "claim", refuses)
    monkeypatch.setattr("optim.driver.STUMBLED_SECONDS", 0.01)
    monkeypatch.setattr("optim.driver.STUMBLES", 3)
    queue(store, QUICK)
    with pytest.raises(StoreError):
        Driver(store, 3600, lambda _: None).work(pool)


def test_an_idle_driver_leaves_but_not_from_a_queue(store, pool):
    run_id = queue(store, QUICK)[0]
    Driver(store, 0.5, lambda _: None).work(pool)
    assert store.run(run_id).state is State.DONE


def test_orphans_of_an_earlier_driver_are_queued_again_or_given_up(store, pool):
    project = store.project("digits", default_reference="cnn:1")
    store.submit(project.reference_recipe(), project)
    orphan = store.claim()
    other = store.project("digits", threads=2, default_reference="cnn:1")
    hopeless, _ = store.submit(other.reference_recipe(), other)
    for _ in range(ATTEMPTS - 1):
        store.claim()
        store.requeue(hopeless.id)
    store.claim()
    asked = store.project("digits", threads=3, default_reference="cnn:1")
    cancelled, _ = store.submit(asked.reference_recipe(), asked)
    store.claim()
    store.request_cancel(cancelled.id)
    Driver(store, 0.3, lambda _: None).work(pool)
    assert store.run(orphan.id).state is State.DONE
    assert store.run(orphan.id).attempt == 2
    assert store.run(hopeless.id).failure.kind == "WorkerLost"
    assert store.run(cancelled.id).state is State.CANCELLED


# -- the process -------------------------------------------------------------------------------------------------------


def test_nobody_drives_an_empty_folder(home):
    assert driver_status(home) == DriverStatus(alive=False)
    assert not jobs.stop_driver(home)


def test_a_pid_that_is_gone_or_was_given_away_is_not_a_driver(home):
    announce(home, DriverStatus(True, "ready", since=1.0))
    assert driver_status(home).ready
    told = json.loads((home / "driver.json").read_text())
    for changed in ({"pid": 2**22 + 1}, {"create_time": told["create_time"] - 100}, {"pid": "x"}):
        (home / "driver.json").write_text(json.dumps({**told, **changed}))
        assert not driver_status(home).alive
    child = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
    zombie = {**told, "pid": child.pid, "create_time": psutil.Process(child.pid).create_time()}
    (home / "driver.json").write_text(json.dumps(zombie))
    assert not driver_status(home).alive
    child.wait()
    (home / "driver.json").unlink()


def test_stopping_does_not_wait_for_a_process_that_nobody_has_asked_for_its_exit_code():
    child = subprocess.Popen([sys.executable, "-c", ""])
    one = psutil.Process(child.pid)
    until(lambda: one.status() == psutil.STATUS_ZOMBIE)
    assert driver_process._still_there([one], seconds=5) == []
    child.wait()


def test_a_driver_that_cannot_start_tells_why(home):
    home.mkdir()
    (home / "store.sqlite").write_text("not a database " * 100)
    with pytest.raises(DriverError, match="store cannot be opened") as failed:
        jobs.ensure_driver(home)
    assert "driver.log" in failed.value.remedy


def test_one_driver_answers_and_no_worker_outlives_it(home):
    first = jobs.ensure_driver(home)
    assert first.ready
    assert first.workers[0].device in {"cpu", "cuda:0"}
    assert jobs.ensure_driver(home).pid == first.pid
    assert serve(home) is False
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: gone(first.pid) and not driver_status(home).alive)
    until(lambda: all(gone(worker.pid) for worker in first.workers))
    second = jobs.ensure_driver(home)
    assert second.pid != first.pid
    family = psutil.Process(second.pid).children(recursive=True)
    assert jobs.stop_driver(home)
    assert all(gone(one.pid) for one in family)
    assert not Path(home / "driver.json").exists()


def test_failure_records_survive_the_way_back():
    failure = Failure(kind="GateFailed", reason="A check failed.", remedy="Retry.")
    assert Failure.from_json(failure.to_json()) == failure


def test_a_full_disk_is_told_as_what_it_is(tmp_path):
    told = _unforeseen(OSError(errno.ENOSPC, "No space left on device"), tmp_path)
    assert (told.reason, "clean" in told.remedy) == ("The disk is full.", True)
    assert "not foreseen" in _unforeseen(OSError(errno.EIO, "Input/output error"), tmp_path).remedy
