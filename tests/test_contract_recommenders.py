"""Every technique that the table allows on a recommender works there: its file passes the gate on real users."""

import pytest
import torch

from optim import catalog, gate, matrix, recipes
from optim.baseline_training import obtain
from optim.context import Context
from optim.export import as_trained, export
from optim.records import Recipe
from tests.recommending import DATA, MODELS, a_context, a_recommender

NETWORK_STEPS = {
    "prune-channels": "prune-channels:sparsity=0.5",
    "prune-weights": "prune-weights:sparsity=0.5",
    "low-rank": "low-rank:rank=0.5,smallest=0",
    "fine-tune": "fine-tune:epochs=1",
    "distill": "distill:epochs=1",
}
USERS, WIDTH = 48, 0.125
WORKS = [
    (row.name, model)
    for row in catalog.TECHNIQUES.values()
    for model in MODELS
    if row.stage == "file" and matrix.works(row.name, model)
]


def a_few(home, model) -> Context:
    """The context of few users, with a folder for the file."""
    home.mkdir(parents=True, exist_ok=True)
    ctx = a_context(home, model)
    ctx.splits = ctx.splits.first(train=USERS, validation=USERS)
    return ctx


def test_all_that_works_is_under_contract():
    network = {row.name for row in catalog.TECHNIQUES.values() if row.stage == "network"}
    for model in MODELS:
        assert {name for name in network if matrix.works(name, model)} == set(NETWORK_STEPS)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("technique", NETWORK_STEPS)
def test_network_steps_on_rankings(home, templates, technique, model):
    ctx = a_few(home, model)
    network = a_recommender(ctx, model, WIDTH)
    ctx.teacher = lambda name: a_recommender(ctx, model, WIDTH)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    step = recipes.complete_step(recipes.parse_step(NETWORK_STEPS[technique]))
    changed = catalog.load(catalog.technique(technique).function)(network, ctx, **step.knobs)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    export(changed, ctx.row, Recipe(dataset=DATA, model=model), home / "model.onnx", templates)
    parity, checks = gate.check_fp32(home / "model.onnx", as_trained(changed), ctx.splits)
    assert parity.passed and all(check.passed for check in checks)


@pytest.mark.parametrize(("technique", "model"), WORKS)
def test_file_steps_on_rankings(home, templates, technique, model):
    """Of the shipped network: the gate asks for the same first ten, which random scores do not keep."""
    ctx = a_few(home, model)
    path = home / "model.onnx"
    export(obtain(model, 1.0, ctx), ctx.row, Recipe(dataset=DATA, model=model), path, templates)
    before = path.read_bytes()
    step = recipes.complete_step(recipes.parse_step(technique))
    made = catalog.load(catalog.technique(technique).function)(path, ctx, **step.knobs)
    assert path.read_bytes() == before and made.stat().st_size < len(before)
    parity, checks = gate.check_int8(made, path, ctx.splits)
    assert parity.passed and all(check.passed for check in checks)
