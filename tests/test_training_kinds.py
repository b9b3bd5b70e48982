"""The one training loop on texts and on users: the model's optimizer, several true labels, the data set's metric."""

import json
import math

import pytest
import torch

from optim import collapse, recipes, variants
from optim.catalog import MODELS
from optim.context import Variant
from optim.errors import KnobError, RecipeError, TrainingFailed
from optim.inference import evaluate
from optim.optimizers import optimizer
from optim.records import Recipe
from optim.techniques.distill import distill
from optim.techniques.fine_tune import fine_tune
from optim.training import Schedule, batch_size, hard_loss, recalibrate, targets, train
from tests.small_kinds import BAG, LETTERS, TASTES, a_bag, a_context, on_the_menu


@pytest.mark.parametrize("row", [LETTERS, TASTES], ids=lambda row: row.name)
@pytest.mark.parametrize("variant", [Variant(), Variant(threads=1, replicas=2)], ids=str)
def test_training_learns_and_returns_what_it_came_to(home, row, variant):
    ctx = a_context(home, row, variant=variant)
    network = a_bag(row)
    before = evaluate(network, ctx, ctx.validation_items)
    found = train(network, ctx, Schedule(row.epochs, BAG.scratch_rate))
    assert evaluate(network, ctx, ctx.validation_items) == pytest.approx(found)
    assert found > before + 0.1


def test_several_true_labels_share_the_loss_equally():
    labels = torch.tensor([[True, False, True, False], [False, False, False, True], [False] * 4])
    assert targets(labels).tolist() == [[0.5, 0, 0.5, 0], [0, 0, 0, 1], [0] * 4]
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]] * 3)
    log_p = torch.log_softmax(logits[0], 0)
    expected = -((log_p[0] + log_p[2]) / 2 + log_p[3]) / 3
    assert float(hard_loss(0.0)(logits, labels, torch.arange(3))) == pytest.approx(float(expected))
    classes = torch.tensor([1, 3])
    assert targets(classes) is classes


def test_what_was_seen_is_left_out_of_the_ranking(home):
    ctx = a_context(home, TASTES)
    seen = ctx.validation_items
    blind = seen._replace(seen=None)
    network = a_bag(TASTES)
    train(network, ctx, Schedule(20, BAG.scratch_rate))
    assert evaluate(network, ctx, seen) > evaluate(network, ctx, blind)


def test_each_model_has_its_optimizer_and_decay_means_the_same_pull():
    network = a_bag(LETTERS)
    slow, fast = (optimizer(network, row, row.scratch_rate, 5e-4) for row in (BAG, MODELS["cnn"]))
    assert isinstance(slow, torch.optim.AdamW) and isinstance(fast, torch.optim.SGD)
    pulls = [one.param_groups[0]["weight_decay"] * one.param_groups[0]["lr"] for one in (slow, fast)]
    assert pulls[0] == pytest.approx(pulls[1])


def test_automatic_rates_follow_the_model(home):
    ctx = a_context(home, LETTERS)
    assert ctx.automatic_rate == 1e-3
    ctx.from_scratch = True
    assert ctx.automatic_rate == 3e-3


@pytest.mark.parametrize("row", [LETTERS, TASTES], ids=lambda row: row.name)
def test_the_training_techniques_work(home, row):
    ctx = a_context(home, row)
    wise = a_bag(row)
    train(wise, ctx, Schedule(row.epochs, BAG.scratch_rate))
    ctx.teacher = lambda name: wise
    ctx.from_scratch = True
    for technique in (fine_tune, distill):
        taught = technique(a_bag(row, seed=1), ctx, epochs=row.epochs)
        assert evaluate(taught, ctx, ctx.validation_items) > evaluate(a_bag(row, seed=1), ctx, ctx.validation_items)


