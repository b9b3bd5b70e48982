"""The measured speed of a recipe's model, where a pruning step asks for it. Light."""

from __future__ import annotations

from pathlib import Path

from . import conditions, estimate, profiles, recipes
from .errors import KnobError
from .knapsack import Speed
from .records import Recipe


def of_recipe(recipe: Recipe, home: Path, *, device: str = "cpu", threads: int = 1, batch: int = 1) -> Speed | None:
    """For allocation=latency: what the model's profile tells at the recipe's precision; None where it has none here.

    Raises `KnobError` beside `early-stride`, whose times no profile knows.

    Only a profile made under these very conditions counts. Times do not depend on the values of the weights: it
    serves a baseline that was trained anew too.
    """
    if not any("latency_target" in step.knobs for step in recipe.steps):
        return None
    if recipes.strides(recipe):
        raise KnobError(
            "A profile times the model as it is, not with an early stride.",
            given="allocation=latency after early-stride",
            allowed="uniform, global, manual beside early-stride",
            remedy="Choose another allocation, or let 'python -m optim search' find the widths.",
        )
    mark = conditions.here(device=device, threads=threads, batch=batch).id
    found = profiles.find(home, recipe.dataset, recipe.model, recipe.width, mark)
    return estimate.speed_of(found, "int8" if recipes.precision(recipe) == "int8" else "fp32") if found else None
