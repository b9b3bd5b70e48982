"""Laws of zeroed weights: exactly the share, the smallest first, and zeros stay zeros up to the exported file."""

from __future__ import annotations

import onnx
import pytest
import torch
from onnx import numpy_helper

from optim.export import export
from optim.models.network import Network
from optim.records import Recipe
from optim.techniques.distill import distill
from optim.techniques.fine_tune import fine_tune
from optim.techniques.prune_channels import prune_channels
from optim.techniques.prune_weights import prune_weights
from tests.heavy import IMAGE_MODELS, a_context, a_network


def weights(network: Network) -> dict[str, torch.Tensor]:
    return {name: tensor.detach() for name, tensor in network.named_parameters() if tensor.ndim > 1}


def share(network: Network) -> float:
    values = torch.cat([tensor.flatten() for tensor in weights(network).values()])
    return float((values == 0).float().mean())


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_exactly_the_share_is_zero_and_nothing_else_changes(home, model, scope):
    ctx = a_context(home)
    network = a_network(ctx, model, 0.25)
    zeroed = prune_weights(network, ctx, sparsity=0.4, scope=scope)
    assert share(zeroed) == pytest.approx(0.4, abs=0.01)
    assert zeroed.widths == network.widths
    for name, tensor in weights(zeroed).items():
        assert torch.equal(tensor[tensor != 0], weights(network)[name][tensor != 0])
        if scope == "layer":
            assert float((tensor == 0).float().mean()) == pytest.approx(0.4, abs=0.51 / tensor.numel())


def test_more_zeros_keep_the_zeros_of_fewer(home):
    ctx = a_context(home)
    network = a_network(ctx)
    few, many = (weights(prune_weights(network, ctx, sparsity=s)) for s in (0.3, 0.7))
    assert all(bool((many[name] == 0)[tensor == 0].all()) for name, tensor in few.items())


def test_sparsity_zero_changes_no_answer_and_warns(home):
    ctx = a_context(home)
    network = a_network(ctx)
    x = torch.from_numpy(ctx.splits.validation.inputs[:8])
    with torch.no_grad():
        assert torch.equal(prune_weights(network, ctx, sparsity=0.0)(x), network(x))
    assert "No weight" in ctx.warnings[0]


@pytest.mark.parametrize(("train", "knobs"), [(fine_tune, {}), (distill, {"alpha": 0.3})], ids=["tune", "distill"])
def test_zeros_stay_zeros_while_training_goes_on(home, train, knobs):
    ctx = a_context(home)
    ctx.teacher = lambda name: a_network(ctx, "cnn", 0.25)
    zeroed = prune_weights(a_network(ctx, "cnn", 0.25), ctx, sparsity=0.5)
    trained = train(zeroed, ctx, epochs=2, learning_rate=0.05, **knobs)
    after = weights(trained)
    assert all(bool((after[name][tensor == 0] == 0).all()) for name, tensor in weights(zeroed).items())
    assert any(not torch.equal(after[name], tensor) for name, tensor in weights(zeroed).items())
    assert share(trained) == share(zeroed)


def test_zeros_stand_in_the_file_and_make_it_no_smaller(home, templates):
    ctx = a_context(home)
    dense = a_network(ctx, "cnn", 0.25)
    home.mkdir(parents=True, exist_ok=True)
    sizes, zeros = [], []
    for name, network in (("dense", dense), ("zeroed", prune_weights(dense, ctx, sparsity=0.5))):
        path = home / f"{name}.onnx"
        export(network, ctx.row, Recipe(dataset="digits", model="cnn"), path, templates)
        tensors = [numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer]
        zeros.append(sum(int((tensor == 0).sum()) for tensor in tensors if tensor.ndim > 1))
        sizes.append(path.stat().st_size)
    count = sum(tensor.numel() for tensor in weights(dense).values())
    assert zeros[1] - zeros[0] == pytest.approx(count / 2, abs=2)
    assert sizes[1] == pytest.approx(sizes[0], rel=0.01)


def test_removal_after_zeros_keeps_the_zeros_that_are_left(home):
    ctx = a_context(home)
    zeroed = prune_weights(a_network(ctx), ctx, sparsity=0.5, scope="layer")
    assert share(prune_channels(zeroed, ctx, sparsity=0.5)) > 0
