"""A search and its base model's profile: when it asks for one, when it goes on without, what it aims at with one."""

from __future__ import annotations

import pytest

from optim import baselines, conditions, profile_jobs, profiles, recipes, search, search_profile, search_space, searches
from optim.search_profile import Profiled
from optim.search_state import Knowledge
from tests import profile_factory
from tests.test_search import World

SHAPE = {
    "start": "resnet8:2",
    "teacher": "dense",
    "allocation": "latency",
    "importance": "l2",
    "temperature": 4.0,
    "alpha": 0.9,
}


@pytest.fixture
def world(home, monkeypatch):
    """The first look is over: the search has asked, and nothing of it runs."""
    made = World(home, monkeypatch, profiles=True)
    made.turn()
    return made


def asked(world):
    return [one.ask for one in profile_jobs.waiting(world.store.home)]


def served(world):
    """As if a worker had measured it: a forged profile lies there, and the request is gone."""
    (ask,) = asked(world)
    body = baselines.anatomy(ask.dataset, ask.model, ask.width, world.store.home)
    mark = conditions.here(device="cpu", threads=1, batch=1)
    digest = baselines.digest(ask.dataset, ask.model, ask.width, world.store.home)
    made = profile_factory.a_profile(body, fingerprint=mark, baseline_sha256=digest)
    profiles.save(world.store.home, made)
    profile_jobs.cancel(ask)


def test_a_search_begins_by_asking_for_the_profile(world):
    assert [(one.dataset, one.model, one.width) for one in asked(world)] == [("fashion-mnist", "resnet8", 2.0)]
    assert not world.search.trials
    assert world.search.doing == "measuring the profile"
    world.turn()
    assert len(asked(world)) == 1
    assert world.search.spent_s > 0, "it is inside the budget"


@pytest.mark.parametrize("by_hand", [False, True])
def test_only_its_own_request_is_taken_back_when_it_takes_too_long(world, by_hand):
    (ask,) = asked(world)
    assert ask.search_id == world.search.id
    if by_hand:
        profile_jobs.submit(ask.with_(search_id=0), start_driver=False)
    late = world.search.with_(spent_s=(search_profile.MOST_SHARE + 0.01) * world.search.budget_s)
    assert not search_profile.is_awaited(world.store.home, late)
    assert bool(asked(world)) == by_hand


def test_a_profile_without_its_sensitivity_is_not_whole(world):
    ask = asked(world)[0]
    served(world)
    profile_jobs.submit(ask, start_driver=False)
    whole = profile_jobs.known(ask)
    assert whole is not None
    profiles.save(world.store.home, whole.with_(groups=tuple(g.with_(sensitivity={}) for g in whole.groups)))
    world.turn()
    assert not world.search.trials
    assert not search_space.is_timed(Profiled(world.store.home, world.search).first()[0])


def test_with_a_profile_it_aims_at_latencies(world):
    served(world)
    for _ in range(6):
        world.turn()
    runs = [world.store.run(trial.run_id) for trial in world.search.trials]
    assert len(runs) >= 4
    mine = [trial for trial in world.search.trials if trial.shape["start"] != "cnn:1"]
    assert all(search_space.is_timed(trial.shape) for trial in mine) and len(mine) >= 3
    refs = {run.recipe.model_ref for run in runs}
    assert refs == {"resnet8:2", "resnet8:1", "cnn:1"}, "a smaller baseline is a start, another model a student"
    pruned = [step.knobs for run in runs for step in run.recipe.steps if step.technique == "prune-channels"]
    assert pruned and {knobs["allocation"] for knobs in pruned} == {"manual"}


def test_a_search_with_a_profile_comes_to_an_answer(world):
    served(world)
    ended = world.to_the_end()
    assert ended.answer.sentence
    assert ended.spent_s <= 1.1 * ended.budget_s
    names = {control.name for control in ended.controls if control.recipe is not None}
    assert "same share in every layer" in names, "a target of latency has uniform allocation as its control"


