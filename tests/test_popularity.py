"""The rival of every recommender is computed, and what the menu says of it and of the shipped models is measured."""

import json

import numpy as np
import pytest
import torch

from optim import baselines, catalog, marks
from optim.baseline_training import obtain
from optim.errors import RequestError
from optim.inference import logits_of
from optim.popularity import popularity, words
from tests.recommending import DATA, MODELS, a_context


def test_the_menu_says_what_popularity_reaches():
    assert words(DATA) in catalog.dataset(DATA).help


def test_classes_have_no_popularity():
    with pytest.raises(RequestError, match="recommendation"):
        popularity("digits")


@pytest.mark.parametrize("model", MODELS)
def test_the_menu_says_what_the_shipped_models_reach(model):
    card = json.loads((baselines.SHIPPED / DATA / f"{model}-1" / "card.json").read_text())
    reached = ", ".join(f"{100 * card['score'][split]['value']:.2f} %" for split in ("validation", "test"))
    assert f"{model} {reached}" in catalog.dataset(DATA).help
    assert card["seconds"] < 300


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("split", ["validation", "test"])
def test_every_shipped_model_is_above_popularity_by_a_clear_interval(home, model, split):
    """Paired bootstrap over users: the interval of the difference of NDCG at 10 stays above 0."""
    ctx = a_context(home, model)
    labels, seen = getattr(ctx.splits, split).labels, (ctx.splits.seen or {})[split]
    counts = ctx.splits.train.labels.sum(0).astype(np.float32)
    logits = logits_of(obtain(model, 1.0, ctx), ctx, torch.from_numpy(ctx.splits.train.inputs), batch=100).numpy()
    ours, theirs = (
        marks.of(scores, labels, ["ndcg@10"], seen)["ndcg@10"]
        for scores in (logits, np.broadcast_to(counts, labels.shape))
    )
    draws = np.random.default_rng(0).multinomial(len(labels), np.full(len(labels), 1 / len(labels)), size=5000)
    low, high = np.quantile(draws @ (ours - theirs) / len(labels), [0.025, 0.975])
    assert low > 0
    if split == "test":
        told = "{:.1f} ({:.1f} to {:.1f})".format(*(100 * x for x in (float((ours - theirs).mean()), low, high)))
        assert told in catalog.dataset(DATA).help
