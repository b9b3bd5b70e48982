"""A search and its base model's profile: when it asks for one, when it goes on without, what it aims at with one."""

from __future__ import annotations

import pytest

from optim import baselines, conditions, profile_jobs, profiles, recipes, search_profile, search_space
from optim.search_profile import Profiled
from tests import profile_factory
from tests.test_search import World

SHAPE = {"kind": "prune", "allocation": "latency", "importance": "l2", "temperature": 4.0, "alpha": 0.9}


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


def test_with_a_profile_it_aims_at_latencies(world):
    served(world)
    for _ in range(6):
        world.turn()
    runs = [world.store.run(trial.run_id) for trial in world.search.trials]
    steps = [run.recipe.steps[0].knobs for run in runs]
    assert len(steps) >= 4
    assert {knobs["allocation"] for knobs in steps} == {"latency"}
    assert len({recipes.precision(run.recipe) for run in runs if run.recipe.steps[0] == runs[0].recipe.steps[0]}) == 1


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


def test_the_precision_is_that_in_which_less_is_lost(world):
    profiled = Profiled(world.store.home, world.search)
    assert not profiled.targets
    assert profiled.precision({**SHAPE, "latency_target": 0.3}) == "int8"
    served(world)
    profiled = Profiled(world.store.home, world.search)
    assert profiled.precision({**SHAPE, "latency_target": 0.3}) == "int8", "the forged INT8 files are faster"


def test_a_target_that_no_widths_keep_is_not_proposed(world, monkeypatch):
    monkeypatch.setitem(profile_factory.SPEED, "int8", profile_factory.SPEED["fp32"] / 4)
    served(world)
    profiled = Profiled(world.store.home, world.search)
    assert profiled.precision({**SHAPE, "latency_target": 0.3}) == "fp32"
    assert profiled.precision({**SHAPE, "latency_target": 0.05}) is None


def test_a_model_whose_time_is_not_in_its_widths_is_searched_by_shares_of_its_channels(world, monkeypatch):
    monkeypatch.setattr(
        profile_factory, "law_ms", lambda widths, precision, layers=(): 1.0 + 1e-6 * sum(widths.values())
    )
    served(world)
    world.turn()
    world.turn()
    assert world.search.trials
    assert not search_space.is_timed(world.search.trials[0].shape)