def test_a_profile_that_takes_too_long_is_stopped_and_shares_of_channels_are_tried(world):
    world.now += search_profile.MOST_SHARE * world.search.budget_s
    for _ in range(3):
        world.turn()
    assert not asked(world)
    shapes = [trial.shape for trial in world.search.trials]
    assert shapes
    assert not any(search_space.is_timed(shape) for shape in shapes)


def test_a_short_search_does_not_ask(home, monkeypatch):
    world = World(home, monkeypatch, budget_s=search_profile.WORTH_FROM_S - 1, profiles=True)
    world.turn()
    assert not asked(world)
    assert world.search.trials


@pytest.mark.parametrize("allocation", search_space.ALLOCATIONS)
def test_a_target_becomes_widths_and_a_precision(world, allocation):
    assert not search_space.is_timed(Profiled(world.store.home, world.search).first()[0])
    served(world)
    profiled = Profiled(world.store.home, world.search)
    shape = profiled.shape({**SHAPE, "allocation": allocation, "latency_target": 0.3})
    assert shape is not None and shape["widths"] and shape["precision"] == "int8", "the forged INT8 files are faster"


def test_what_is_too_slow_in_one_precision_is_made_in_the_other(world, monkeypatch):
    monkeypatch.setitem(profile_factory.SPEED, "int8", profile_factory.SPEED["fp32"] / 4)
    served(world)
    shape = Profiled(world.store.home, world.search).shape({**SHAPE, "latency_target": 0.3})
    assert shape is not None and shape["precision"] == "fp32"


def test_the_next_search_begins_with_what_the_first_one_made(world):
    served(world)
    first = world.to_the_end()
    number = searches.create(world.store.home, first.with_(id=0, trials=(), controls=(), state="running",
                                                         phase="explore", answer=None, spent_s=0.0)).id  # fmt: skip
    world.seeker = search.Seeker(world.store, searches.load(world.store.home, number), lambda _: None)
    known = Knowledge(world.store, world.search)
    assert {trial.run_id for trial in known.past} == {trial.run_id for trial in first.trials}
    best, answered = known.best, world.store.run(first.answer.run_id)
    assert best is not None and best.latency.ratio.value >= answered.latency.ratio.value
    second = world.to_the_end()
    tried = {search_space.substance(trial.shape) for trial in first.trials if trial.rung == 0}
    assert not {search_space.substance(trial.shape) for trial in second.trials if trial.rung == 0} & tried


def test_a_model_whose_time_is_not_in_its_widths_is_searched_by_shares_of_its_channels(world, monkeypatch):
    monkeypatch.setattr(
        profile_factory, "law_ms", lambda widths, precision, layers=(): 1.0 + 1e-6 * sum(widths.values())
    )
    served(world)
    world.turn()
    world.turn()
    assert world.search.trials
    assert not search_space.is_timed(world.search.trials[0].shape)


def test_other_models_are_tried_as_students_as_they_are(home, monkeypatch):
    """Its first look is a student of its own: no widths, both precisions, taught by the dense network."""
    world = World(home, monkeypatch, max_loss=3.0)
    ended = world.to_the_end()
    mine = [trial for trial in ended.trials if trial.shape.get("start") == "cnn:1"]
    assert {recipes.precision(world.store.run(t.run_id).recipe) for t in mine if t.rung == 0} == {"fp32", "int8"}
    for trial in mine:
        recipe = world.store.run(trial.run_id).recipe
        assert recipe.steps[0].technique == "distill" and recipe.model_ref == "cnn:1"
        assert recipe.steps[0].knobs["teacher"] == "resnet8:2"


def test_without_students_no_other_model_is_tried(home, monkeypatch):
    world = World(home, monkeypatch)
    world.seeker.search = world.search.with_(students=False)
    ended = world.to_the_end()
    assert {world.store.run(trial.run_id).recipe.model for trial in ended.trials} == {"resnet8"}
