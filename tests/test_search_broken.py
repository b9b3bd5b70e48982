"""What goes wrong in one search ends that one alone: the driver goes on, and somebody is told why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from optim import recipes, searches, seekers, views
from optim.errors import RequestError, StoreError, UnknownName
from optim.records import State
from optim.results import Failure
from optim.search import Seeker
from optim.searches import Goal, Search, Wish
from optim.seekers import Seekers
from optim.store import Store
from tests.test_search import BASE, World, result


@pytest.fixture
def world(home, monkeypatch):
    return World(home, monkeypatch)


@pytest.fixture
def driver(home, monkeypatch):
    """The driver's look at all searches, as often as it is called; what it says is in `said`."""
    monkeypatch.setattr(seekers, "LOOK_SECONDS", -1.0)
    said = []
    made = Seekers(Store(home), said.append)
    made.said = said
    return made


def record(home, number=1):
    return home / "searches" / str(number) / "search.json"


# -- a search that has ended -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["running", "paused", "done"])
def test_a_search_that_has_ended_refuses_all_but_more_time(world, home, state):
    ended = world.to_the_end()
    with pytest.raises(RequestError, match=r"has ended.*--resume 1 --extend") as refused:
        searches.wish(home, ended.id, Wish(state=state))
    assert ended.answer.sentence in str(refused.value)
    assert not searches.has_wish(home, ended.id)
    searches.wish(home, ended.id, Wish(state="running", more_s=60.0))


def test_a_wish_that_came_too_late_is_left_aside(world, home, driver):
    ended = world.to_the_end()
    (home / "searches" / "1" / "wish.json").write_text(Wish(state="running").to_json())
    driver.step(1)
    assert searches.load(home, 1) == ended
    assert "had ended already" in driver.said[-1]
    assert not searches.has_wish(home, 1) and not driver.busy


def test_more_time_than_any_search_may_have_is_refused(world, home):
    with pytest.raises(RequestError, match=r"budget is out of range.*seconds"):
        searches.wish(home, 1, Wish(more_s=10 * searches.BUDGET_HIGH_S))


# -- damaged records ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"{", b'{"id": 1}', b"\xff\xfe"])
def test_a_damaged_record_is_named_and_the_others_go_on(world, home, driver, content):
    searches.create(home, world.search.with_(id=0))
    record(home, 2).write_bytes(content)
    assert [search.id for search in searches.all_searches(home)] == [1]
    (told,) = searches.damaged(home).values()
    assert "damaged" in told and "search 2" in told and str(record(home, 2).parent) in told
    with pytest.raises(StoreError):
        searches.load(home, 2)
    for _ in range(3):
        driver.step(1)
    assert len([line for line in driver.said if "Search 2" in line]) == 1, "said once"
    assert searches.load(home, 1).trials, "the other one began"


def test_a_damaged_wish_is_left_aside(world, home, driver):
    (home / "searches" / "1" / "wish.json").write_text('{"state": "nonsense"}')
    driver.step(1)
    assert "could not be read" in driver.said[0]
    assert searches.load(home, 1).trials and not searches.has_wish(home, 1)


def test_a_record_that_is_damaged_meanwhile_is_written_anew(world, home, driver):
    driver.step(1)
    record(home).write_text("{")
    world.now += 10.0
    driver.step(1)
    assert searches.load(home, 1).trials


def test_a_search_whose_folder_is_deleted_is_dropped(world, home, driver):
    driver.step(1)
    shutil.rmtree(record(home).parent)
    driver.step(1)
    assert "was deleted" in driver.said[-1]
    assert not driver.busy and not record(home).exists()


def test_a_number_that_is_not_there_names_those_that_are(world, home):
    with pytest.raises(UnknownName, match=r"Given: 7\. Allowed: 1\. Begin one"):
        searches.load(home, 7)
    with pytest.raises(UnknownName, match="none yet"):
        searches.load(home / "elsewhere", 1)


# -- errors ------------------------------------------------------------------------------------------------------------


def test_an_error_that_stays_ends_the_search_with_its_reason(world, home, driver, monkeypatch):
    searches.create(home, world.search.with_(id=0))
    usual = Seeker.step

    def step(self, room):
        if self.search.id == 1:
            raise KeyError("oh")
        usual(self, room)

    monkeypatch.setattr(Seeker, "step", step)
    for _ in range(seekers.PATIENCE + 2):
        driver.step(1)
    ended = searches.load(home, 1)
    assert (ended.state, ended.failure.kind) == ("done", "KeyError")
    said = str(ended.answer.sentence)
    assert all(part in said for part in ("Search 1 failed", "driver.log", "--resume 1 --extend"))
    assert sum("Traceback" in line for line in driver.said) == seekers.PATIENCE
    assert searches.load(home, 2).trials, "the other one goes on"
    monkeypatch.setattr(Seeker, "step", usual)
    searches.wish(home, 1, Wish(more_s=300.0))
    driver.step(1)
    again = searches.load(home, 1)
    assert (again.state, again.failure) == ("running", None)