@pytest.mark.parametrize("row", [LETTERS, TASTES], ids=lambda row: row.name)
def test_only_arithmetic_that_suits_the_data_is_tried(home, row):
    ctx = a_context(home, row)
    assert [str(variant) for variant in variants.layouts_for(ctx)] == ["fp32"]
    chosen, speeds = variants.timed_choice(a_bag(row), ctx)
    assert not chosen.bf16 and not chosen.channels_last and all(speed > 0 for speed in speeds.values())
    assert variants.may_be_split(a_bag(row))
    drawing = torch.nn.Sequential(torch.nn.LSTM(2, 2, num_layers=2, dropout=0.1))
    assert not variants.may_be_split(drawing)


def test_a_choice_of_an_older_version_names_no_layout_of_texts(home):
    older = {"key": {"chosen": {"bf16": False, "channels_last": False, "threads": 2, "replicas": 1}}}
    (home / "cache").mkdir(parents=True)
    (home / "cache" / "variants.json").write_text(json.dumps(older))
    ctx = a_context(home, LETTERS)
    assert str(variants.choose_variant(a_bag(LETTERS), ctx, "key")) == "fp32, 2 threads"


def test_without_batch_norm_nothing_is_recalibrated(home):
    ctx = a_context(home, LETTERS)
    network = a_bag(LETTERS)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    recalibrate(network, ctx)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_the_guard_knows_chance_in_texts_and_popularity_in_rankings(home):
    letters, tastes = a_context(home, LETTERS), a_context(home, TASTES)
    for ctx, told in ((letters, "at chance"), (tastes, "no better than popularity")):
        blank = a_bag(ctx.row)
        torch.nn.init.zeros_(blank.linear.weight)
        torch.nn.init.zeros_(blank.linear.bias)
        collapse.inspect(blank, ctx)
        assert any(told in warning for warning in ctx.warnings), ctx.warnings
        trained, ctx.warnings = a_bag(ctx.row), []
        train(trained, ctx, Schedule(ctx.row.epochs, BAG.scratch_rate))
        collapse.inspect(trained, ctx)
        assert not ctx.warnings


def test_a_ranking_that_is_better_than_popularity_by_luck_alone_is_told(home, monkeypatch):
    ctx = a_context(home, TASTES)
    trained = a_bag(ctx.row)
    train(trained, ctx, Schedule(ctx.row.epochs, BAG.scratch_rate))

    def nearly_as_good(ctx, items):
        usual = collapse.worth_of(collapse._logits(trained, items.inputs), items, ctx).astype(float)
        usual[usual.argmax()] = 0.0
        return usual

    monkeypatch.setattr(collapse, "_by_popularity", nearly_as_good)
    collapse.inspect(trained, ctx)
    assert "is not surely better than popularity" in ctx.warnings[0] and "paired difference" in ctx.warnings[0]


def test_a_collapsed_network_is_named(home):
    ctx = a_context(home, LETTERS)
    network = a_bag(LETTERS)
    with torch.no_grad():
        network.linear.bias[1] = 1e4
    with pytest.raises(TrainingFailed, match="every word the same answer"):
        train(network, ctx, Schedule(1, 1e-6))
    assert batch_size(ctx) == 32 and math.isfinite(ctx.automatic_rate)


def test_a_recipe_holds_only_what_means_something_for_its_data(monkeypatch):
    on_the_menu(monkeypatch)
    whole = recipes.complete(Recipe(dataset="tastes", model="bag", steps=(recipes.parse_step("fine-tune"),)))
    assert "augment" not in whole.steps[0].knobs
    assert recipes.complete(whole) == whole
    with pytest.raises(KnobError, match="augment means nothing for recommendation data"):
        recipes.complete(whole.with_(steps=(recipes.parse_step("fine-tune:augment=false"),)))
    with pytest.raises(RecipeError, match="quantize-int8 cannot be used on bag with recommendation data"):
        recipes.complete(whole.with_(steps=(recipes.parse_step("quantize-int8"),)))
    with pytest.raises(RecipeError, match="cnn does not take recommendation data"):
        recipes.complete(whole.with_(model="cnn"))
    with pytest.raises(RecipeError, match="cnn does not take recommendation data"):
        recipes.complete(whole.with_(steps=(recipes.parse_step("distill:teacher=cnn"),)))
