"""The law of pruning: a network with a channel zeroed answers like the network with the channel removed."""

import numpy as np
import pytest
import torch

from optim.plan import cost, entries, prune_plan
from optim.surgery import anatomy, cut, tensor_axes
from tests.heavy import IMAGE_MODELS, a_context, a_network, images

KNOBS = {"sparsity": 0.5, "importance": "l2", "allocation": "uniform", "round_to": 1}


@pytest.fixture(params=IMAGE_MODELS)
def network(request, home):
    return a_network(a_context(home), request.param)


def zeroed(network, group, units):
    """The same network with these units silenced: nothing comes in, nothing is added by a norm, no table holds them."""
    silent = network.rebuild(network.widths)
    silent.load_state_dict(network.state_dict())
    state = silent.state_dict()
    for name, axes in tensor_axes(network).items():
        made = len(axes) - 1 if name.endswith("table.weight") else 0
        if any(tie.group == group for tie in axes[made]) and not name.endswith("running_var"):
            stays = entries(axes[made], network.widths, {group: np.setdiff1d(np.arange(network.widths[group]), units)})
            gone = np.setdiff1d(np.arange(state[name].shape[made]), stays)
            state[name].index_fill_(made, torch.from_numpy(gone), 0)
    return silent.eval()


def test_zeroed_equals_removed_for_every_group(network, home):
    x = images(a_context(home))
    for group in network.labels:
        size = network.widths[group]
        gone = [0, size // 2]
        kept = {group: np.setdiff1d(np.arange(size), gone)}
        with torch.no_grad():
            expected, actual = zeroed(network, group, gone)(x), cut(network, kept)(x)
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


def test_keeping_everything_changes_nothing(network, home):
    x = images(a_context(home))
    same = cut(network, {group: np.arange(network.widths[group]) for group in network.labels})
    with torch.no_grad():
        assert torch.equal(same(x), network(x))


def test_the_input_is_left_as_it_was(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    cut(network, {next(iter(network.labels)): np.array([0])})
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    "chosen",
    [
        *({"sparsity": share, "allocation": how} for share in (0.0, 0.3, 0.7) for how in ("uniform", "global")),
        {"allocation": "manual", "widths": "stage1:3+stage2:5"},
    ],
    ids=str,
)
def test_the_plan_is_executed_to_the_last_parameter(network, home, chosen):
    ctx = a_context(home)
    body = anatomy(network, ctx.row, "any", 0.5)
    plan = prune_plan(body, {**KNOBS, **chosen})
    smaller = cut(network, plan.kept)
    again = anatomy(smaller, ctx.row, "any", 0.5)
    assert again.sizes() == plan.widths
    assert cost(again, {}) == (plan.params, plan.macs)


def test_anatomy_survives_json(network, home):
    body = anatomy(network, a_context(home).row, "any", 0.5)
    assert type(body).from_json(body.to_json()) == body
