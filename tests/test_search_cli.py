"""`search` on the command line: what it refuses, what it says while it waits, how it ends."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from optim import cli_search, cli_wait, jobs, search_told, searches
from optim.driver_process import DriverStatus
from optim.results import Failure
from optim.searches import Answer, Goal, Search, Trial, Wish
from optim.store import Store
from tests import factories
from tests.test_cli import call
from tests.test_search import BASE

ALIVE, GONE = DriverStatus(alive=True, state="ready"), DriverStatus(alive=False)
ENDED = Answer(sentence="None qualifies.")


@pytest.fixture
def made(home, monkeypatch):
    """A search whose driver is said to be there; what happens next, `then` says: one step at each look."""
    for module in (jobs, cli_wait):
        monkeypatch.setattr(module, "ensure_driver", lambda _: ALIVE)
    monkeypatch.setattr(cli_wait, "driver_status", lambda _: ALIVE)
    project = factories.stored(home, factories.some_runs())
    trial = Trial(run_id=6, shape={"sparsity": 0.5})
    wanted = Search(id=0, base=BASE, project=project, goal=Goal(max_loss=2.0), budget_s=600, trials=(trial,))
    return searches.create(home, wanted)


def then(monkeypatch, *steps):
    """At each look of the waiting command the next step; more looks than steps would be a command without end."""
    left = list(steps)

    def sleep(_):
        assert left, "it waits on"
        step = left.pop(0)
        step()

    monkeypatch.setattr(cli_search, "time", SimpleNamespace(sleep=sleep))


def nothing():
    pass


def ends(home, search, **changes):
    def step():
        searches.take_wish(home, search.id)
        searches.save(home, search.with_(**{"state": "done", "phase": "done", "answer": ENDED, **changes}))

    return step


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--extend", "10m"), "'--extend' needs '--resume SEARCH'"),
        (("--pause", "1", "--extend", "10m"), "'--extend' needs '--resume SEARCH'"),
        (("--pause", "1", "--resume", "1"), "cannot be given together"),
        (("--resume", "7"), "There is no search of this number. Given: 7. Allowed: 1. Begin one:"),
        (("--pause", "7"), "Allowed: 1."),
        (("--dataset", "digits"), "Missing option '--model'"),
    ],
)
def test_what_cannot_be_asked_is_refused(made, home, options, said):
    told = call("search", *options)
    assert told.exit_code == 2
    assert said in " ".join(told.stderr.split())
    assert not searches.has_wish(home, 1)


@pytest.mark.parametrize("option", ["--resume", "--pause"])
def test_a_search_that_has_ended_is_not_resumed_without_more_time(made, home, option):
    ends(home, made)()
    told = call("search", option, 1)
    assert told.exit_code == 2
    assert "This search has ended. Given: search 1, done: None qualifies." in told.stderr
    assert "--resume 1 --extend 10m" in told.stderr


def test_extended_it_waits_for_the_new_end(made, home, monkeypatch):
    """Its record says "done" until the driver has heard the wish."""
    ends(home, made)()
    again = made.with_(budget_s=660.0)

    def heard():
        assert searches.take_wish(home, 1) == Wish(state="running", more_s=60.0)
        searches.save(home, again)

    then(monkeypatch, nothing, nothing, heard, nothing, ends(home, again, answer=Answer(sentence="Found.")), nothing)
    told = call("search", "--resume", 1, "--extend", "60s")
    assert (told.exit_code, told.stdout.strip()) == (0, "Found.")


def test_a_paused_search_that_is_resumed_goes_on(made, home, monkeypatch):
    searches.save(home, made.with_(state="paused"))

    def heard():
        searches.take_wish(home, 1)

    def goes_on():
        searches.save(home, made)

    then(monkeypatch, nothing, heard, goes_on, ends(home, made), nothing)
    told = call("search", "--resume", 1)
    assert told.stdout.strip() == "None qualifies."
    assert call("search", "--resume", 1).exit_code == 2, "over now"


def test_while_it_waits_it_says_the_best_so_far(made, home, monkeypatch):
    then(monkeypatch, nothing, ends(home, made), nothing)
    told = call("search", "--resume", 1, "--json")
    run = Store(home).run(6)
    assert "exploring, 1 run, 10 min left, best so far: run 6, 3.7x faster, loses 1.1 points" in told.stderr
    assert run.result.latency.ratio.value == pytest.approx(3.73, abs=0.01)
    shown = json.loads(told.stdout)
    assert (shown["sentence"], shown["failure"], shown["test"]) == ("None qualifies.", None, None)


def test_the_best_so_far_may_be_the_nearest_or_none(made, home):
    store = Store(home)
    assert "run 6" in search_told.best_so_far(store, made.with_(trials=())), "earlier runs count too"
    near = search_told.best_so_far(store, made.with_(goal=Goal(max_loss=0.2)))
    assert near.startswith("none qualifies yet, nearest: run ")
    store.delete(6)
    assert "run 6" not in search_told.best_so_far(store, made)


def test_the_best_is_judged_anew_only_when_something_changed(made, home, monkeypatch):
    judged = []
    monkeypatch.setattr(search_told, "best_so_far", lambda *_: judged.append(1) or "")
    then(
        monkeypatch, nothing, nothing, nothing, lambda: Store(home).set_note(6, "x"), nothing, ends(home, made), nothing
    )
    call("search", "--resume", 1)
    assert len(judged) == 2


def test_a_search_that_failed_exits_with_1(made, home, monkeypatch):
    failure = Failure(kind="StoreError", reason="The disk is full.", remedy="Make room.")
    then(monkeypatch, ends(home, made, failure=failure, answer=Answer(sentence="Search 1 failed.")), nothing)
    told = call("search", "--resume", 1)
    assert (told.exit_code, told.stdout.strip()) == (1, "Search 1 failed.")


def test_a_driver_that_died_is_started_again(made, home, monkeypatch):
    started = []
    monkeypatch.setattr(cli_wait, "DRIVER_LOOK_SECONDS", -1.0)
    monkeypatch.setattr(cli_wait, "driver_status", lambda _: GONE)
    monkeypatch.setattr(cli_wait, "ensure_driver", started.append)
    (home / "driver.json").write_text("{}")
    then(monkeypatch, nothing, ends(home, made), nothing)
    assert call("search", "--resume", 1).exit_code == 0
    assert started == [home] * len(started) != []


def test_a_driver_that_was_asked_to_leave_is_not(made, home, monkeypatch):
    statuses = [ALIVE, GONE, GONE]
    monkeypatch.setattr(cli_wait, "DRIVER_LOOK_SECONDS", -1.0)
    monkeypatch.setattr(cli_wait, "driver_status", lambda _: statuses.pop(0))
    then(monkeypatch, nothing, nothing)
    told = call("search", "--resume", 1)
    assert told.exit_code == 1
    assert "The driver was asked to leave, and search 1 waits. Go on: python -m optim serve" in told.stderr


def test_a_record_that_is_damaged_is_an_error_in_words(made, home):
    (home / "searches" / "1" / "search.json").write_text("{")
    told = call("search", "--resume", 1)
    assert told.exit_code == 1
    assert "The record of this search is damaged." in told.stderr
