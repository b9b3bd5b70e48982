"""A model has one usual way to 8 bits: what was measured of it tells nothing of a file that was made in the other."""

from __future__ import annotations

import pytest

from optim import catalog, estimates, model_knobs, profiles, recipes, search_by_hand, search_space, speeds
from optim.errors import KnobError, RequestError
from optim.records import Recipe
from tests import factories, profile_factory

USUAL = {"textcnn": "quantize-int8", "transformer": "quantize-dynamic"}
OTHER = {"textcnn": "quantize-dynamic", "transformer": "quantize-int8"}


def a_recipe(model, *steps):
    return recipes.complete(Recipe(dataset="names", model=model, steps=tuple(map(recipes.parse_step, steps))))


@pytest.mark.parametrize("model", USUAL)
def test_a_search_makes_files_the_usual_way(model):
    shape = {"sparsity": 0.5, "allocation": "uniform", "importance": "l2", "temperature": 2.0, "alpha": 0.5}
    assert search_space.recipe(a_recipe(model), shape, 0, "int8").steps[-1].technique == USUAL[model]


@pytest.mark.parametrize("model", USUAL)
def test_no_time_is_estimated_of_the_other_way(model):
    assert not estimates.refused(a_recipe(model, USUAL[model])) and not estimates.refused(a_recipe(model))
    other = a_recipe(model, OTHER[model])
    assert f"INT8 files of {USUAL[model]}, not of {OTHER[model]}. The run measures it." in estimates.refused(other)
    with pytest.raises(RequestError, match=f"in FP32 or with {USUAL[model]}"):
        estimates.of_recipe(profile_factory.a_profile(), other, ())
    within = a_recipe(model, "prune-channels:allocation=latency", OTHER[model])
    with pytest.raises(KnobError, match=f"Quantize with {USUAL[model]}"):
        speeds.of_recipe(within, None)


def test_runs_of_the_other_way_correct_no_estimate_and_are_not_trained_on():
    profile = profile_factory.a_profile(dataset="names", model="textcnn", width=1.0)
    space = {"latency_target": (0.5,)}
    kept = {}
    for technique in (USUAL["textcnn"], OTHER["textcnn"]):
        run = factories.done(1, "fine-tune:epochs=1", accuracy=0.7, p50_ms=0.1, kb=30)
        run = run.with_(recipe=a_recipe("textcnn", "fine-tune:epochs=1", technique))
        shape = search_by_hand.shape_of(a_recipe("textcnn"), run, space)
        kept[technique] = (shape is not None, model_knobs.quantized_otherwise(run.recipe) == "")
    assert kept == {"quantize-int8": (True, True), "quantize-dynamic": (False, False)}
    assert profile.is_usual


def test_a_profile_of_the_other_way_counts_as_none(home):
    """Before 8-bit scales as they come were the usual ones of a transformer, its profiles timed calibrated ones."""
    made = profile_factory.a_profile(dataset="names", model="transformer", width=3.0)
    profiles.save(home, made)
    assert profiles.find(home, "names", "transformer", 3.0) is None
    profiles.save(home, made.with_(quantizer="quantize-dynamic", made_at=made.made_at + 1))
    assert profiles.find(home, "names", "transformer", 3.0) is not None
    for name in ("cnn", "lstm", "matrix-factorization"):
        data = next(row.name for row in catalog.DATASETS.values() if row.kind in catalog.model(name).dataset_kinds)
        assert profile_factory.a_profile(dataset=data, model=name).is_usual, "earlier versions made them so too"
