"""A profile is asked for, handed to a worker by the driver, and kept under the conditions it was measured under."""

from __future__ import annotations

import threading
from unittest import mock

import pytest

from optim import baselines, cli_profile, conditions, profile_jobs, profiles
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
        profile_jobs.request(home, "digits", "perceptron", 1.0)
    with pytest.raises(RequestError, match="does not take image data"):
        profile_jobs.request(home, "digits", "transformer", 1.0)
    with pytest.raises(RequestError, match="importance"):
        profile_jobs.request(home, "digits", "cnn", 1.0, importance="random")


def test_the_light_room_names_the_same_conditions_as_the_heavy_one():
    from optim import runtime

    assert (
        conditions.here(device="cpu", threads=1, batch=1).id == runtime.fingerprint(device="cpu", threads=1, batch=1).id
    )


def test_another_importance_is_queued_beside_the_first(home, driver):
    first = submitted(home)
    taylor = profile_jobs.request(home, "digits", "cnn", 1.0, Target(batch=first.batch), "taylor")
    profile_jobs.submit(taylor, start_driver=False)
    until(lambda: profile_jobs.find(first) is None and profile_jobs.find(taylor) is None)
    assert profile_jobs.complete(taylor).importances == ("l2", "taylor")
    assert profile_jobs.complete(first) is not None


def test_both_importances_wait_for_their_turn(home):
    first = submitted(home)
    taylor = profile_jobs.submit(first.with_(importance="taylor"), start_driver=False)
    assert {one.ask.importance for one in profile_jobs.waiting(home)} == {"l2", "taylor"}
    assert profile_jobs.cancel(taylor)
    assert [one.ask.importance for one in profile_jobs.waiting(home)] == ["l2"]


@pytest.mark.parametrize(
    "forged", [{"dataset": "../../elsewhere"}, {"model": "../cnn"}, {"width": -1.0}, {"importance": "../l2"}]
)
def test_a_forged_request_becomes_no_path(home, forged):
    """The folder that a request names is removed when it was served: it has to be its own."""
    asked = submitted(home)
    elsewhere = asked.with_(**forged)
    (asked.folder / "ask.json").write_text(elsewhere.to_json())
    assert profile_jobs.waiting(home) == []
    assert profile_jobs.find(asked) is None
    assert not profile_jobs.cancel(elsewhere)


def test_a_request_in_another_s_folder_is_none(home):
    asked = submitted(home)
    (asked.folder / "ask.json").write_text(asked.with_(batch=2).to_json())
    assert profile_jobs.waiting(home) == []


def test_the_command_line_says_cancelled_only_of_what_was(home, monkeypatch):
    """Nothing was made, and nobody stopped it: the baseline was trained anew meanwhile, for example."""
    monkeypatch.setattr(cli_profile, "_follow", lambda ask: None)
    with pytest.raises(SystemExit), mock.patch("click.echo") as said:
        cli_profile._wait(ask(home), None)
    told = said.call_args.args[0]
    assert "without a new profile" in told
    assert "Ask again" in told
