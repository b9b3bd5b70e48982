"""The measured speed of a recipe's model, where a pruning step asks for it. Light."""

from __future__ import annotations

from pathlib import Path

from . import catalog, conditions, estimate, model_knobs, profiles, recipes
from .errors import KnobError
from .knapsack import Speed
from .records import Recipe


def of_recipe(recipe: Recipe, home: Path, *, device: str = "cpu", threads: int = 1, batch: int = 1) -> Speed | None:
    """For allocation=latency: what the model's profile tells at the recipe's precision; None where it has none here.

    Raises `KnobError` beside `early-stride` and `low-rank`, and beside another quantizer than the model's: no profile
    knows these times.

    Only a profile made under these very conditions counts. Times do not depend on the values of the weights: it
    serves a baseline that was trained anew too.
    """
    if not any("latency_target" in step.knobs for step in recipe.steps):
        return None
    used = {step.technique for step in recipe.steps}
    if unprofiled := next((name for name in profiles.UNTIMED if name in used), ""):
        raise KnobError(
            f"A profile times the model as it is, not with {profiles.UNTIMED[unprofiled]}.",
            given=f"allocation=latency beside {unprofiled}",
            allowed=f"uniform, global, manual beside {unprofiled}",
            remedy="Choose another allocation, or let 'python -m optim search' find the widths.",
        )
    if other := model_knobs.quantized_otherwise(recipe):
        usual = catalog.quantizer(recipe.model).name
        raise KnobError(
            f"A profile of this model times INT8 files of {usual}, not of {other}.",
            given=f"allocation=latency beside {other}", allowed=f"{usual}, or uniform, global, manual beside {other}",
            remedy=f"Quantize with {usual}, or choose another allocation.",
        )  # fmt: skip
    mark = conditions.here(device=device, threads=threads, batch=batch).id
    found = profiles.find(home, recipe.dataset, recipe.model, recipe.width, mark)
    return estimate.speed_of(found, "int8" if recipes.precision(recipe) == "int8" else "fp32") if found else None
