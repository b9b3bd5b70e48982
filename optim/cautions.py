"""What a user should know of a recipe before it is run, each a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from . import baselines, catalog, recipes, search_controls, words
from .allocate import FLOOR
from .records import Recipe
from .results import Group

NOTICEABLE = 0.015
"""A share of the widths that differs by less is what whole numbers make of it."""
BY_SCORE = ("global", "latency")
"""Allocations that choose widths by the importances; the others only choose which units go."""


def counted(recipe: Recipe) -> bool:
    """Whether a plan can say what the file weighs: it does not know which matrices `low-rank` splits."""
    return all(step.technique != "low-rank" for step in recipe.steps)


def foreseen(recipe: Recipe) -> bool:
    """Whether the plan's widths, parameters and MACs are those of the run."""
    return counted(recipe) and _widths_foreseen(recipe)


def _widths_foreseen(recipe: Recipe) -> bool:
    """Whether the importances that the widths follow are still the baseline's."""
    by_score = [
        place
        for place, step in enumerate(recipe.steps)
        if step.technique == "prune-channels" and step.knobs.get("allocation") in BY_SCORE
    ]
    return not by_score or (by_score == [0] and recipe.start == "baseline")


def cautions(recipe: Recipe, groups: Sequence[Group] | None) -> list[str]:
    """What a user should know before the run; each a sentence."""
    names = {step.technique for step in recipe.steps}
    share, by_hand = recipes.sparsity(recipe), recipes.names_widths(recipe)
    smaller = share or (by_hand and any(group.after < group.before for group in groups or ()))
    said, metric = [], catalog.data_of(recipe).goodness.label
    if groups is None:
        said.append(
            f"No baseline of {recipe.model} at width {recipe.width:g} exists yet: the first run trains one and "
            f"keeps it. Then the widths are known before a run.{how_long(recipe)}"
        )
    if "prune-weights" in names:
        said.append("Zeros make the file neither smaller nor faster: they are for comparison with removal.")
    if "early-stride" in names and not names & {"fine-tune", "distill"}:
        said.append(f"Nothing trains after the early stride: expect {metric} to fall far. Add Fine-tune or Distil.")
    elif (smaller or "prune-weights" in names) and not names & {"fine-tune", "distill"}:
        said.append(f"Nothing trains after the pruning: expect {metric} to fall far. Add Fine-tune or Distil.")
    said += _few_epochs(recipe) if smaller else []
    if share and recipe.start == "scratch":
        said.append("Pruning an untrained network chooses what goes at random; a smaller width says the same.")
    if not share and "prune-channels" in names and not by_hand:
        said.append("A sparsity of 0 removes nothing.")
    if by_hand and groups and not smaller:
        said.append("Every group keeps its size: nothing is removed.")
    said += [*_other_share(recipe, groups or ()), *_unforeseen(recipe)]
    narrow = [group for group in groups or () if group.after < 4 <= group.before]
    if narrow and smaller:
        label = narrow[0].label[:1].upper() + narrow[0].label[1:]
        said.append(f"{label}: only {narrow[0].after} of {narrow[0].before} stay.")
    if recipes.precision(recipe) == "int8" and groups and max(group.after for group in groups) <= 16:
        said.append("On layers this narrow an INT8 file is often slower than the FP32 one. Measure both.")
    return said


def _few_epochs(recipe: Recipe) -> list[str]:
    """That less is trained after pruning than a search does at its first look."""
    epochs, row = search_controls.epochs(recipe), catalog.data_of(recipe)
    first, *_, last = row.rungs
    told = f"On {row.label} a search trains {first} at its first look, and up to {last} what is promising"
    return [f"{words.plural(epochs, 'epoch')} may win back little. {told}."] if 0 < epochs < first else []


def how_long(recipe: Recipe) -> str:
    """How long training the baseline takes, as far as the shipped ones tell."""
    took = baselines.usual_s(recipe.dataset, recipe.model)
    if took is None:
        return ""
    short, long = map(words.duration, took)
    span = short if short == long else f"{short} to {long}"
    return f" Training those shipped for models like it took {span} on two cores; more layers or width take longer."


def _unforeseen(recipe: Recipe) -> list[str]:
    told = "What stands before the pruning changes the importances, which choose the widths: these are about right."
    return [] if _widths_foreseen(recipe) else [told]


def _other_share(recipe: Recipe, groups: Sequence[Group]) -> list[str]:
    """That another share of the widths goes than was asked for, and why."""
    pruned = next((step for step in recipe.steps if step.technique == "prune-channels"), None)
    total = sum(group.before for group in groups)
    if pruned is None or not total or "sparsity" not in pruned.knobs:
        return []
    wish, multiple = float(pruned.knobs["sparsity"]), int(pruned.knobs["round_to"])
    gone = 1 - sum(group.after for group in groups) / total
    wide = f"multiples of {multiple}"
    told = f"{words.percent(gone, 0)} of all widths goes, not {words.percent(wish, 0)}"
    if wish and not gone:
        return [f"{f'Rounding widths to {wide}' if multiple > 1 else 'So small a sparsity'} keeps every width."]
    if multiple > 1 and abs(gone - wish) > NOTICEABLE:
        return [f"Widths are rounded to {wide}: {told}."]
    if gone > wish - NOTICEABLE or pruned.knobs["allocation"] != "global":
        return []
    return [f"Global allocation leaves every group {words.percent(FLOOR, 0)} of its width: {told}."]
