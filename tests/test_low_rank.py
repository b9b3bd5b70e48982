"""Low rank: the nearest product of two thin matrices, and nothing else changes."""

import numpy as np
import pytest
import torch

from optim.cost import count
from optim.errors import RequestError
from optim.export import as_trained, export
from optim.gate import check_fp32
from optim.importance import norms
from optim.plan import cost
from optim.records import Recipe
from optim.surgery import anatomy, cut
from optim.techniques.low_rank import halves, low_rank
from tests.heavy import a_context as an_image_context
from tests.heavy import a_network, images
from tests.recommending import MODELS, a_context, a_recommender, users
from tests.test_surgery import zeroed
from tests.text_parts import a_text_context, a_text_network, names


@pytest.mark.parametrize("shape", [(12, 7), (7, 12)])
def test_a_higher_rank_never_reconstructs_worse_and_full_rank_is_exact(shape):
    matrix = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    errors = []
    for units in range(1, 8):
        outer, inner = halves(matrix, units)
        assert (outer.shape, inner.shape) == ((shape[0], units), (units, shape[1]))
        errors.append(float((outer @ inner - matrix).norm()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-5


@pytest.mark.parametrize("model", MODELS)
def test_full_rank_changes_no_answer(home, model):
    """Also where it is carried out: the share is so large that two matrices would be no smaller, so it is forced."""
    ctx = a_context(home, model)
    network = a_recommender(ctx, model)
    parts = {name: part.matrix() for name, part in network.named_modules() if hasattr(part, "matrix")}
    ranks = {f"{name}.rank": min(matrix.shape) for name, matrix in parts.items() if matrix is not None}
    assert ranks
    thin = network.rebuild({**network.widths, **ranks})
    thin.load_state_dict({k: v for k, v in network.state_dict().items() if k in thin.state_dict()}, strict=False)
    for name, matrix in parts.items():
        if matrix is not None:
            first, second = thin.get_submodule(name).children()
            second.inherit(network.get_submodule(name))
            outer, inner = halves(matrix, min(matrix.shape))
            first.put(inner)
            second.put(outer)
    x = users(ctx)
    with torch.no_grad():
        torch.testing.assert_close(thin.eval()(x), network(x), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_the_answers_come_nearer_with_the_rank_and_the_plan_knows_the_size(home, model):
    ctx = a_context(home, model)
    network = a_recommender(ctx, model, 0.25)
    x = users(ctx)
    with torch.no_grad():
        errors, sizes = [], []
        for rank in (0.2, 0.5, 0.9):
            thin = low_rank(network, ctx, rank=rank)
            errors.append(float((thin(x) - network(x)).norm()))
            sizes.append(sum(tensor.numel() for tensor in thin.parameters()))
            params, _ = cost(anatomy(thin, ctx.row, "any", 0.25), {})
            assert params == sizes[-1] or model == "two-tower"
    assert errors[-1] < errors[0]
    assert sizes == sorted(sizes)
    assert not ctx.warnings


def test_what_was_split_can_be_pruned_and_kept(home, tmp_path):
    from optim.cache import read_network, write_network

    ctx = a_context(home)
    network = a_recommender(ctx, "matrix-factorization", 0.25)
    thin = low_rank(network, ctx, rank=0.5)
    assert thin.widths["scores.rank"] == 8
    write_network(tmp_path, thin)
    again = read_network(tmp_path, network)
    x = users(ctx)
    with torch.no_grad():
        assert torch.equal(again(x), thin(x))
        assert cut(again, {"scores.rank": torch.arange(4).numpy()})(x).shape == (8, 9066)


@pytest.mark.parametrize("model", ["cnn", "resnet8"])
def test_convolutions_are_split_too(home, model):
    ctx = an_image_context(home)
    network = a_network(ctx, model, 0.5)
    x = images(ctx)
    with torch.no_grad():
        errors = [float((low_rank(network, ctx, rank=r)(x) - network(x)).norm()) for r in (0.1, 0.7)]
    assert errors[1] < errors[0]
    thin = low_rank(network, ctx, rank=0.5)
    assert cost(anatomy(thin, ctx.row, "any", 0.5), {})[0] < cost(anatomy(network, ctx.row, "any", 0.5), {})[0]


@pytest.mark.parametrize("model", ["lstm", "gru-2", "textcnn", "transformer"])
def test_networks_for_texts_are_split_and_the_plan_is_that_of_the_file(home, templates, model):
    ctx = a_text_context(home)
    network, x = a_text_network(ctx, model), names(ctx)
    home.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        errors = [float((low_rank(network, ctx, rank=r, smallest=0)(x) - network(x)).norm()) for r in (0.1, 0.3)]
    assert errors[1] < errors[0]
    thin = low_rank(network, ctx, rank=0.3, smallest=0)
    body = anatomy(thin, ctx.row, model, 0.25)
    assert cost(body, {})[0] < cost(anatomy(network, ctx.row, model, 0.25), {})[0]
    made = export(thin, ctx.row, Recipe(dataset="names", model=model), home / "model.onnx", templates)
    assert count(made) == cost(body, {})
    check_fp32(home / "model.onnx", as_trained(thin), ctx.splits)


@torch.no_grad()
@pytest.mark.parametrize("model", ["lstm", "textcnn", "transformer"])
def test_a_unit_of_the_rank_of_a_text_network_can_be_removed(home, model):
    ctx = a_text_context(home)
    thin, x = low_rank(a_text_network(ctx, model), ctx, rank=0.3, smallest=0), names(ctx)
    ranks = [group for group in thin.labels if group.endswith(".rank")]
    assert {"table.rank", "head.rank"} <= set(ranks)
    for group in ranks:
        kept = {group: np.arange(1, thin.widths[group])}
        torch.testing.assert_close(cut(thin, kept)(x), zeroed(thin, group, [0])(x), rtol=1e-4, atol=1e-5)
    assert set(norms(thin, "l2")) == set(thin.labels)


def test_a_rank_that_makes_nothing_smaller_warns_and_changes_nothing(home):
    ctx = a_context(home)
    network = a_recommender(ctx, "matrix-factorization")
    same = low_rank(network, ctx, rank=1.0)
    assert same.widths == network.widths
    assert "no smaller" in ctx.warnings[0]


def test_a_network_without_matrices_is_refused(home, monkeypatch):
    ctx = a_context(home)
    network = a_recommender(ctx, "matrix-factorization")
    for part in (network.users, network.scores):
        monkeypatch.setattr(part, "matrix", lambda: None)
    with pytest.raises(RequestError, match="No matrix"):
        low_rank(network, ctx)
