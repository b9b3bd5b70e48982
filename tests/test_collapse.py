"""The guard against collapse, with real networks: what is broken is named, what is sound is not."""

import pytest
import torch
from torch import nn

from optim import collapse, pipeline, variants
from optim.cures import FLOOR, LOWER_RATE, RECALIBRATE, RECOVER
from optim.errors import TrainingFailed
from optim.models.network import ConvUnit
from optim.techniques import prune_weights
from optim.training import Schedule, train
from tests.heavy import a_context, a_network, a_task
from tests.text_parts import TEXT_MODELS, a_text_context, a_text_network, names


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A context and a network that has learned digits."""
    ctx = a_context(tmp_path_factory.mktemp("collapse"))
    network = a_network(ctx, lively=False)
    train(network, ctx, Schedule(6, 0.1))
    return ctx, network


@pytest.fixture
def sound(trained):
    import copy

    ctx, network = trained
    ctx.warnings.clear()
    ctx.cures.clear()
    return ctx, copy.deepcopy(network)


def test_a_sound_network_is_left_alone_and_stays_as_it_is(sound):
    ctx, network = sound
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    collapse.inspect(network, ctx)
    assert (ctx.warnings, ctx.cures) == ([], [])
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_a_dead_layer_is_named_before_what_follows_from_it(sound):
    ctx, network = sound
    units = [module for module in network.modules() if isinstance(module, ConvUnit)]
    with torch.no_grad():
        units[1].norm.weight.zero_()
        units[1].norm.bias.fill_(-1)
    collapse.inspect(network, ctx)
    assert ctx.cures == [FLOOR]
    assert ctx.warnings[0].startswith("Convolution 2 is dead")


def test_drifted_statistics_are_recognized(sound):
    ctx, network = sound
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean += 3 * module.running_var.sqrt()
    collapse.inspect(network, ctx)
    assert ctx.cures == [RECALIBRATE]
    assert "with the kept statistics" in ctx.warnings[0]


def test_accuracy_at_chance_is_told_with_what_chance_is(sound):
    ctx, network = sound
    with torch.no_grad():
        network.head.linear.weight.normal_(generator=torch.Generator().manual_seed(0))
        network.head.linear.weight[:] = network.head.linear.weight[torch.arange(10).roll(5)]
        network.head.linear.weight.mul_(-1)
    collapse.inspect(network, ctx)
    assert ctx.cures in ([RECOVER], [])
    assert not ctx.cures or "at chance" in ctx.warnings[0]


@pytest.mark.parametrize(
    ("losses", "told"), [([1.0, 0.5], False), ([1.0], False), ([1.0, 1.02], False), ([1, 2], True)]
)
def test_a_loss_that_rises_asks_for_a_lower_rate(losses, told):
    found = collapse.rising(losses, 0.5)
    assert (found is not None) == told
    assert found is None or (found.cure == LOWER_RATE and "rate up to 0.5" in found.sentence)


def test_a_failure_carries_its_cure(home):
    ctx = a_context(home)
    with pytest.raises(TrainingFailed) as failed:
        train(a_network(ctx), ctx, Schedule(2, 1e30))
    assert failed.value.cure == LOWER_RATE
    network = a_network(ctx)
    with torch.no_grad():
        network.head.linear.bias[3] = 1e4
    with pytest.raises(TrainingFailed) as collapsed:
        train(network, ctx, Schedule(1, 1e-6))
    assert collapsed.value.cure == LOWER_RATE


@pytest.mark.parametrize("model", TEXT_MODELS)
def test_a_living_network_for_texts_has_no_dead_layer(home, model):
    ctx = a_text_context(home)
    assert collapse.dead_layer(a_text_network(ctx, model), names(ctx)) == ""


def networks_of(home, monkeypatch, start, *steps):
    """What a real run says while its network steps are done; `start` is where it begins."""
    monkeypatch.setattr(pipeline, "obtain", lambda *_: start)
    monkeypatch.setattr(variants, "SECONDS", 0.0)
    events = []
    job = pipeline._Job(a_task(home, steps=steps), events.append, lambda: False)
    job.networks()
    return job.ctx, events


def test_drifted_statistics_are_told_between_steps_and_not_kept_once_cured(sound, home, monkeypatch):
    _, network = sound
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean += 3 * module.running_var.sqrt()
    monkeypatch.setattr(prune_weights, "recalibrate", lambda *_: None)
    ctx, events = networks_of(home, monkeypatch, network, "prune-weights:sparsity=0.1", "recalibrate")
    (told,) = [event for event in events if event.trouble]
    assert "batch-norm statistics have drifted" in told.message and told.stage == "Zero"
    assert (ctx.warnings, ctx.cures) == ([], [])


def test_a_layer_that_a_step_leaves_dead_is_told_before_the_next_begins(sound, home, monkeypatch):
    _, network = sound
    units = [module for module in network.modules() if isinstance(module, ConvUnit)]
    with torch.no_grad():
        units[1].norm.bias.fill_(-1)
    ctx, events = networks_of(home, monkeypatch, network, "prune-weights:sparsity=0.99", "recalibrate")
    stages = [event.stage for event in events if event.trouble and "is dead" in event.message]
    assert stages == ["Zero", "Recalibrate"] and ctx.cures == [FLOOR]
