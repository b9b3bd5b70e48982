import json

import numpy as np
import onnx
import pytest
import torch

from optim import cost, gate
from optim.cache import StepCache
from optim.data.splits import Splits
from optim.errors import GateFailed
from optim.export import as_trained, export, fold
from optim.plan import cost as planned_cost
from optim.records import Recipe
from optim.runtime import logits, open_session
from optim.surgery import anatomy, cut
from optim.techniques.quantize_int8 import quantize_int8
from tests import small_kinds
from tests.heavy import IMAGE_MODELS, a_context, a_network, images


@pytest.fixture
def exported(home, templates):
    """Export a network into the test's own folder."""

    def made(network, ctx, model="cnn", templates=templates):
        path = home / "model.onnx"
        home.mkdir(parents=True, exist_ok=True)
        export(network, ctx.row, Recipe(dataset="digits", model=model), path, templates)
        return path

    return made


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_export_answers_like_the_network_pruned_or_not(home, templates, exported, model):
    ctx = a_context(home)
    network = a_network(ctx, model)
    pruned = cut(network, {group: np.arange(0, network.widths[group], 2) for group in network.labels})
    exported(network, ctx, model)
    traced = set(templates.iterdir())
    for each in (network, pruned):
        path = exported(each, ctx, model)
        parity, checks = gate.check_fp32(path, as_trained(each), ctx.splits)
        assert parity.passed and parity.max_rel_diff <= gate.TOLERANCE and parity.n == 1000
        assert len(checks) == 3 and all(check.passed for check in checks)
        body = anatomy(each, ctx.row, model, 0.5)
        assert cost.count(onnx.load(path)) == planned_cost(body, {})
    assert set(templates.iterdir()) == traced, "other widths need no other graph"


def test_the_gate_asks_of_each_real_item_once():
    """Users of train are those of validation; other items are not."""
    row, splits = small_kinds.TASTES, small_kinds.tastes()
    assert len(gate.real_images(splits)) == row.sizes["validation"] < gate.ITEMS
    splits = small_kinds.letters()
    assert len(gate.real_images(splits)) == sum(small_kinds.LETTERS.sizes[name] for name in ("train", "validation"))
    assert gate._many(gate.real_images(splits), splits) == "420 texts"


def test_folding_changes_no_answer(home):
    ctx = a_context(home)
    network = a_network(ctx, "resnet8")
    with torch.no_grad():
        torch.testing.assert_close(fold(network)(images(ctx)), network(images(ctx)), rtol=1e-4, atol=1e-5)


def test_a_zero_bias_survives_the_template(home, exported):
    ctx = a_context(home)
    network = a_network(ctx, lively=False)
    path = exported(network, ctx, templates=home / "own")
    gate.check_fp32(path, as_trained(network), ctx.splits)


def test_the_file_says_what_it_is(home, exported):
    ctx = a_context(home)
    path = exported(a_network(ctx), ctx)
    facts = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
    assert Recipe.from_json(facts["recipe"]).dataset == "digits"
    assert json.loads(facts["labels"]) == list(ctx.row.classes)
    assert facts["metric"] == "accuracy" and "torch" in json.loads(facts["versions"])
    session = open_session(path)
    assert [i.name for i in session.get_inputs()] == ["input"] and [o.name for o in session.get_outputs()] == ["logits"]


def test_a_file_with_other_weights_fails_the_gate(home, exported):
    ctx = a_context(home)
    network = a_network(ctx)
    path = exported(network, ctx)
    with torch.no_grad():
        network.head.linear.weight.mul_(1.01)
    with pytest.raises(GateFailed, match="same answers as the network"):
        gate.check_fp32(path, as_trained(network), ctx.splits)


def test_a_truncated_file_fails_the_gate(home, exported):
    ctx = a_context(home)
    path = exported(a_network(ctx), ctx)
    model = onnx.load(path)
    model.graph.node[-1].op_type = "Nonsense"
    onnx.save(model, path)
    with pytest.raises(GateFailed, match="checker refused"):
        gate.check_structure(path)


def test_the_gate_says_what_it_found_instead(tmp_path):
    shape = (onnx.TensorProto.FLOAT, [4, 3])
    ends = ([onnx.helper.make_tensor_value_info(name, *shape)] for name in ("x", "logits"))
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["logits"])], "g", *ends)
    opset = onnx.helper.make_opsetid("", 18)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=10), tmp_path / "m.onnx")
    with pytest.raises(GateFailed) as refused:
        gate.check_structure(tmp_path / "m.onnx")
    given = str(refused.value.given)
    assert given.startswith("found input ['x'], output ['logits']; a fixed batch size, needed input")
    assert "one file" not in given


def test_int8_sees_train_only_and_leaves_its_parent(home, exported):
    ctx = a_context(home)
    train = ctx.splits.train
    blind = train._replace(inputs=np.full_like(train.inputs, np.nan)[:1])
    ctx.splits = Splits(train, blind, blind, mirrored=False)
    parent = exported(a_network(ctx), ctx)
    before = parent.read_bytes()
    made = quantize_int8(parent, ctx, calibration_items=64)
    assert parent.read_bytes() == before and made != parent
    assert np.isfinite(logits(open_session(made), train.inputs[:8])).all()
    weights = {t.data_type for t in onnx.load(made).graph.initializer if len(t.dims) == 4}
    assert weights == {onnx.TensorProto.INT8}


def test_the_cache_gives_back_what_it_was_given_and_forgets_the_oldest(home):
    ctx = a_context(home)
    network = a_network(ctx)
    store = StepCache(home / "steps")
    assert store.get("a", network) is None
    store.put("a", network)
    again = store.get("a", network)
    with torch.no_grad():
        assert torch.equal(again(images(ctx)), network(images(ctx)))
    store.limit_bytes = 1
    store.put("b", network)
    assert store.get("a", network) is None


def test_a_damaged_cache_entry_is_as_good_as_none(home):
    ctx = a_context(home)
    network = a_network(ctx)
    store = StepCache(home / "steps")
    store.put("a", network)
    (home / "steps" / "a" / "weights.safetensors").write_bytes(b"half")
    assert store.get("a", network) is None
