"""Laws of the Taylor importance: a channel the loss cannot feel is worth nothing, and the network stays as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from optim import importance
from optim.importance import taylor, with_taylor
from optim.surgery import anatomy
from tests.heavy import IMAGE_MODELS, a_context, a_network


@pytest.fixture(autouse=True)
def few_items(monkeypatch):
    monkeypatch.setattr(importance, "ITEMS", 64)


@pytest.fixture(params=IMAGE_MODELS)
def network(request, home):
    return a_network(a_context(home), request.param, 0.25)


def test_every_channel_has_a_value_and_one_is_usual(network, home):
    found = taylor(network, a_context(home))
    assert {name: len(values) for name, values in found.items()} == {g: network.widths[g] for g in network.labels}
    assert np.isclose(np.mean([value for values in found.values() for value in values]), 1, rtol=1e-4)
    assert min(value for values in found.values() for value in values) >= 0


def test_it_is_the_same_for_every_seed_and_leaves_the_network_as_it_was(network, home):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    one, other = (taylor(network, a_context(home, seed=seed)) for seed in (0, 1))
    assert one == other
    assert not network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_silent_channel_is_worth_nothing(home):
    ctx = a_context(home)
    network = a_network(ctx, "cnn", 0.25)
    with torch.no_grad():
        network.units[1].norm.weight[2] = network.units[1].norm.bias[2] = 0
    assert taylor(network, ctx)["stage2"][2] == 0


def test_it_is_the_squared_slope_of_the_loss_by_scale_and_shift(home):
    """Equation 8 on one image, with gamma and beta of the batch norm in the place of the gate."""
    ctx = a_context(home)
    network = a_network(ctx, "cnn", 0.25)
    image, label = ctx.train_items.inputs[:1], ctx.train_items.labels[:1]
    (_, gate), *_ = importance._gate_gradients(network, image, label)
    norm = network.units[0].norm
    cross_entropy(network(image), label).backward()
    expected = norm.weight * norm.weight.grad + norm.bias * norm.bias.grad
    torch.testing.assert_close(gate[0], expected.detach(), rtol=1e-3, atol=1e-6)


def test_the_anatomy_holds_it_beside_the_norms(network, home):
    ctx = a_context(home)
    body = with_taylor(anatomy(network, ctx.row, "any", 0.25), network, ctx)
    assert all(set(group.importance) == {"l1", "l2", "taylor"} for group in body.groups)
    assert type(body).from_json(body.to_json()) == body
