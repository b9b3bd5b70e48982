"""The guard against collapse, with real networks: what is broken is named, what is sound is not."""

import numpy as np
import pytest
import torch
from torch import nn

from optim import collapse, scoring
from optim.cures import FLOOR, LOWER_RATE, RECALIBRATE, RECOVER, UNQUANTIZED
from optim.errors import TrainingFailed
from optim.export import export
from optim.models.network import ConvUnit
from optim.records import Recipe
from optim.techniques.quantize_int8 import quantize_int8
from optim.training import Schedule, train
from tests.heavy import a_context, a_network
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


def test_between_steps_a_dead_layer_is_told_at_once_and_is_no_warning_yet(sound):
    ctx, network = sound
    ctx.events.clear()
    collapse.look(network, ctx)
    assert not [event for event in ctx.events if event.message]
    unit = [module for module in network.modules() if isinstance(module, ConvUnit)][1]
    with torch.no_grad():
        unit.norm.weight.zero_()
        unit.norm.bias.fill_(-1)
    collapse.look(network, ctx)
    (told,) = [event.message for event in ctx.events if event.message]
    assert told.startswith("Convolution 2 is dead") and told.endswith("The next step may mend it.")
    assert (ctx.warnings, ctx.cures) == ([], [])


def worth_in_eight_bits(network, ctx, folder, templates):
    """What each validation item is worth by the network's file, and by that file in 8 bits."""
    recipe, path = Recipe(dataset="digits", model="cnn"), folder / "model.onnx"
    export(network, ctx.row, recipe, path, templates)
    small = quantize_int8(path, ctx)
    plain, rewritten = (scoring.score(file, ctx.row, ctx.splits, ["validation"]).worth for file in (path, small))
    return plain["validation"], rewritten["validation"]


def test_a_fall_by_eight_bits_is_named(sound, tmp_path, templates):
    """One channel of huge values, undone behind it: the same answers in 32 bits, but no room for the others in 8."""
    ctx, network = sound
    collapse.quantized(*worth_in_eight_bits(network, ctx, tmp_path, templates), ctx)
    assert (ctx.warnings, ctx.cures) == ([], [])
    first, second = [module for module in network.modules() if isinstance(module, ConvUnit)][:2]
    with torch.no_grad():
        for tensor in (first.norm.weight, first.norm.bias):
            tensor.mul_(torch.where(torch.arange(len(tensor)) == 0, 1e5, 1.0))
        second.conv.weight[:, 0] /= 1e5
    plain, small = worth_in_eight_bits(network, ctx, tmp_path, templates)
    assert plain.mean() > 0.5 > small.mean()
    collapse.quantized(plain, small, ctx)
    assert ctx.cures == [UNQUANTIZED] and ctx.warnings[0].startswith("Quantizing lost ")


@pytest.mark.parametrize(("lost", "told"), [(0.0, False), (0.02, False), (0.1, True)])
@pytest.mark.parametrize("counted", [True, False])
def test_only_a_fall_beyond_what_eight_bits_usually_cost_is_told(sound, lost, told, counted):
    ctx, _ = sound
    before = np.ones(2000, bool) if counted else np.full(2000, 0.5, np.float32)
    after = before.copy()
    after[: int((1 if counted else 2) * lost * 2000)] = 0
    collapse.quantized(before, after, ctx)
    assert bool(ctx.cures) == told
    assert not told or "10.0 points" in ctx.warnings[0]


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
