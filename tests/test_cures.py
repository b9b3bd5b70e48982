"""Cures: each gives another recipe that can be run, and says what it changes."""

import dataclasses

import pytest

from optim import catalog, cures, recipes
from optim.cures import FLOOR, LOWER_RATE, RECALIBRATE, RECOVER
from optim.records import State
from optim.results import Failure, Group
from tests import factories

PRUNED = factories.a_recipe("prune-channels:sparsity=0.75", "fine-tune:epochs=2", "quantize-int8")
MADE = {
    LOWER_RATE: cures.lower_rate, RECALIBRATE: cures.recalibrated, FLOOR: cures.floored, RECOVER: cures.recovered,
}  # fmt: skip
ALLOCATIONS = {
    "uniform": "sparsity=0.75", "global": "sparsity=0.75", "latency": "latency_target=0.25",
    "manual": "widths=stage1:2+stage2:8",
}  # fmt: skip
"""How a collapsed run may have been pruned, by each allocation of the catalogue."""
CHOICES = next(one for one in catalog.technique("prune-channels").knobs if one.name == "allocation").choices


def pruned_by(allocation):
    return factories.a_recipe(f"prune-channels:allocation={allocation},{ALLOCATIONS[allocation]}", "fine-tune:epochs=2")


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("allocation", CHOICES)
def test_every_cure_fits_every_allocation(name, allocation):
    recipe = pruned_by(allocation)
    done = factories.done(1, *map(recipes.step_text, recipe.steps), accuracy=0.1, p50_ms=0.1, kb=30)
    groups = tuple(Group(name=f"stage{n}", label=f"stage {n}", before=8 * 2**n, after=2 * n) for n in (1, 2))
    done = done.with_(result=done.result.with_(cures=(name,), groups=groups))
    (cure,) = cures.cures(done)
    assert cure.recipe == recipes.complete(cure.recipe) and cure.recipe.id != recipe.id
    assert cure.label and cure.why.endswith(".")


def test_what_has_no_sparsity_gives_back_half_of_what_went():
    by_hand = cures.floored(pruned_by("manual"), {"stage1": 16, "stage2": 32})
    assert by_hand.label == "Give back half of what went"
    assert by_hand.recipe.steps[0].knobs["widths"] == "stage1:9+stage2:20"
    timed = cures.floored(pruned_by("latency"))
    assert timed.recipe.steps[0].knobs["latency_target"] == pytest.approx(0.625)
    assert cures.floored(pruned_by("manual")).name == LOWER_RATE, "nobody knows how wide the groups were"


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("steps", [PRUNED.steps, PRUNED.steps[1:], PRUNED.steps[1:2]])
def test_every_cure_is_another_recipe_that_can_be_run(name, steps):
    recipe = recipes.complete(PRUNED.with_(steps=steps))
    cure = MADE[name](recipe)
    assert cure.recipe == recipes.complete(cure.recipe) and cure.recipe.id != recipe.id
    assert cure.label and cure.why.endswith(".")
    assert (cure.recipe.dataset, cure.recipe.model_ref) == (recipe.dataset, recipe.model_ref)


def test_a_failure_offers_its_cure_and_an_unknown_one_none():
    failure = Failure(kind="TrainingFailed", reason="No.", cure=LOWER_RATE)
    run = factories.a_run(1, "fine-tune:learning_rate=0.9", state=State.FAILED, failure=failure)
    assert [cure.label for cure in cures.cures(run)] == ["Lower the learning rate to 0.09"]
    assert cures.cures(run.with_(failure=failure.with_(cure="prayer"))) == ()
    assert cures.cures(run.with_(failure=None)) == ()


def test_a_done_run_offers_what_its_warnings_ask_for():
    done = factories.done(1, "prune-channels", accuracy=0.1, p50_ms=0.1, kb=30)
    done = done.with_(result=done.result.with_(cures=(FLOOR, RECOVER, FLOOR)))
    assert [cure.name for cure in cures.cures(done)] == [FLOOR, RECOVER]


def test_an_automatic_rate_is_lowered_to_a_tenth_of_what_it_was():
    rate = cures.lower_rate(PRUNED).recipe.steps[1].knobs["learning_rate"]
    assert rate == pytest.approx(0.003)
    scratch = PRUNED.with_(start="scratch", steps=PRUNED.steps[1:2])
    assert cures.lower_rate(recipes.complete(scratch)).recipe.steps[0].knobs["learning_rate"] == pytest.approx(0.01)


def test_the_floor_comes_first_then_half_the_sparsity():
    once = cures.floored(PRUNED)
    assert once.recipe.steps[0].knobs["allocation"] == "global"
    assert cures.floored(once.recipe).recipe.steps[0].knobs["sparsity"] == pytest.approx(0.375)


def test_recalibration_stands_after_the_network_s_steps_and_once():
    cure = cures.recalibrated(PRUNED)
    assert [step.technique for step in cure.recipe.steps][-2:] == ["recalibrate", "quantize-int8"]
    assert cures.recalibrated(cure.recipe) is None


def test_a_model_with_rates_of_its_own_is_lowered_from_these(monkeypatch):
    slow = dataclasses.replace(catalog.model("resnet8"), scratch_rate=0.003, recovery_rate=0.001)
    monkeypatch.setitem(catalog.MODELS, "resnet8", slow)
    assert cures.lower_rate(PRUNED).recipe.steps[1].knobs["learning_rate"] == pytest.approx(0.0001)
