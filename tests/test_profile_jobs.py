"""A profile is asked for, handed to a worker by the driver, and kept under the conditions it was measured under."""

from __future__ import annotations

import threading

import pytest

from optim import baselines, conditions, profile_jobs, profiles
from optim.driver import Driver
from optim.errors import RequestError, UnknownName
from optim.jobs import Target
from optim.pool import Pool
from optim.records import State
from optim.store import Store
from tests import factories, fake_work, profile_factory
from tests.waiting import until

QUICK = 1
"""Images per call say how the invented measuring ends; 1 is none of the others."""
LONG, FAILS, DIES_ONCE = fake_work.LONG, fake_work.FAILS, fake_work.DIES_ONCE


@pytest.fixture(scope="module")
def pool():
    found = Pool(fake_work.work, measure=fake_work.measure, eager=False)
    yield found
    found.close()


@pytest.fixture
def driver(home, pool):
    driver = Driver(Store(home), 3600, lambda _: None)
    thread = threading.Thread(target=driver.work, args=(pool,), daemon=True)
    thread.start()
    yield driver
    driver.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()


def ask(home, batch=QUICK + 8):
    return profile_jobs.request(home, "digits", "cnn", 1.0, Target(batch=batch))


def submitted(home, batch=QUICK + 8):
    return profile_jobs.submit(ask(home, batch), start_driver=False)


def test_a_profile_is_measured_and_kept(home, driver):
    asked = submitted(home)
    until(lambda: profile_jobs.find(asked) is None)
    assert profile_jobs.complete(asked).importances == ("l2",)


def test_two_clicks_are_one_request(home):
    assert submitted(home) == submitted(home)
    assert len(profile_jobs.waiting(home)) == 1


def test_a_waiting_request_can_be_taken_back(home):
    asked = submitted(home)
    assert profile_jobs.cancel(asked)
    assert profile_jobs.find(asked) is None
    assert not profile_jobs.cancel(asked)


def test_a_running_measuring_is_stopped(home, driver):
    asked = submitted(home, LONG)
    until(lambda: (one := profile_jobs.find(asked)) is not None and one.event and one.event.stage)
    profile_jobs.cancel(asked)
    until(lambda: profile_jobs.find(asked) is None)
    assert profile_jobs.complete(asked) is None


def test_a_failure_stays_to_be_read_until_asked_again(home, driver):
    asked = submitted(home, FAILS)
    until(lambda: profile_jobs.find(asked).state == "failed")
    assert profile_jobs.find(asked).failure.reason == "The timing process failed."


def test_a_killed_worker_is_replaced_and_it_is_measured_again(home, driver):
    asked = submitted(home, DIES_ONCE)
    until(lambda: profile_jobs.find(asked) is None, seconds=30)
    assert profile_jobs.complete(asked) is not None


def test_a_run_waits_while_the_only_worker_measures_and_goes_on_then(home, driver):
    asked = submitted(home, LONG)
    until(lambda: (one := profile_jobs.find(asked)) is not None and one.event and one.event.stage)
    store = Store(home)
    recipe = factories.a_recipe("fine-tune", dataset="digits", model="cnn", width=1.0)
    run = store.submit(recipe, store.project("digits", default_reference="cnn:1"))[0]
    profile_jobs.cancel(asked)
    until(lambda: store.run(run.id).state is State.DONE)


def test_a_driver_that_left_leaves_the_request_to_the_next_one(home, pool):
    asked = submitted(home, LONG)
    first = Driver(Store(home), 3600, lambda _: None)
    thread = threading.Thread(target=first.work, args=(pool,), daemon=True)
    thread.start()
    until(lambda: (one := profile_jobs.find(asked)) is not None and one.event and one.event.stage)
    first.stop()
    thread.join(timeout=20)
    assert profile_jobs.find(asked).state == "queued"


def test_a_profile_of_another_fingerprint_is_never_used(home):
    asked = ask(home)
    here = conditions.here(device="cpu", threads=1, batch=asked.batch)
    elsewhere = here.with_(processor="another one")
    of = {"dataset": "digits", "model": "cnn", "width": 1.0}
    made = profile_factory.a_profile(**of, baseline_sha256=baselines.digest(**of, home=home))
    profiles.save(home, made.with_(fingerprint=elsewhere))
    assert profile_jobs.known(asked) is None
    assert profiles.find(home, **of).fingerprint == elsewhere
    profiles.save(home, made.with_(fingerprint=here))
    assert profile_jobs.known(asked).fingerprint == here


def test_a_baseline_that_was_trained_anew_needs_a_new_profile(home):
    asked = ask(home)
    mark = conditions.here(device="cpu", threads=1, batch=asked.batch)
    made = {"dataset": "digits", "model": "cnn", "width": 1.0, "fingerprint": mark}
    profiles.save(home, profile_factory.a_profile(**made, baseline_sha256="of other weights"))
    assert profile_jobs.known(asked) is None


def test_what_cannot_be_profiled_is_refused(home):
    with pytest.raises(UnknownName, match="no model"):
        profile_jobs.request(home, "digits", "transformer", 1.0)
    with pytest.raises(RequestError, match="importance"):
        profile_jobs.request(home, "digits", "cnn", 1.0, importance="random")


def test_the_light_room_names_the_same_conditions_as_the_heavy_one():
    from optim import runtime

    assert (
        conditions.here(device="cpu", threads=1, batch=1).id == runtime.fingerprint(device="cpu", threads=1, batch=1).id
    )
