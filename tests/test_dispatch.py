"""A worker that goes away in the moment in which it is given something: nobody reports that, and nothing may hang."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from distributed import KilledWorker

from optim import dispatch, lost, profile_jobs
from optim.dispatch import Dispatch
from optim.jobs import Target
from optim.records import State
from optim.store import Store
from tests import factories

GONE_PID, NEW_PID = 10_000_001, 10_000_002
"""Beyond what any system hands out."""


class Promise:
    """What a worker was to hand back; `status` as Dask names it."""

    def __init__(self):
        self.status = "pending"

    def done(self):
        return self.status != "pending"

    def exception(self):
        return KilledWorker("measure", None, 0)

    def cancel(self):
        self.status = "cancelled"


class Workers:
    """One worker, of which only its process is known."""

    names = (0,)

    def __init__(self):
        self.pids, self.given = GONE_PID, []

    def pid(self, _):
        return self.pids

    def submit(self, _, task):
        self.given.append((task, Promise()))
        return self.given[-1][1]

    profile = submit


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    for module in (dispatch, lost):
        monkeypatch.setattr(module.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(dispatch, "kill_family", lambda pid: None)
    monkeypatch.setattr("optim.dispatch_profiles.kill_family", lambda pid: None)
    return clock


@pytest.fixture
def asked(home):
    ask = profile_jobs.request(home, "digits", "cnn", 1.0, Target())
    return profile_jobs.submit(ask, start_driver=False)


def later(clock, look, seconds=2 * lost.LOST_SECONDS):
    look.step()
    clock.now += seconds
    look.step()


def test_a_profile_is_given_to_the_next_worker(home, asked, clock):
    pool = Workers()
    look = Dispatch(Store(home), pool, lambda _: None)
    look.step()
    pool.pids = NEW_PID
    later(clock, look)
    (first, _), (second, _) = pool.given
    assert (first.attempt, second.attempt) == (1, 2)


def test_a_worker_that_is_back_at_once_keeps_its_profile(home, asked, clock):
    pool = Workers()
    look = Dispatch(Store(home), pool, lambda _: None)
    look.step()
    pool.pids = 0
    later(clock, look, seconds=lost.LOST_SECONDS / 2)
    pool.pids = GONE_PID
    later(clock, look)
    assert len(pool.given) == 1


def test_no_run_is_given_to_the_process_that_a_profile_lost(home, asked, clock):
    store, pool = Store(home), Workers()
    recipe = factories.a_recipe("fine-tune", dataset="digits", model="cnn", width=1.0)
    run = store.submit(recipe, store.project("digits", default_reference="cnn:1"))[0]
    look = Dispatch(store, pool, lambda _: None)
    look.step()
    pool.given[0][1].status = "error"
    profile_jobs.cancel(asked)
    look.step()  # it is lost, and its process still seems to be there
    look.step()
    assert store.run(run.id).state is State.QUEUED
    assert len(pool.given) == 1


def test_a_run_that_is_queued_while_the_driver_finds_nothing_is_found_at_the_next_look(home, clock, monkeypatch):
    store, pool = Store(home), Workers()
    recipe = factories.a_recipe("fine-tune", dataset="digits", model="cnn", width=1.0)
    find, revisions = store.claim, []

    def claim():
        found = find()
        if not revisions:
            store.submit(recipe, store.project("digits", default_reference="cnn:1"))
        revisions.append(store.revision())
        return found

    monkeypatch.setattr(store, "claim", claim)
    look = Dispatch(store, pool, lambda _: None)
    look.step()
    assert not pool.given
    look.step()
    assert pool.given


def test_nothing_is_asked_of_the_store_as_long_as_it_stands(home, clock, monkeypatch):
    store, asked = Store(home), []
    monkeypatch.setattr(store, "claim", lambda: asked.append(1))
    look = Dispatch(store, Workers(), lambda _: None)
    for _ in range(3):
        look.step()
    assert len(asked) == 1
