"""The contract every technique keeps: it takes any model, leaves its input as it was, and its result exports."""

import numpy as np
import pytest
import torch

from optim import catalog, recipes
from optim.errors import KnobError
from optim.export import export
from optim.records import Recipe
from optim.runtime import logits, open_session
from tests.heavy import IMAGE_MODELS, a_context, a_network

NETWORK_STEPS = {
    "early-stride": "early-stride",
    "prune-channels": "prune-channels:sparsity=0.5",
    "low-rank": "low-rank:rank=0.3,smallest=0",
    "prune-weights": "prune-weights:sparsity=0.5",
    "fine-tune": "fine-tune:epochs=2,learning_rate=0.05",
    "distill": "distill:epochs=2,learning_rate=0.05,alpha=0.3",
    "recalibrate": "recalibrate",
}
"""Enough training that no network, taught by one that was never trained, gives every image the same answer."""


def test_every_technique_is_under_contract():
    file_steps = {row.name for row in catalog.TECHNIQUES.values() if row.stage == "file"}
    assert set(NETWORK_STEPS) | file_steps == set(catalog.TECHNIQUES)


@pytest.mark.parametrize("model", IMAGE_MODELS)
@pytest.mark.parametrize("technique", NETWORK_STEPS)
def test_network_steps(home, templates, technique, model):
    ctx = a_context(home)
    network = a_network(ctx, model, 0.25)
    ctx.teacher = lambda name: a_network(ctx, model, 0.25)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    step = recipes.parse_step(NETWORK_STEPS[technique])
    changed = catalog.load(catalog.technique(technique).function)(network, ctx, **step.knobs)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert before.keys() != changed.state_dict().keys() or any(
        tensor.shape != before[name].shape or not torch.equal(tensor, before[name])
        for name, tensor in changed.state_dict().items()
    )  # batch norm's statistics, at least
    path = home / "model.onnx"
    home.mkdir(parents=True, exist_ok=True)
    export(changed, ctx.row, Recipe(dataset="digits", model=model), path, templates)
    assert logits(open_session(path), ctx.splits.validation.inputs[:5]).shape == (5, 10)


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_quantizing_keeps_the_parent_and_the_interface(home, templates, model):
    ctx = a_context(home)
    path = home / "model.onnx"
    home.mkdir(parents=True, exist_ok=True)
    export(a_network(ctx, model, 0.25), ctx.row, Recipe(dataset="digits", model=model), path, templates)
    before = path.read_bytes()
    made = catalog.load(catalog.technique("quantize-int8").function)(path, ctx, calibration_items=32)
    assert path.read_bytes() == before
    assert logits(open_session(made), ctx.splits.validation.inputs[:3]).shape == (3, 10)


def pruned(ctx, network, **knobs):
    step = recipes.complete_step(recipes.parse_step("prune-channels").with_(knobs=knobs))
    return catalog.load("optim.techniques.prune_channels:prune_channels")(network, ctx, **step.knobs)


def test_sparsity_zero_changes_no_answer_and_warns(home):
    ctx = a_context(home)
    network = a_network(ctx)
    x = torch.from_numpy(ctx.splits.validation.inputs[:8])
    with torch.no_grad():
        assert torch.equal(pruned(ctx, network, sparsity=0.0)(x), network(x))
    assert "removed nothing" in ctx.warnings[0]


def test_taylor_keeps_what_the_loss_feels(home):
    ctx = a_context(home)
    network = a_network(ctx)
    with torch.no_grad():
        network.units[1].norm.weight[:3] = network.units[1].norm.bias[:3] = 0
    kept = pruned(ctx, network, importance="taylor", sparsity=0.5)
    assert bool((kept.units[1].norm.weight != 0).all())


def test_widths_by_hand_make_a_student_of_any_shape(home):
    ctx = a_context(home)
    network = a_network(ctx, "resnet8", lively=False)
    student = pruned(ctx, network, allocation="manual", widths="stage1:4+stage2.block1:3")
    assert student.widths == {**network.widths, "stage1": 4, "stage2.block1": 3}
    pruned(ctx, network, allocation="manual")
    assert "removed nothing" in ctx.warnings[0]


def test_a_layer_is_never_left_empty(home):
    ctx = a_context(home)
    with pytest.raises(KnobError, match=r"would leave nothing of.*Allowed: sparsity from 0 to"):
        pruned(ctx, a_network(ctx, width=0.25), sparsity=0.99)


def test_random_pruning_follows_the_seed(home):
    networks = [
        pruned(a_context(home, seed=seed), a_network(a_context(home)), importance="random") for seed in (0, 0, 1)
    ]
    weights = [network.units[1].conv.weight for network in networks]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_the_strongest_channels_stay(home):
    ctx = a_context(home)
    network = a_network(ctx, lively=False)
    with torch.no_grad():
        network.units[0].conv.weight[3] *= 100
    kept = pruned(ctx, network, sparsity=0.5, importance="l1")
    strongest = network.units[0].conv.weight[3].abs().sum()
    assert np.isclose(
        float(kept.units[0].conv.weight.detach().abs().flatten(1).sum(1).max()), float(strongest.detach())
    )


def test_distilling_uses_the_named_teacher_and_caches_only_without_augmentation(home):
    ctx = a_context(home)
    asked = []
    ctx.teacher = lambda name: asked.append(name) or a_network(ctx, width=0.25)
    distill = catalog.load("optim.techniques.distill:distill")
    distill(
        a_network(ctx, width=0.25), ctx, epochs=2, learning_rate=0.05, alpha=0.3, teacher="resnet8:1", augment=False
    )
    assert asked == ["resnet8:1"]
