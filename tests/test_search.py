"""A whole search with a real store, a fake clock and a worker that invents results from the recipe."""

from __future__ import annotations

import json

import pytest

from optim import recipes, search, search_profile, searches, views
from optim.records import Failure, Recipe, State
from optim.search import Seeker
from optim.searches import Goal, Search, Wish
from optim.store import Store
from tests import factories

BASE = recipes.complete(Recipe(dataset="fashion-mnist", model="resnet8", width=2.0))


class World:
    """Store, clock and worker of one search."""

    def __init__(self, home, monkeypatch, budget_s=600.0, max_loss=3.0, fails=lambda recipe: False, *, profiles=False):
        self.now, self.fails, self.store = 0.0, fails, Store(home)
        monkeypatch.setattr(search.time, "monotonic", lambda: self.now)
        if not profiles:  # there is nobody here who would measure one
            monkeypatch.setattr(search_profile, "WORTH_FROM_S", float("inf"))
        project = self.store.project("fashion-mnist", reference="resnet8:2")
        wanted = Search(id=0, base=BASE, project=project, goal=Goal(max_loss=max_loss), budget_s=budget_s)
        self.seeker = Seeker(self.store, searches.create(home, wanted), lambda _: None)

    @property
    def search(self):
        return self.seeker.search

    def turn(self):
        """One look of the driver, and the next run if there is one."""
        self.seeker.step(room=1)
        run = self.store.claim()
        if run is None:
            self.now += 0.5
            return
        epochs = sum(int(step.knobs.get("epochs", 0)) for step in run.recipe.steps)
        known = any(other.recipe.steps[:-1] == run.recipe.steps[:-1] for other in self.store.runs(states=[State.DONE]))
        self.now += 5.0 + (0.0 if known else 4.0 * epochs)
        if self.fails(run.recipe):
            self.store.fail(run.id, Failure(kind="RunError", reason="It broke."))
            return
        self.store.finish(run.id, result(run.recipe, epochs))

    def to_the_end(self):
        for _ in range(2000):
            if self.search.state == "done":
                return self.search
            self.turn()
        raise AssertionError("the search does not end")


def result(recipe, epochs):
    """Smaller is faster and worse; longer training recovers."""
    kept = 1 - recipes.sparsity(recipe)
    int8 = any(step.technique == "quantize-int8" for step in recipe.steps)
    loss = 0.12 * (1 - kept) ** 2 / (1 + 0.3 * epochs)
    p50_ms = 0.317 * (0.1 + 0.9 * kept**2) / (1.8 if int8 else 1.0)
    made = factories.a_result(0.915 - loss, p50_ms, 100_000, "int8" if int8 else "fp32")
    return made.with_(stage_seconds={"Distil": 4.0 * epochs, "Export": 1.0, "Time": 3.0})


def test_a_search_explores_runs_its_controls_and_answers(home, monkeypatch):
    world = World(home, monkeypatch)
    ended = world.to_the_end()
    assert ended.answer.run_id is not None
    assert ended.spent_s <= 1.1 * ended.budget_s
    assert len(ended.trials) >= 6
    assert {c.name for c in ended.controls if c.run_id or c.note} == {c.name for c in ended.controls} != set()
    assert any(c.run_id for c in ended.controls)
    told = json.loads(json.dumps(views.search_object(world.store, ended)))
    assert told["best"]["id"] == ended.answer.run_id
    assert {"sentence", "best", "front", "budget_s", "spent_s"} <= set(told)
    assert searches.load(home, ended.id) == ended


def test_both_precisions_of_a_first_look_are_timed(home, monkeypatch):
    ended = World(home, monkeypatch).to_the_end()
    first = [t for t in ended.trials if t.rung == 0]
    shapes = {json.dumps(t.shape, sort_keys=True) for t in first}
    assert len(first) == 2 * len(shapes)


def test_a_budget_that_is_too_short_for_the_controls_says_so(home, monkeypatch):
    ended = World(home, monkeypatch, budget_s=60.0).to_the_end()
    assert ended.spent_s <= 1.1 * 60
    assert all(control.run_id or control.note for control in ended.controls)


def test_runs_that_fail_do_not_stop_it_or_come_again(home, monkeypatch):
    world = World(home, monkeypatch, fails=lambda recipe: recipes.sparsity(recipe) > 0.55)
    ended = world.to_the_end()
    numbers = [trial.run_id for trial in ended.trials]
    assert len(numbers) == len(set(numbers))
    assert ended.answer.run_id is not None


def test_a_paused_search_spends_nothing_and_goes_on(home, monkeypatch):
    world = World(home, monkeypatch)
    for _ in range(6):
        world.turn()
    searches.wish(home, world.search.id, Wish(state="paused"))
    world.turn()
    spent = world.search.spent_s
    assert world.search.state == "paused"
    world.now += 10_000
    world.turn()
    assert world.search.spent_s == spent
    searches.wish(home, world.search.id, Wish(state="running"))
    assert world.to_the_end().spent_s <= 1.1 * world.search.budget_s


def test_a_search_that_ended_can_be_extended(home, monkeypatch):
    world = World(home, monkeypatch)
    before = world.to_the_end()
    searches.wish(home, before.id, Wish(more_s=300.0))
    world.seeker.step(room=1)
    assert (world.search.state, world.search.budget_s) == ("running", 900.0)
    after = world.to_the_end()
    assert len(after.trials) > len(before.trials)


def test_when_the_budget_is_over_what_still_runs_is_cancelled(home, monkeypatch):
    world = World(home, monkeypatch, budget_s=100.0)
    world.turn()
    world.seeker.step(room=1)
    world.store.claim()
    world.now += 500.0
    world.seeker.step(room=1)
    assert any(run.cancel_requested for run in world.store.runs())


@pytest.mark.parametrize("seed", [0, 1])
def test_equal_searches_ask_for_equal_recipes(tmp_path, monkeypatch, seed):
    asked = []
    for name in ("one", "two"):
        world = World(tmp_path / name, monkeypatch)
        world.seeker.search = world.search.with_(seed=seed)
        ended = world.to_the_end()
        asked.append([world.store.run(t.run_id).recipe.id for t in ended.trials])
    assert asked[0] == asked[1]
