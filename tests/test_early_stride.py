"""An early stride keeps every weight, costs what the plan says, and survives pruning, the cache and the export."""

from __future__ import annotations

import onnx
import pytest
import torch

from optim import baselines, cautions, cost, drafts, estimates, jobs, plan, recipes, search_space, speeds
from optim.cache import StepCache
from optim.catalog_knobs import parse_widths
from optim.errors import KnobError, RequestError
from optim.export import export
from optim.models.network import STRIDE
from optim.records import Recipe
from optim.results import Group
from optim.search_profile import Profiled, stride_share
from optim.surgery import anatomy
from optim.techniques.early_stride import early_stride
from optim.techniques.prune_channels import prune_channels
from tests import factories, profile_factory, search_factory
from tests.heavy import IMAGE_MODELS, a_context, a_network, images
from tests.profile_factory import HALF

KNOBS = recipes.complete_step(recipes.parse_step("prune-channels:sparsity=0.5")).knobs


@pytest.fixture(params=IMAGE_MODELS)
def pair(request, home):
    """A context, and a network of each model that can stride."""
    ctx = a_context(home)
    network = a_network(ctx, request.param)
    if not network.has_stem:
        pytest.skip("begins with no convolution over pixels")
    return ctx, network


def test_every_weight_stays_and_only_statistics_change(pair):
    ctx, network = pair
    faster = early_stride(network, ctx)
    kept = dict(network.named_parameters())
    assert all(torch.equal(kept[name], weight) for name, weight in faster.named_parameters())
    assert faster.training == network.training
    with torch.no_grad():
        assert not torch.equal(faster(images(ctx)), network(images(ctx)))


def test_the_plan_counts_what_the_file_holds(pair, home, templates):
    ctx, network = pair
    smaller = prune_channels(early_stride(network, ctx), ctx, sparsity=0.5)
    steps = [recipes.complete_step(recipes.parse_step(text)) for text in ("early-stride", "prune-channels")]
    left = plan.after(anatomy(network, ctx.row, "", 1.0), steps, ctx.seed)
    home.mkdir(parents=True, exist_ok=True)
    model = export(smaller, ctx.row, Recipe(dataset="digits", model="cnn"), home / "model.onnx", templates)
    assert plan.cost(left, {}) == cost.count(model)
    onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize("importance", ["l1", "random"])
@pytest.mark.parametrize("allocation", ["uniform", "global", "manual"])
def test_a_plan_that_is_called_exact_is_the_network(home, importance, allocation):
    ctx = a_context(home)
    network = a_network(ctx)
    before = anatomy(network, ctx.row, "", 1.0)
    wish = f"widths={before.groups[0].name}:2" if allocation == "manual" else "sparsity=0.5"
    step = recipes.complete_step(
        recipes.parse_step(f"prune-channels:{wish},importance={importance},allocation={allocation}")
    )
    made = prune_channels(early_stride(network, ctx), ctx, **step.knobs)
    stride = recipes.complete_step(recipes.parse_step("early-stride"))
    recipe = Recipe(dataset="digits", model="cnn", width=1.0, steps=(stride, step))
    if cautions.foreseen(recipe):
        assert plan.after(before, recipe.steps, ctx.seed).sizes() == anatomy(made, ctx.row, "", 1.0).sizes()
    assert cautions.foreseen(recipe) == (allocation != "global")
    assert cautions.foreseen(recipe.with_(steps=(step,)))


def test_pruning_before_or_after_is_the_same_network(pair):
    ctx, network = pair
    one = early_stride(prune_channels(network, ctx, sparsity=0.5), ctx)
    other = prune_channels(early_stride(network, ctx), ctx, sparsity=0.5)
    assert one.widths == other.widths and one.widths[STRIDE] == 2
    assert cost_of(one, ctx) == cost_of(other, ctx) < cost_of(network, ctx)


def cost_of(network, ctx):
    return plan.cost(anatomy(network, ctx.row, "", 1.0), {})


def test_the_cache_gives_the_stride_back(pair, home):
    ctx, network = pair
    faster = early_stride(network, ctx)
    kept = StepCache(home / "steps")
    kept.put("a", faster)
    again = kept.get("a", network)
    with torch.no_grad():
        assert again is not None and torch.equal(again(images(ctx)), faster.eval()(images(ctx)))


