"""Networks for texts: exact under padding, prunable unit by unit, exported as they are."""

import dataclasses

import numpy as np
import onnx
import pytest
import torch

from optim import cost, gate
from optim.batching import arranged, trimmed
from optim.data.splits import Splits
from optim.errors import GateFailed
from optim.export import as_trained, export, filled, fold
from optim.importance import norms, taylor
from optim.models.recurrent_ops import stepped
from optim.plan import cost as planned_cost
from optim.plan import prune_plan
from optim.records import Recipe
from optim.runtime import logits, open_session
from optim.surgery import anatomy, cut
from optim.training import Schedule, train
from tests.test_surgery import KNOBS, zeroed
from tests.text_parts import TEXT_MODELS, a_text_context, a_text_network, names

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(params=TEXT_MODELS)
def model(request):
    return request.param


@torch.no_grad()
def test_padding_changes_no_answer(home, model):
    ctx = a_text_context(home)
    network, x = a_text_network(ctx, model), names(ctx)
    whole = network(x)
    for line, expected in zip(x, whole, strict=True):
        alone = line[None, : int((line != 0).sum())]
        torch.testing.assert_close(network(alone)[0], expected, **CLOSE)
    torch.testing.assert_close(fold(network)(trimmed(x, ctx.row)), whole, **CLOSE)


@torch.no_grad()
def test_zeroed_equals_removed_for_every_group(home, model):
    ctx = a_text_context(home)
    network, x = a_text_network(ctx, model, 0.5), names(ctx)
    for group, size in ((name, network.widths[name]) for name in network.labels):
        gone = [0, size // 2] if size > 2 else [0]
        kept = {group: np.setdiff1d(np.arange(size), gone)}
        torch.testing.assert_close(cut(network, kept)(x), zeroed(network, group, gone)(x), **CLOSE)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5])
def test_the_plan_is_executed_to_the_last_parameter(home, model, share):
    ctx = a_text_context(home)
    network = a_text_network(ctx, model, 0.5)
    plan = prune_plan(anatomy(network, ctx.row, "any", 0.5), {**KNOBS, "sparsity": share})
    again = anatomy(cut(network, plan.kept), ctx.row, "any", 0.5)
    assert again.sizes() == plan.widths
    assert planned_cost(again, {}) == (plan.params, plan.macs)


def test_the_file_answers_like_the_network_pruned_or_not(home, model, templates):
    ctx = a_text_context(home)
    network = a_text_network(ctx, model, 0.5)
    pruned = cut(network, {group: np.arange(0, network.widths[group], 2) for group in network.labels})
    home.mkdir(parents=True, exist_ok=True)
    for each in (network, pruned):
        path = home / "model.onnx"
        made = export(each, ctx.row, Recipe(dataset="names", model=model), path, templates)
        parity, checks = gate.check_fp32(path, as_trained(each), ctx.splits)
        assert parity.max_rel_diff <= gate.TOLERANCE and "any length up to 24," in checks[0].fact
        assert cost.count(made) == planned_cost(anatomy(each, ctx.row, model, 0.5), {})
        kinds = [node.op_type for node in made.graph.node]
        assert kinds.count("LSTM") + kinds.count("GRU") == len(getattr(network, "layers", ()))


@torch.no_grad()
def test_an_empty_text_gets_finite_answers_from_network_and_file(home, model, templates):
    ctx = a_text_context(home)
    network, nothing = a_text_network(ctx, model), np.zeros((2, 24), dtype=np.int64)
    home.mkdir(parents=True, exist_ok=True)
    export(network, ctx.row, Recipe(dataset="names", model=model), home / "model.onnx", templates)
    told, expected = (
        logits(open_session(home / "model.onnx"), nothing),
        fold(network)(torch.from_numpy(nothing)).numpy(),
    )
    assert np.isfinite(told).all() and gate.difference(told, expected) <= gate.TOLERANCE


