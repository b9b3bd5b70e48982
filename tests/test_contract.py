"""Every technique on every model of a text: it works, or refuses in words; the table in the documents says the same."""

from contextlib import closing
from pathlib import Path

import pytest
import torch

from optim import catalog, gate, matrix, recipes
from optim.baseline_training import fresh, obtain
from optim.context import Context, read_splits
from optim.data.splits import Splits
from optim.errors import RequestError
from optim.export import export
from optim.records import Recipe
from optim.training import Loop, Schedule, hard_loss
from tests.test_techniques import NETWORK_STEPS
from tests.text_parts import TEXT_MODELS, a_text_context, a_text_network

ROOT = Path(__file__).parents[1]
FEW_ITEMS = 96
"""As many as let a network that is trained on them tell two apart."""
FEW = {
    "fine-tune": "fine-tune:epochs=2,learning_rate=0.02",
    "distill": "distill:epochs=3,learning_rate=0.02,alpha=0.3",
}


def a_few(ctx):
    """The context with little to train on, and two teachers that know nothing."""
    small = [part._replace(inputs=part.inputs[:FEW_ITEMS], labels=part.labels[:FEW_ITEMS]) for part in ctx.splits[:3]]
    ctx.splits = Splits(*small, mirrored=False)
    return ctx


def written(technique: str) -> str:
    return FEW.get(technique, NETWORK_STEPS.get(technique, technique))


@pytest.mark.parametrize("model", catalog.MODELS)
@pytest.mark.parametrize("technique", catalog.TECHNIQUES)
def test_the_recipe_is_taken_or_refused_as_the_table_says(technique, model):
    data = next(row.name for row in catalog.DATASETS.values() if row.kind in catalog.model(model).dataset_kinds)
    recipe = Recipe(dataset=data, model=model, steps=(recipes.parse_step(written(technique)),))
    if matrix.works(technique, model):
        assert recipes.complete(recipe).steps
    else:
        with pytest.raises(RequestError, match=f"{technique} cannot be used on {model}") as refused:
            recipes.complete(recipe)
        assert refused.value.allowed


@pytest.mark.parametrize("model", catalog.MODELS)
def test_nothing_of_a_fresh_network_is_taken_for_pruned(home, model):
    """Training leaves weights at zero that were zero before; of a fresh network only the row of padding may be."""
    row = next(row for row in catalog.DATASETS.values() if row.kind in catalog.model(model).dataset_kinds)
    ctx = Context(row, read_splits(row.name), home, model=catalog.model(model))
    with closing(Loop(fresh(row.name, model, 0.25, ctx), ctx, Schedule(1, 0.01), hard_loss(0.0))) as loop:
        for _, zero in loop.zeros:
            assert int(zero.flatten(1).all(1).sum()) <= 1


ON_TEXTS = [technique for technique in NETWORK_STEPS if matrix.works(technique, "lstm")]
ONE_BY_ONE = ["lstm", "gru-2", "transformer", "textcnn"]


@pytest.mark.parametrize("model", ONE_BY_ONE)
@pytest.mark.parametrize("technique", ON_TEXTS)
def test_network_steps_on_texts(home, templates, technique, model):
    ctx = a_few(a_text_context(home, model))
    network = a_text_network(ctx, model, lively=not catalog.technique(technique).trains)
    ctx.teacher = lambda name: a_text_network(ctx, model)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    step = recipes.parse_step(written(technique))
    changed = catalog.load(catalog.technique(technique).function)(network, ctx, **step.knobs)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    path = home / "model.onnx"
    home.mkdir(parents=True, exist_ok=True)
    export(changed, ctx.row, Recipe(dataset="names", model=model), path, templates)
    gate.check_fp32(path, changed.cpu().eval(), ctx.splits)


@pytest.mark.parametrize("model", [name for name in TEXT_MODELS if name not in ONE_BY_ONE])
def test_the_other_forms_go_through_every_network_step_in_turn(home, templates, model):
    """The same classes with other numbers of layers and directions: one file at the end tells what any step broke."""
    ctx = a_few(a_text_context(home, model))
    changed = a_text_network(ctx, model, lively=False)
    ctx.teacher = lambda name: a_text_network(ctx, model)
    for technique in sorted(ON_TEXTS, key=lambda name: not catalog.technique(name).trains):
        step, before = recipes.parse_step(written(technique)), changed
        changed = catalog.load(catalog.technique(technique).function)(before, ctx, **step.knobs)
        same = before.state_dict()
        assert any(
            not torch.equal(same.get(name, tensor[..., :0]), tensor) for name, tensor in changed.state_dict().items()
        )
    home.mkdir(parents=True, exist_ok=True)
    export(changed, ctx.row, Recipe(dataset="names", model=model), home / "model.onnx", templates)
    gate.check_fp32(home / "model.onnx", changed.cpu().eval(), ctx.splits)


@pytest.mark.parametrize("model", TEXT_MODELS)
@pytest.mark.parametrize("technique", ["quantize-dynamic", "quantize-int8"])
def test_file_steps_on_texts(home, templates, technique, model):
    if not matrix.works(technique, model):
        pytest.skip("refused, as the table says")
    ctx = a_few(a_text_context(home, model))
    path = home / "model.onnx"
    home.mkdir(parents=True, exist_ok=True)
    export(a_text_network(ctx, model, 0.5), ctx.row, Recipe(dataset="names", model=model), path, templates)
    before = path.read_bytes()
    step = recipes.complete_step(recipes.parse_step(technique))
    made = catalog.load(catalog.technique(technique).function)(path, ctx, **step.knobs)
    assert path.read_bytes() == before and made.stat().st_size < len(before)
    gate.check_structure(made)
    gate.check_reload(made, ctx.splits.validation.inputs[:2])


@pytest.mark.parametrize("model", ["textcnn", "transformer"])
def test_a_trained_network_for_texts_keeps_its_labels_in_8_bits(home, templates, model):
    ctx = a_text_context(home, model)
    network, parent = obtain(model, 1.0, ctx), home / "model.onnx"
    home.mkdir(parents=True, exist_ok=True)
    export(network, ctx.row, Recipe(dataset="names", model=model), parent, templates)
    for name in dict.fromkeys(("quantize-int8", catalog.quantizer(model).name)):
        made = catalog.load(catalog.technique(name).function)(parent, ctx)
        parity, _ = gate.check_int8(made, parent, ctx.splits)
        assert parity.label_agreement > 0.95, name
        assert made.stat().st_size < 0.6 * parent.stat().st_size, name


def test_the_table_in_the_documents_is_that_of_the_catalogue():
    assert matrix.markdown() in (ROOT / "README.md").read_text("utf-8")
