"""What the reference usually takes: read from the measurements of all runs of its project, handed to the worker."""

from __future__ import annotations

import pytest

from optim.results import Facts, Measurement
from optim.store import Store
from optim.tasks import task_of
from tests import factories

HERE, THERE = factories.a_fingerprint("Here"), factories.a_fingerprint("There")
FACTS = Facts(seconds=0.8, cores=2, drift=0.0, reference_p50_ms=0.4, mean_over_p50=1.0, half_width=0.005)


@pytest.fixture
def store(home):
    return Store(home)


@pytest.fixture
def run(store):
    """The reference of a project, done, timed before facts were kept."""
    queued, _ = store.submit(factories.a_recipe(), store.project("fashion-mnist", default_reference="resnet8:2"))
    reference = store.reference_run(queued.project)
    store.claim()
    made = factories.a_result(0.91, 0.36, 100)
    store.finish(reference.id, made.with_(fingerprint=HERE, reference_sha256=made.file.sha256))
    return store.run(reference.id)


def timed(store, run, reference_ms, fingerprint=HERE, **facts):
    known = FACTS.with_(reference_p50_ms=reference_ms, **facts)
    valid = not facts.get("others")
    session = {"fingerprint": fingerprint, "latency": factories.a_latency(0.1, valid=valid).with_(facts=known)}
    sha256 = run.result.file.sha256
    store.add_measurement(
        Measurement(run_id=run.id, file_sha256="1" * 64, reference_sha256=sha256, made_at=1, **session)
    )


def test_a_time_from_before_facts_were_kept_tells_of_its_own_file(store, run):
    assert store.reference_times(run.project) == {HERE.id: 0.36}


def test_every_session_tells_and_each_machine_has_its_own_time(store, run):
    for time in (0.40, 0.41, 0.39, 0.40):
        timed(store, run, time)
    timed(store, run, 0.8, THERE)
    assert store.reference_times(run.project) == {HERE.id: pytest.approx(0.39), THERE.id: 0.8}


def test_a_disturbed_session_does_not_tell(store, run):
    for _ in range(9):
        timed(store, run, 0.9, others=2.0)
    assert store.reference_times(run.project) == {HERE.id: 0.36}


def test_another_reference_file_is_another_reference(store, run):
    before = store.reference_times(run.project)
    other = run.result.file.with_(sha256="2" * 64)
    timed(store, run.model_copy(update={"result": run.result.with_(file=other)}), 0.9)
    assert store.reference_times(run.project) == before


def test_nothing_is_known_before_the_reference_was_timed(store):
    assert store.reference_times(store.project("digits", default_reference="cnn:1")) == {}


def test_the_worker_is_told(store, run):
    queued, _ = store.submit(factories.a_recipe(), run.project)
    folder = store.folder(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / run.result.file.name).write_bytes(b"a model")
    task = task_of(store, queued)
    assert task.reference_p50_ms == {HERE.id: 0.36}
