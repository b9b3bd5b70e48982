"""What a user is told of a recipe before it is run."""

from __future__ import annotations

import pytest

from optim import catalog, cautions, recipes
from optim.records import Recipe

TOLD = "may win back little"


def said(dataset, model, *steps):
    recipe = recipes.complete(Recipe(dataset=dataset, model=model, steps=tuple(map(recipes.parse_step, steps))))
    return " ".join(cautions.cautions(recipe, ()))


@pytest.mark.parametrize(
    ("dataset", "model"), [("names", "textcnn"), ("movielens-small", "two-tower"), ("fashion-mnist", "resnet8")]
)
def test_fewer_epochs_than_the_first_look_of_a_search_are_said_to_be_few(dataset, model):
    """As seen on names: half a Text CNN lost 8 points after the 3 epochs that images are content with."""
    first, _, last = catalog.dataset(dataset).rungs
    few = said(dataset, model, "prune-channels:sparsity=0.5", f"distill:epochs={first - 1}")
    assert f"{first - 1} epochs {TOLD}. On {catalog.dataset(dataset).label} a search trains {first} at its" in few
    assert f"up to {last}" in few
    assert TOLD not in said(dataset, model, "prune-channels:sparsity=0.5", f"distill:epochs={first}")
    assert TOLD not in said(dataset, model, f"distill:epochs={first - 1}"), "nothing has to be won back"
    assert TOLD not in said(dataset, model, "prune-channels:sparsity=0.5"), "that nothing trains is said already"
