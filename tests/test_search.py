"""A whole search with a real store, a fake clock and a worker that invents results from the recipe."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from optim import recipes, search, search_profile, searches, views
from optim.records import Recipe, State
from optim.results import Failure
from optim.search import Seeker
from optim.searches import Goal, Search, Wish
from optim.store import Store
from tests import factories, search_factory

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
        if run.timed_again:
            self.now += 3.0
            made = result(run.recipe, epochs_of(run.recipe))
            self.store.finish(run.id, run.result.with_(latency=made.latency))
            return
        if run.again:  # its test set is opened
            self.now += 2.0
            self.store.finish(run.id, opened(run.result))
            return
        epochs = epochs_of(run.recipe)
        known = any(other.recipe.steps[:-1] == run.recipe.steps[:-1] for other in self.store.runs(states=[State.DONE]))
        self.now += 5.0 + (0.0 if known else 4.0 * epochs)
        if self.fails(run.recipe):
            self.store.fail(run.id, Failure(kind="RunError", reason="It broke."))
            return
        made = result(run.recipe, epochs)
        self.store.finish(run.id, made if run.open_test else shut(made))

    def to_the_end(self):
        for _ in range(2000):
            if self.search.state == "done":
                return self.search
            self.turn()
        raise AssertionError("the search does not end")


def epochs_of(recipe):
    return sum(int(step.knobs.get("epochs", 0)) for step in recipe.steps)


def result(recipe, epochs):
    """Smaller is faster and worse; longer training recovers."""
    kept = 1 - recipes.sparsity(recipe)
    int8 = any(step.technique == "quantize-int8" for step in recipe.steps)
    loss = 0.12 * (1 - kept) ** 2 / (1 + 0.3 * epochs)
    p50_ms = 0.317 * (0.1 + 0.9 * kept**2) / (1.8 if int8 else 1.0)
    made = factories.a_result(0.915 - loss, p50_ms, 100_000, "int8" if int8 else "fp32")
    return made.with_(stage_seconds={"Distil": 4.0 * epochs, "Export": 1.0, "Time": 3.0})


def shut(made):
    """As a worker leaves it that may not look at the test set."""
    return made.with_(file=made.file.with_(score=made.file.score.with_(test=None)))


def opened(made):
    """The same after its test set was opened."""
    test = factories.a_result(made.file.score.validation.value, 0.1, 1000).file.score.test
    return made.with_(file=made.file.with_(score=made.file.score.with_(test=test)))


def test_a_search_explores_runs_its_controls_and_answers(home, monkeypatch):
    world = World(home, monkeypatch)
    ended = world.to_the_end()
    assert ended.answer.run_id is not None
    assert ended.spent_s <= 1.1 * ended.budget_s
    assert len(ended.trials) >= 6
    assert {c.name for c in ended.controls if c.run_id or c.note} == {c.name for c in ended.controls} != set()
    assert any(c.run_id for c in ended.controls)
    assert {one.name for one in ended.answer.verdicts} == {c.name for c in ended.controls}
    told = json.loads(json.dumps(views.search_object(world.store, ended)))
    assert told["best"]["id"] == ended.answer.run_id
    assert {"sentence", "best", "front", "budget_s", "spent_s"} <= set(told)
    assert searches.load(home, ended.id) == ended


def test_the_test_set_is_opened_for_the_answer_and_the_reference_alone(home, monkeypatch):
    world = World(home, monkeypatch)
    ended = world.to_the_end()
    runs = world.store.runs()
    tested = {run.id for run in runs if run.result and run.result.file.score.test is not None}
    reference = world.store.reference_run(ended.project)
    assert tested == {ended.answer.run_id, reference.id} < {run.id for run in runs}
    assert world.store.openings(ended.project.id) == 2
    assert all(part in str(ended.answer.sentence) for part in ("On the test set it has", "the reference"))
    told = views.search_object(world.store, ended)["test"]
    best = world.store.run(ended.answer.run_id)
    assert told["answer"]["value"] == best.result.file.score.test.value
    assert told["reference"]["n"] == told["loss"]["n"] == 10_000
    assert told["loss"]["low"] < told["loss"]["value"] < told["loss"]["high"]


def test_where_none_qualifies_no_test_set_is_opened(home, monkeypatch):
    world = World(home, monkeypatch, max_loss=0.0)
    ended = world.to_the_end()
    assert ended.answer.run_id is None
    assert not ended.controls, "they are for the answer only"
    assert (ended.explored_s or 0) > 0.9 * ended.budget_s, "the time goes to exploring on"
    assert world.store.openings(ended.project.id) == 1, "the reference's own"
    assert views.search_object(world.store, ended)["test"] is None


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


def begun(world):
    """The search has one live run, and its reference is done."""
    for _ in range(3):
        world.turn()
    world.seeker.step(room=1)
    return world.store.run(world.search.trials[-1].run_id)


def test_what_the_user_asked_for_by_hand_is_not_cancelled(home, monkeypatch):
    world = World(home, monkeypatch, budget_s=100.0)
    mine = begun(world)
    assert mine.state is State.QUEUED
    world.store.submit(mine.recipe, mine.project)
    world.now += 500.0
    for _ in range(20):
        world.seeker.step(room=1)
        world.now += 0.1
    assert world.store.run(mine.id).state is State.QUEUED
    assert world.search.phase in ("open", "done"), "nor waited for"


def test_a_run_that_was_queued_before_is_not_its_own_to_cancel(home, monkeypatch):
    world = World(home, monkeypatch)
    mine = begun(world)
    trials = tuple(t.with_(made=t.run_id != mine.id) for t in world.search.trials)
    world.seeker.search = world.search.with_(trials=trials)
    searches.wish(home, world.search.id, Wish(state="paused"))
    world.seeker.step(room=1)
    assert world.store.run(mine.id).state is State.QUEUED


def test_what_was_stopped_by_a_pause_comes_again(home, monkeypatch):
    world = World(home, monkeypatch)
    mine, before = begun(world), world.search.trials
    searches.wish(home, world.search.id, Wish(state="paused"))
    world.seeker.step(room=1)
    assert world.store.run(mine.id).state is State.CANCELLED
    assert world.search.trials == before[:-1]
    searches.wish(home, world.search.id, Wish(state="running"))
    world.seeker.step(room=1)
    assert world.store.run(mine.id).state is State.QUEUED


def test_end_now_goes_to_the_controls_and_then_to_the_answer(home, monkeypatch):
    world = World(home, monkeypatch, budget_s=3600.0)
    for _ in range(12):
        world.turn()
    trials = len(world.search.trials)
    searches.wish(home, world.search.id, Wish(state="done"))
    world.seeker.step(room=1)
    assert world.search.phase == "control"
    spent = world.search.spent_s
    ended = world.to_the_end()
    assert len(ended.trials) <= trials
    assert ended.spent_s - spent <= 0.3 * 3600 + 10
    assert any(c.run_id for c in ended.controls) and ended.answer.run_id


def test_end_now_twice_leaves_the_controls_out(home, monkeypatch):
    world = World(home, monkeypatch, budget_s=3600.0)
    for _ in range(12):
        world.turn()
    for _ in range(2):
        searches.wish(home, world.search.id, Wish(state="done"))
        world.seeker.step(room=1)
    spent = world.search.spent_s
    ended = world.to_the_end()
    assert ended.spent_s - spent < 10
    assert any("was ended before" in c.note for c in ended.controls)
    assert ended.answer.run_id


def busy(made):
    """Timed while the machine was busy."""
    return made.with_(latency=made.latency.with_(valid=False, reasons=("the machine was busy: 31 % of the time",)))


@pytest.mark.parametrize("for_good", [False, True])
def test_disturbed_runs_are_timed_again_before_a_search_gives_up(home, monkeypatch, for_good):
    world, again = World(home, monkeypatch), []
    finish = world.store.finish

    def disturbed(number, made):
        run = world.store.run(number)
        again.extend([number] * run.timed_again)
        calm = run.is_reference or run.opening or (run.timed_again and not for_good)
        return finish(number, made if calm else busy(made))

    monkeypatch.setattr(world.store, "finish", disturbed)
    ended = world.to_the_end()
    assert again and max(Counter(again).values()) == (1 if for_good else 2), "each once, and the answer once more"
    assert (ended.answer.run_id is None) == for_good
    if for_good:
        told = str(ended.answer.sentence)
        assert "nothing to choose from: the machine was busy: 31 % of the time." in told
        assert "python -m optim measure" in told and "--resume 1 --extend" in told
    assert ended.spent_s <= 1.1 * ended.budget_s


def controlled(home, monkeypatch):
    """A search of which one control is queued, and the run that they are made for."""
    world = World(home, monkeypatch)
    while not any(control.run_id for control in world.search.controls):
        world.turn()
    return world, world.search.controlled


def test_a_faster_run_that_comes_while_the_controls_run_does_not_become_their_answer(home, monkeypatch):
    world, mine = controlled(home, monkeypatch)
    recipe = factories.a_recipe("early-stride", "fine-tune:epochs=4", "quantize-int8")
    hand = search_factory.put(world.store, world.search.project, recipe, 0.915, 40.0)
    ended = world.to_the_end()
    assert ended.answer.run_id == mine != hand.id
    assert f"Run {hand.id}, 40.0x faster (" in ended.answer.sentence and "extend the search" in ended.answer.sentence


def test_controls_of_a_run_that_is_not_the_answer_any_more_are_not_compared(home, monkeypatch):
    world, mine = controlled(home, monkeypatch)
    world.store.delete(mine)
    ended = world.to_the_end()
    assert ended.answer.run_id not in (None, mine)
    assert {one.kind for one in ended.answer.verdicts} <= {"unknown", "none"}
    assert f"made for run {mine}" in ended.answer.sentence


def test_an_opening_that_nobody_does_does_not_stretch_the_budget(home, monkeypatch):
    world = World(home, monkeypatch, budget_s=100.0)
    while world.search.phase != "open":
        world.turn()
    while world.search.state != "done":
        world.seeker.step(room=1)
        world.now += 0.5
    assert world.search.spent_s <= 110
    assert "was not opened in time" in world.search.answer.sentence
    assert world.store.run(world.search.answer.run_id).state is State.DONE
    assert world.store.openings(world.search.project.id) == 1


@pytest.mark.parametrize("budget_s", [30.0, 45.0, 60.0, 100.0, 300.0, 1000.0])
def test_it_keeps_to_its_budget(home, monkeypatch, budget_s):
    assert World(home, monkeypatch, budget_s=budget_s).to_the_end().spent_s <= 1.1 * budget_s


@pytest.mark.parametrize("seed", [0, 1])
def test_equal_searches_ask_for_equal_recipes(tmp_path, monkeypatch, seed):
    asked = []
    for name in ("one", "two"):
        world = World(tmp_path / name, monkeypatch)
        world.seeker.search = world.search.with_(seed=seed)
        ended = world.to_the_end()
        asked.append([world.store.run(t.run_id).recipe.id for t in ended.trials])
    assert asked[0] == asked[1]