def test_other_widths_need_no_other_graph(home, model, tmp_path):
    ctx = a_text_context(home)
    network = a_text_network(ctx, model, 0.5)
    fewer = {name: np.arange(0, network.widths[name], 2) for name in network.labels}
    for each in (network, cut(network, fewer)):
        export(each, ctx.row, Recipe(dataset="names", model=model), tmp_path / "model.onnx", tmp_path / "templates")
    assert len(list((tmp_path / "templates").iterdir())) == 1
    assert filled(onnx.load(next((tmp_path / "templates").iterdir())), fold(each)) is not None


def test_a_file_of_one_length_fails_the_gate(home, templates):
    ctx = a_text_context(home)
    path = home / "model.onnx"
    home.mkdir(parents=True, exist_ok=True)
    made = export(a_text_network(ctx, "textcnn"), ctx.row, Recipe(dataset="names", model="textcnn"), path, templates)
    made.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 24
    onnx.save(made, path)
    with pytest.raises(GateFailed, match="valid ONNX") as refused:
        gate.check_structure(path)
    assert "a fixed length" in str(refused.value.given)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_step_by_step_is_what_pytorch_does(home, kind):
    ctx = a_text_context(home)
    network, x = a_text_network(ctx, f"{kind}-2"), names(ctx)
    part, lengths = network.layers[0], (x != 0).sum(1)
    vectors = network.table(x)
    w, r, b = part.joined()
    (_, expected), (states, last) = part(vectors, lengths), stepped(kind, vectors, w, r, b, lengths)
    torch.testing.assert_close(last, expected, **CLOSE)
    assert not states[x == 0].any()


@torch.no_grad()
def test_what_a_head_likes_depends_on_the_distance_alone_and_stays_when_it_is_folded(home):
    part = a_text_network(a_text_context(home), "transformer").attention[0].distances
    liked = part(9)
    assert liked.shape == (part.liked.shape[0], 9, 9)
    torch.testing.assert_close(liked[:, 1:, 1:], liked[:, :-1, :-1])
    assert not torch.equal(liked, liked.transpose(1, 2)), "back is not ahead"
    part.fold()
    torch.testing.assert_close(part(9), liked)


def test_taylor_finds_what_changes_nothing(home, model):
    ctx = a_text_context(home)
    few = ctx.splits.train._replace(inputs=ctx.splits.train.inputs[:64], labels=ctx.splits.train.labels[:64])
    ctx.splits = Splits(few, ctx.splits.validation, ctx.splits.test, mirrored=False)
    network = a_text_network(ctx, model, 0.5)
    for group in network.labels:
        silent = zeroed(network, group, [1])
        found = taylor(silent, ctx)[group]
        assert found[1] == pytest.approx(0, abs=1e-9) and max(found) > 0
        assert norms(silent, "l2")[group][1] == 0


def test_a_network_learns_and_the_seed_decides(home):
    ctx = a_text_context(home, "gru")
    few = [part._replace(inputs=part.inputs[:640], labels=part.labels[:640]) for part in ctx.splits[:3]]
    ctx.splits = Splits(*few, mirrored=False)
    networks = [a_text_network(ctx, "gru") for _ in range(2)]
    values = [train(network, ctx, Schedule(3, 1e-2)) for network in networks]
    assert values[0] == values[1] > 0.1


def test_texts_go_through_beside_texts_of_like_length(home):
    ctx = a_text_context(home)
    inputs, random = ctx.train_items.inputs, torch.Generator().manual_seed(0)
    order = torch.randperm(1000, generator=random)
    found = arranged(order, inputs, 96, ctx.row, random)
    assert sorted(found.tolist()) == sorted(order.tolist())
    widths = [trimmed(inputs[part], ctx.row).shape[1] for part in found[:960].split(96)]
    assert np.mean(widths) < 12 < trimmed(inputs[order], ctx.row).shape[1]
    image = dataclasses.replace(ctx.row, kind="image")
    assert torch.equal(arranged(order, inputs, 96, image, random), order)