def test_twice_is_refused_by_worker_and_plan(home):
    ctx = a_context(home)
    once = early_stride(a_network(ctx), ctx)
    with pytest.raises(RequestError, match="already"):
        early_stride(once, ctx)
    body = anatomy(a_network(ctx), ctx.row, "cnn", 1.0)
    with pytest.raises(KnobError, match="early-stride"):
        plan.strided(plan.strided(body))
    twice = recipes.complete(Recipe(dataset="digits", model="cnn", steps=(*map(recipes.parse_step, STEPS), *EARLY)))
    with pytest.raises(KnobError, match="takes steps of two pixels already"):
        jobs.refuse_impossible(home, twice)


EARLY = (recipes.parse_step("early-stride"),)
STEPS = ("early-stride", "fine-tune")


def a_recipe(*steps):
    return recipes.complete(
        Recipe(dataset="fashion-mnist", model="resnet8", width=2.0, steps=tuple(map(recipes.parse_step, steps)))
    )


def test_design_shows_what_it_saves_and_says_it_in_words(home):
    shown = drafts.preview(a_recipe(*STEPS), home)
    assert shown.params == shown.params_before and 3 < shown.macs_before / shown.macs < 4.5
    assert not shown.refused and not shown.warnings
    assert "less arithmetic" in drafts.headline(shown)
    assert "early stride" in recipes.describe(a_recipe(*STEPS))
    assert any("early stride" in one for one in cautions.cautions(a_recipe("early-stride"), ()))


def test_a_latency_target_beside_it_is_refused_with_a_way_on(home):
    recipe = a_recipe("early-stride", "prune-channels:allocation=latency,latency_target=0.3", "fine-tune")
    with pytest.raises(KnobError, match=r"early stride.*uniform, global, manual"):
        speeds.of_recipe(recipe, home)
    assert "early stride" in drafts.preview(recipe, home).refused


def test_runs_with_it_say_nothing_of_the_profile(home):
    profile, runs = profile_factory.a_profile(), []
    halved = tuple(Group(name=name, label=name, before=2 * half, after=half) for name, half in HALF.items())
    for steps in (("prune-channels", "distill"), ("early-stride", "prune-channels", "distill")):
        run = factories.done(len(runs) + 1, *steps, accuracy=0.9, p50_ms=0.1, kb=100)
        runs.append(run.with_(result=run.result.with_(groups=halved, fingerprint=profile.fingerprint)))
    assert [run.id for run in estimates.fitting(profile, runs)] == [1]


def test_a_search_tries_it_where_it_is_known(home):
    body = baselines.anatomy("fashion-mnist", "resnet8", 2.0, home)
    assert body is not None and 0.25 < stride_share(body) < 0.4
    early = {"early": True, "sparsity": 0.5, "allocation": "uniform", "teacher": "dense", "temperature": 4.0,
             "alpha": 0.9, "importance": "l2", "round_to": 8}  # fmt: skip
    made = search_space.recipe(a_recipe(), early, 0, "int8")
    assert [step.technique for step in made.steps] == ["early-stride", "prune-channels", "distill", "quantize-int8"]
    assert drafts.fits_design(made)
    assert search_space.strides(search_space.key(early))


def test_a_search_asks_for_wider_networks_within_the_same_target_where_it_strides(home):
    profiled = Profiled(home, search_factory.begun(home))
    profiled.profile = profile_factory.a_profile(profiled.anatomy)
    asked = {"start": "resnet8:2", "teacher": "dense", "allocation": "sensitivity", "importance": "l2",
             "latency_target": 0.1, "temperature": 4.0, "alpha": 0.9}  # fmt: skip
    plain, early = (
        widths_of(profiled.shape({**asked, "early": early}), profiled.anatomy.sizes()) for early in (False, True)
    )
    assert sum(early.values()) > sum(plain.values()), "a narrow network striding late, a wide one striding early"
    assert profiled.space["early"] == (True, False)


def widths_of(shape, sizes):
    assert shape is not None
    return {**sizes, **parse_widths(str(shape["widths"]))}
