"""The key of a network that is kept: equal for equal work, another for everything that would change the network."""

from __future__ import annotations

import pytest

from optim import prefixes, recipes
from optim.knapsack import Speed
from optim.records import Recipe
from tests.heavy import a_context


def keys(home, step: str) -> list[str]:
    """One per speed: none, and two profiles."""
    recipe = recipes.complete(Recipe(dataset="digits", model="cnn", steps=(recipes.parse_step(step),)))
    ctx, found = a_context(home), []
    for digest in ("", "one", "other"):
        ctx.speed = Speed({}, lambda _: 1.0, 1.0, digest=digest) if digest else None
        found.append(prefixes.key(recipe, recipe.steps, ctx))
    return found


@pytest.mark.parametrize(
    ("step", "different"),
    [("prune-channels:allocation=latency,latency_target=0.5", 3), ("prune-channels:sparsity=0.5", 1)],
)
def test_a_step_that_follows_a_latency_has_another_key_for_another_profile(home, step, different):
    assert len(set(keys(home, step))) == different


def test_equal_steps_of_different_recipes_have_one_key(home):
    ctx, first = a_context(home), recipes.parse_step("prune-channels:sparsity=0.5")
    short = recipes.complete(Recipe(dataset="digits", model="cnn", steps=(first,)))
    long = recipes.complete(short.with_(steps=(first, recipes.parse_step("fine-tune:epochs=1"))))
    assert prefixes.key(short, short.steps, ctx) == prefixes.key(long, long.steps[:1], ctx)
