"""A score does not depend on who shares a call: texts and users are asked about one by one."""

import numpy as np
import pytest

from optim import catalog, keeping
from optim.baseline_training import obtain
from optim.context import Context, read_splits
from optim.export import export
from optim.records import Recipe
from optim.runtime import logits, open_session
from optim.techniques.quantize_dynamic import quantize_dynamic

ITEMS = 400


@pytest.mark.parametrize(("data", "model"), [("names", "lstm"), ("movielens-small", "two-tower")])
def test_answers_of_an_8_bit_file_do_not_depend_on_the_order_of_items(home, templates, data, model):
    row, splits = catalog.dataset(data), read_splits(data)
    ctx = Context(row, splits, home, model=catalog.model(model))
    home.mkdir(parents=True, exist_ok=True)
    export(obtain(model, 1.0, ctx), row, Recipe(dataset=data, model=model), home / "model.onnx", templates)
    session = open_session(quantize_dynamic(home / "model.onnx", ctx))
    order = np.random.default_rng(0).permutation(ITEMS)
    asked = [keeping.ask(session, row, chosen(splits, places), "validation") for places in (np.arange(ITEMS), order)]
    for name, before in asked[0].worth.items():
        assert np.array_equal(before[order], asked[1].worth[name])
    for name, before in asked[0].kept.items():
        assert np.array_equal(before[order], asked[1].kept[name]), name
    inputs = splits.validation.inputs[:ITEMS]
    assert not np.array_equal(logits(session, inputs)[order], logits(session, inputs[order])), "together it would"


def chosen(splits, places):
    """The splits with these items of validation alone."""
    some = splits.validation._replace(**{k: v[places] for k, v in splits.validation._asdict().items() if v is not None})
    seen = None if splits.seen is None else {**splits.seen, "validation": splits.seen["validation"][places]}
    return splits._replace(validation=some, seen=seen)