def test_an_error_of_a_moment_is_survived(world, home, driver, monkeypatch):
    usual, calls = searches.save, []

    def save(*given):
        calls.append(given)
        if len(calls) < seekers.PATIENCE:
            raise OSError(28, "No space left on device")
        usual(*given)

    monkeypatch.setattr(searches, "save", save)
    for _ in range(4):
        driver.step(1)
        world.now += 10.0
    kept = searches.load(home, 1)
    assert kept.state == "running" and len(kept.trials) == 1


def test_a_disk_that_stays_full_leaves_the_driver_alone(world, home, driver, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(searches, "save", full)
    for _ in range(8):
        driver.step(1)
        world.now += 10.0
    assert not driver.busy


def test_a_searches_folder_that_cannot_be_looked_through_is_survived(world, driver, monkeypatch):
    def closed(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(searches, "numbers", closed)
    driver.step(1)
    assert "cannot be looked through" in driver.said[-1]


# -- deleted runs ------------------------------------------------------------------------------------------------------


def test_deleted_runs_are_survived_in_mid_search_and_after_it(world, home):
    for _ in range(9):
        world.turn()
    gone = next(t.run_id for t in world.search.trials if not world.store.run(t.run_id).state.live)
    world.store.delete(gone)
    ended = world.to_the_end()
    assert ended.failure is None and ended.answer.run_id
    controls = [c.run_id for c in ended.controls if c.run_id]
    for number in {ended.answer.run_id, controls[0]}:
        world.store.delete(number)
    told = views.search_object(world.store, ended)
    assert (told["best"], told["test"]) == (None, None)
    assert told["sentence"] == ended.answer.sentence
    searches.wish(home, 1, Wish(more_s=200.0))
    world.seeker.step(room=1)
    assert world.to_the_end().answer.run_id


# -- runs that fail again and again ------------------------------------------------------------------------------------


class Failing(World):
    """Each run fails, as `why` says."""

    def why(self, number):
        return f"The disk is full after {number} batches."

    def turn(self):
        self.seeker.step(room=1)
        run = self.store.claim()
        self.now += 0.5
        if run is None:
            return
        if run.is_reference:
            self.store.finish(run.id, self.reference())
            return
        self.store.fail(run.id, Failure(kind="StoreError", reason=self.why(run.id), remedy="Make room on the disk."))

    @staticmethod
    def reference():
        return result(BASE, 0)


class FailingInManyWays(Failing):
    def why(self, number):
        return "abcdefgh"[number % 7]


def test_runs_that_fail_for_one_reason_end_the_search_early(home, monkeypatch):
    world = Failing(home, monkeypatch)
    ended = world.to_the_end()
    assert len(ended.trials) == 5 and ended.spent_s < 60
    assert ended.failure.kind == "StoreError"
    said = str(ended.answer.sentence)
    assert all(part in said for part in ("last 5 runs failed", "Make room on the disk."))
    assert views.search_object(world.store, ended)["failure"]["remedy"] == "Make room on the disk."
    searches.wish(home, 1, Wish(more_s=60.0))
    world.turn()
    world.turn()
    assert world.search.state == "running" and len(world.search.trials) > 5, "extended, it tries again"


def test_runs_that_fail_for_many_reasons_end_it_with_the_last(home, monkeypatch):
    ended = FailingInManyWays(home, monkeypatch, budget_s=60.0).to_the_end()
    assert len(ended.trials) > 5
    assert "none of its" in ended.failure.reason


def test_a_reference_that_fails_ends_it_at_once(home, monkeypatch):
    world = World(home, monkeypatch, fails=lambda recipe: not recipe.steps)
    ended = world.to_the_end()
    assert len(ended.trials) == 1
    assert "its reference, run 1, failed: It broke." in ended.failure.reason


def test_what_was_found_before_is_answered_with(home, monkeypatch):
    tried = []

    def fails(recipe):
        tried.append(recipe)
        return len(tried) > 12 and recipes.sparsity(recipe) > 0

    world = World(home, monkeypatch, fails=fails)
    ended = world.to_the_end()
    assert ended.answer.run_id and ended.failure is not None
    assert "It ended early: its last 5 runs failed" in ended.answer.sentence
    assert world.store.run(ended.answer.run_id).state is State.DONE


# -- on the page -------------------------------------------------------------------------------------------------------


def test_the_auto_page_names_a_damaged_search_and_shows_the_others(home):
    """The record is that of an older version too: what it does not have yet is filled in."""
    project = Store(home).project("fashion-mnist", default_reference="resnet8:2")
    for _ in range(2):
        searches.create(home, Search(id=0, base=BASE, project=project, goal=Goal(max_loss=1.0), budget_s=600))
    record(home, 2).write_text("{")
    older = json.loads(record(home).read_text())
    for name in ("forgiven", "failure", "explored_s"):
        del older[name]
    record(home).write_text(json.dumps({**older, "state": "paused"}))
    at = AppTest.from_file(str(Path(__file__).parents[1] / "app.py"), default_timeout=60).run()
    at.query_params["mode"] = "auto"
    at.switch_page("pages/design.py").run()
    assert not at.exception
    (told,) = [warning.value for warning in at.warning if "damaged" in warning.value]
    assert "search 2" in told
    assert any("Search 1" in part.value for part in at.markdown)
