"""Runs that are equal but for their seed: how much of a result is luck. Pure functions on records."""

from __future__ import annotations

from collections.abc import Sequence

from . import catalog
from .errors import RequestError
from .recipes import SEED_HIGH
from .records import Recipe, Run

SEEDS = 5
"""What a repetition makes, the first seed included: enough for a t interval that says something."""
SEEDS_HIGH = 100


def seeds(recipe: Recipe, count: int = SEEDS) -> tuple[Recipe, ...]:
    """The recipe with `count` seeds, its own first.

    >>> [one.seed for one in seeds(Recipe(dataset="digits", model="cnn", seed=3), 3)]
    [3, 4, 5]
    """
    if count == 1:
        return (recipe,)
    if not 1 <= count <= SEEDS_HIGH or recipe.seed + count - 1 > SEED_HIGH:
        allowed = f"1 to {SEEDS_HIGH} seeds, the last at most {SEED_HIGH}"
        raise RequestError(
            "The recipe cannot be repeated so.", given=f"{count} seeds from {recipe.seed}", allowed=allowed
        )
    return tuple(recipe.with_(seed=recipe.seed + number) for number in range(count))


def depends_on_seed(recipe: Recipe) -> bool:
    """Whether another seed can give another file: something is trained, or drawn at random."""
    drawn = any(step.knobs.get("importance") == "random" for step in recipe.steps)
    return recipe.start == "scratch" or drawn or any(catalog.technique(step.technique).trains for step in recipe.steps)


def family(recipe: Recipe) -> tuple:
    """Everything but the seed: equal for the members of one family."""
    steps = tuple((step.technique, tuple(sorted(step.knobs.items()))) for step in recipe.steps)
    return recipe.dataset, recipe.model, recipe.width, recipe.start, steps


def grouped(runs: Sequence[Run]) -> list[tuple[Run, ...]]:
    """The runs by family, each from its lowest seed on; families in the order of their first run.

    A second run of the same seed is no repetition and stands alone.
    """
    found: dict[tuple, dict[int, Run]] = {}
    for run in runs:
        key = family(run.recipe)
        if run.recipe.seed in found.get(key, {}):
            key = (*key, run.id)
        found.setdefault(key, {})[run.recipe.seed] = run
    return [tuple(members[seed] for seed in sorted(members)) for members in found.values()]
