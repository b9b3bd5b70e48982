"""A recipe as lines of a table: what was chosen, by name."""

from __future__ import annotations

from . import catalog
from .records import KnobValue, Recipe, Run


def settings(run: Run) -> dict[str, str]:
    """Model, start, seed, and every knob of every step, by its name; a step that stands twice is told twice."""
    recipe, found = run.recipe, {}
    labels = [catalog.technique(step.technique).label for step in recipe.steps]
    found |= {"Steps": " > ".join(labels) or "none"}
    found |= {"Model": f"{recipe.model} x{recipe.width:g}", "Start": recipe.start, "Seed": str(recipe.seed)}
    used: dict[str, int] = {}
    for step in recipe.steps:
        row = catalog.technique(step.technique)
        used[row.name] = used.get(row.name, 0) + 1
        again = f" {used[row.name]}" if used[row.name] > 1 else ""
        for knob in row.knobs:
            value = step.knobs.get(knob.name, knob.default)
            found[f"{row.label}{again}: {knob.label.lower()}"] = _automatic(recipe, knob.name, value) or _plain(value)
        if not row.knobs:
            found[f"{row.label}{again}"] = "yes"
    return found


def _automatic(recipe: Recipe, knob: str, value: KnobValue) -> str:
    """A rate that was left to the model, with what that is; empty for all else."""
    if knob != "learning_rate" or value:
        return ""
    return f"automatic, {catalog.model(recipe.model).rate(from_scratch=recipe.start == 'scratch'):g}"


def _plain(value: KnobValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else str(value)
