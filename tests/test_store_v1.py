"""A data folder of the first released schema still opens, reads, and can be worked on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from optim import views
from optim.records import State
from optim.store import Store

FIXTURE = Path(__file__).parent / "fixtures" / "store-v1"


@pytest.fixture
def store(home):
    shutil.copytree(FIXTURE, home)
    return Store(home)


def test_every_run_reads(store):
    runs = {run.id: run for run in store.runs()}
    assert {i: run.state for i, run in runs.items()} == {
        1: State.DONE,
        2: State.DONE,
        3: State.FAILED,
        4: State.CANCELLED,
    }
    assert runs[1].is_reference
    assert [step.technique for step in runs[2].recipe.steps] == ["prune-channels", "distill"]
    assert runs[2].note == "kept for the schema's sake"
    assert runs[2].latency.p50_ms == 0.09
    assert runs[2].fingerprint.processor == "Other CPU"
    assert [one.fingerprint.processor for one in runs[2].earlier] == ["Example CPU"]
    assert runs[3].failure.remedy
    assert len(store.measurements(2)) == 2
    assert [event.stage for event in store.events(2)] == ["", "Distil"]
    assert store.openings(store.projects()[0].id) == 2


def test_recipes_keep_their_identity(store):
    ids = {1: "c6f377bba9a5", 2: "f79b2598632c"}
    assert {i: store.run(i).recipe.id for i in ids} == ids


def test_it_can_be_worked_on(store):
    assert store.retry(3).state is State.QUEUED
    assert store.claim().id == 3
    assert store.measure_again(1).timed_again
    assert views.fronts_object(views.front_objects(store, store.projects()))["front"]
