"""The store on a PostgreSQL server: run with PARETOSCOPE_TEST_POSTGRES set to the URL of an empty database."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from optim.records import Event, Recipe, State, Step
from optim.results import Failure
from optim.store import Store

URL = os.environ.get("PARETOSCOPE_TEST_POSTGRES", "")
PRUNED = Recipe(dataset="digits", model="cnn", steps=(Step(technique="prune-channels"),))

pytestmark = pytest.mark.skipif(not URL, reason="PARETOSCOPE_TEST_POSTGRES names no server")


@pytest.fixture
def store(home, monkeypatch):
    from sqlalchemy import create_engine

    from optim import store_tables

    monkeypatch.setenv("PARETOSCOPE_STORE_URL", URL)
    engine = create_engine(URL)
    store_tables.tables.drop_all(engine)
    engine.dispose()
    store = Store(home)
    yield store
    store._engine.dispose()


def test_a_run_lives_its_life(store):
    project = store.project("digits", default_reference="cnn:1")
    run, new = store.submit(PRUNED, project)
    assert new
    reference = store.claim()
    assert reference is not None and reference.is_reference
    store.append_event(reference.id, Event(time=1.0, stage="Train"))
    store.fail(reference.id, Failure(kind="TrainingFailed", reason="The loss is not a number."))
    assert store.claim() is None
    assert store.run(run.id).state is State.FAILED
    assert store.retry(run.id).state is State.QUEUED
    assert {r.state for r in store.runs()} == {State.QUEUED}


def test_many_clicks_make_one_run(store):
    project = store.project("digits", default_reference="cnn:1")

    def click(_: int) -> bool:
        return store.submit(PRUNED, project)[1]

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(click, range(8))) == [False] * 7 + [True]
    assert len(store.runs()) == 2


def test_two_claims_never_get_the_same_run(store):
    for batch in range(1, 7):
        project = store.project("digits", batch=batch, default_reference="cnn:1")
        store.submit(project.reference_recipe(), project)
    with ThreadPoolExecutor(4) as pool:
        claimed = list(pool.map(lambda _: store.claim(), range(8)))
    assert sorted(run.id for run in claimed if run) == [run.id for run in reversed(store.runs())]
    assert claimed.count(None) == 2
