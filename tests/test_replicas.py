"""A batch in parts, side by side: the same gradient, the same weights, twice the same result."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from optim.context import Variant
from optim.replicas import Replicas
from optim.training import Schedule, train
from tests.heavy import a_context, a_network


def gradients(network, ctx, count, index):
    network.eval()  # batch statistics depend on the part; everything else must not
    replicas = Replicas(network, count)

    def loss_of(part, items):
        return cross_entropy(part(ctx.train_items.inputs[items]), ctx.train_items.labels[items])

    loss = replicas.gradients(loss_of, index)
    replicas.close()
    return float(loss), [parameter.grad.clone() for parameter in network.parameters()]


@pytest.mark.parametrize("items", [32, 31, 2, 1])
@pytest.mark.parametrize("count", [2, 3])
def test_the_gradient_is_that_of_the_whole_batch(home, count, items):
    ctx = a_context(home)
    network = a_network(ctx)
    index = torch.arange(items)
    whole, grads = gradients(network, ctx, 1, index)
    parts, split = gradients(network, ctx, count, index)
    assert parts == pytest.approx(whole, rel=1e-4)
    for one, other in zip(grads, split, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_twins_share_the_weights_and_nothing_else(home):
    network = a_network(a_context(home))
    replicas = Replicas(network, 2)
    for mine, its in zip(*replicas.parameters, strict=True):
        assert mine.data_ptr() == its.data_ptr()
    for mine, its in zip(network.buffers(), replicas.networks[1].buffers(), strict=True):
        assert mine.data_ptr() != its.data_ptr()
    replicas.close()


def test_training_in_parts_learns_and_repeats(home):
    weights = []
    for _ in range(2):
        ctx = a_context(home)
        ctx.variant = Variant(threads=1, replicas=2)
        network = a_network(ctx, lively=False)
        assert train(network, ctx, Schedule(6, 0.1)) > 0.5
        weights.append(network.head.linear.weight.detach().clone())
    assert torch.equal(*weights)


def test_a_failure_in_a_part_is_heard(home):
    network = a_network(a_context(home))
    replicas = Replicas(network, 2)

    def loss_of(part, items):
        if part is not network:
            raise ZeroDivisionError
        return part(torch.zeros(len(items), 1, 8, 8)).sum()

    with pytest.raises(ZeroDivisionError):
        replicas.gradients(loss_of, torch.arange(4))
    replicas.close()
