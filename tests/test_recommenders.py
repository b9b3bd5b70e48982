"""Recommenders score every film; what is pruned is gone from every matrix, and the plan knows what is left."""

import numpy as np
import pytest
import torch

from optim import catalog
from optim.baseline_training import fresh
from optim.export import fold
from optim.plan import cost, prune_plan
from optim.surgery import anatomy, cut, tensor_axes
from tests.recommending import DATA, MODELS, a_context, a_recommender, users

KNOBS = {"sparsity": 0.5, "importance": "l2", "allocation": "uniform", "round_to": 1}


@pytest.fixture(params=MODELS)
def network(request, home):
    return a_recommender(a_context(home, request.param), request.param)


def zeroed(network, group, units):
    """The same network with these units silenced in every tensor that they are an axis of."""
    silent = network.rebuild(network.widths)
    silent.load_state_dict(network.state_dict())
    state = silent.state_dict()
    for name, axes in tensor_axes(network).items():
        for place, axis in enumerate(axes):
            if [tie.group for tie in axis] == [group]:
                state[name].index_fill_(place, torch.tensor(units), 0.0)
    return silent.eval()


def test_every_film_has_a_score(network, home):
    with torch.no_grad():
        scores = network(users(a_context(home)))
    assert scores.shape == (8, 9066)
    assert len({tuple(row.tolist()) for row in scores}) == 8


def test_zeroed_equals_removed_for_every_group(network, home):
    x = users(a_context(home))
    for group in network.labels:
        gone = sorted({0, (network.widths[group] - 1) // 2})
        kept = {group: np.setdiff1d(np.arange(network.widths[group]), gone)}
        with torch.no_grad():
            expected, actual = zeroed(network, group, gone)(x), cut(network, kept)(x)
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)
        assert not torch.equal(actual, network(x))


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_plan_is_executed_to_the_last_parameter(network, home, share):
    row = a_context(home).row
    plan = prune_plan(anatomy(network, row, "any", 0.125), {**KNOBS, "sparsity": share})
    smaller = cut(network, plan.kept)
    again = anatomy(smaller, row, "any", 0.125)
    assert again.sizes() == plan.widths
    assert cost(again, {}) == (plan.params, plan.macs)
    assert plan.params == sum(tensor.numel() for tensor in fold(smaller).parameters())


def test_folding_changes_no_answer(network, home):
    x = users(a_context(home))
    with torch.no_grad():
        torch.testing.assert_close(fold(network)(x), network(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_a_fresh_network_ranks_by_popularity(home, model):
    ctx = a_context(home, model)
    network = fresh(DATA, model, 0.125, ctx).eval()
    counts = ctx.splits.train.labels.sum(0)
    with torch.no_grad():
        scores = network(users(ctx)).mean(0).numpy()
    assert np.corrcoef(scores, np.log1p(counts))[0, 1] > 0.99


def test_two_towers_look_at_the_history_alone_whatever_its_order_and_padding(home):
    ctx = a_context(home, "two-tower")
    network = a_recommender(ctx, "two-tower")
    x = users(ctx, 1)
    other = x.clone()
    other[:, 0] += 1
    other[:, 1:] = other[:, 1:].flip(1)
    with torch.no_grad():
        torch.testing.assert_close(network(other), network(x), rtol=1e-4, atol=1e-4)
        assert torch.isfinite(network(torch.zeros_like(x))).all()


def test_two_towers_know_genres(home):
    ctx = a_context(home, "two-tower")
    network = a_recommender(ctx, "two-tower")
    known = torch.from_numpy(catalog.load(ctx.row.features)())
    x = users(ctx, 1)
    with torch.no_grad():
        before = network(x)
        network.scores.known.weight[:, 0] += 1.0
        changed = (network(x) - before)[0].abs() > 1e-6
    assert torch.equal(changed, known[:, 0] > 0)
