"""The controls of an answer: what each keeps of it, and when there is none."""

from __future__ import annotations

import pytest

from optim import recipes
from optim.search_controls import ALONE, DENSE, RANDOM, SCRATCH, UNIFORM, controls_of
from tests import factories
from tests.search_factory import BASE


def controls(run):
    return {one.name: one for one in controls_of(BASE, run, None)}


def answered(*steps):
    return factories.done(5, *steps, accuracy=0.91, p50_ms=0.08, kb=90)


@pytest.mark.parametrize("technique", ["distill", "fine-tune"])
def test_the_dense_network_is_trained_as_long_whatever_trained_the_answer(technique):
    found = controls(answered("prune-channels:sparsity=0.5", f"{technique}:epochs=10", "quantize-int8"))
    assert [(s.technique, s.knobs["epochs"]) for s in found[DENSE].recipe.steps] == [("fine-tune", 10)]
    assert (found[ALONE].recipe is None) == (technique == "fine-tune")


def test_an_answer_that_is_not_trained_has_no_dense_network_beside_it():
    found = controls(answered("prune-channels:sparsity=0.5", "quantize-int8"))
    for name in (DENSE, SCRATCH):
        assert (found[name].recipe, found[name].note) == (None, "the answer is not trained")


def test_where_nothing_is_narrowed_no_channels_are_chosen_at_random():
    run = answered("early-stride", "distill:epochs=3", "quantize-int8")
    groups = tuple(group.with_(after=group.before) for group in run.result.groups)
    run = run.with_(result=run.result.with_(groups=groups))
    found = controls(run)
    for name in (RANDOM, UNIFORM):
        assert (found[name].recipe, found[name].note) == (None, "the answer narrows no layer")


def test_a_control_is_never_the_answer_itself():
    run = answered("prune-channels:sparsity=0.5", "distill:epochs=3", "quantize-int8")
    random = controls(run)[RANDOM].recipe
    found = controls(run.with_(recipe=random))
    assert (found[RANDOM].recipe, found[RANDOM].note) == (None, "the answer is this control itself")
    assert found[SCRATCH].recipe is not None
    assert all(one.recipe is None or recipes.complete(one.recipe) != random for one in found.values())
