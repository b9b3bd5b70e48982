"""The measured speed of a model reaches the preview, and the check before a run is queued."""

from __future__ import annotations

import pytest

from optim import baselines, conditions, drafts, jobs, profiles, speeds
from optim.errors import KnobError
from optim.jobs import Target
from optim.records import Recipe
from tests import factories, profile_factory

MODEL = ("fashion-mnist", "resnet8", 2.0)
TWO = Target(threads=2)


def within(target: float, *more: str) -> Recipe:
    return factories.a_recipe(f"prune-channels:allocation=latency,latency_target={target}", *more)


def profiled(home, threads: int = 1):
    """A forged profile of the shipped baseline, as if it had been made here."""
    mark = conditions.here(device="cpu", threads=threads, batch=1)
    body, digest = baselines.anatomy(*MODEL, home), baselines.digest(*MODEL, home)
    made = profile_factory.a_profile(body, fingerprint=mark, baseline_sha256=digest)
    profiles.save(home, made)
    return made


def test_without_a_profile_there_is_no_speed_and_the_remedy_is_to_make_one(home):
    assert speeds.of_recipe(within(0.5), home) is None
    with pytest.raises(KnobError, match=r"python -m optim profile --dataset fashion-mnist --model resnet8 --width 2"):
        jobs.refuse_impossible(home, within(0.5))
    assert "Profile the model first" in drafts.preview(within(0.5), home).refused


def test_only_a_profile_under_the_same_conditions_counts(home):
    profiled(home, threads=2)
    assert speeds.of_recipe(within(0.5), home, threads=1) is None
    assert speeds.of_recipe(within(0.5), home, threads=2) is not None
    assert drafts.preview(within(0.5), home).refused
    assert not drafts.preview(within(0.5), home, TWO).refused
    jobs.refuse_impossible(home, within(0.5), TWO)


def test_only_a_step_that_follows_a_latency_asks_for_it(home):
    profiled(home)
    assert speeds.of_recipe(factories.a_recipe("prune-channels:sparsity=0.5"), home) is None


@pytest.mark.parametrize("tail", [(), ("quantize-int8",)])
def test_the_preview_keeps_the_target_on_the_edges_of_the_recipe_s_precision(home, tail):
    profiled(home)
    recipe = within(0.3, *tail)
    speed, shown = speeds.of_recipe(recipe, home), drafts.preview(recipe, home)
    widths = {group.name: group.after for group in shown.groups}
    assert speed.time_ms(widths) <= 0.3 * speed.dense_ms * (1 + 1e-6)
    assert all(widths[name] in edges for name, edges in speed.edges.items())


def test_int8_leaves_more_channels_for_the_same_target(home):
    """Its file is faster, and the target means the dense FP32 file's time."""
    profiled(home)
    shown = [drafts.preview(recipe, home) for recipe in (within(0.3), within(0.3, "quantize-int8"))]
    assert shown[0].params < shown[1].params


def test_a_target_that_no_widths_keep_says_the_smallest_that_can_be(home):
    profiled(home)
    with pytest.raises(KnobError, match="latency_target from"):
        jobs.refuse_impossible(home, within(0.05))


def test_beside_low_rank_no_speed_is_known(home):
    profiled(home)
    recipe = within(0.3, "low-rank", "fine-tune")
    with pytest.raises(KnobError, match=r"matrices of low rank.*uniform, global, manual beside low-rank"):
        speeds.of_recipe(recipe, home)
    assert "low rank" in drafts.preview(recipe, home).refused


def test_the_preview_does_not_call_dense_numbers_the_result_of_low_rank(home):
    shown = drafts.preview(factories.a_recipe("low-rank"), home)
    assert (shown.counted, shown.foreseen) == (False, False)
    assert "dense" not in drafts.headline(shown)
    assert not any("importances" in one for one in shown.warnings), "nothing is pruned"
    pruned = drafts.preview(factories.a_recipe("prune-channels:sparsity=0.5"), home)
    assert (pruned.counted, pruned.foreseen) == (True, True)
