"""Which run came from which: recipes that begin alike share their first steps, teachers hand their answers on, and
searches make runs of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from . import model_knobs, recipe_words
from .records import Recipe, Run, Step
from .search_views import Origin

BY_HAND: Mapping[int, Origin] = {}


class Branch(NamedTuple):
    """One line of the tree, in reading order."""

    depth: int
    label: str
    """A start, a step, or the words of a run."""
    runs: tuple[int, ...] = ()
    """Runs that end here; a click goes to them."""
    teacher: str = ""
    """The baseline that taught in this step, as `MODEL:WIDTH`."""
    shared: int = 0
    """How many of the runs go through here: made once, cached, and used by all of them."""
    searches: tuple[Origin, ...] = ()
    """The searches that made runs which end here."""


def tree(runs: Sequence[Run], made: Mapping[int, Origin] = BY_HAND) -> tuple[Branch, ...]:
    """Starts first, then each step under what it was applied to; steps that several runs share stand once.

    `made`: by run, the search that made it.
    """
    starts: dict[tuple, list[Run]] = {}
    for run in runs:
        starts.setdefault(_start(run.recipe), []).append(run)
    found: list[Branch] = []
    for group in starts.values():
        found += _grown(group, 0, _start_label(group[0].recipe), "", made)
    return tuple(found)


def baseline(teacher: str, dataset: str) -> Recipe:
    """The recipe of the baseline that `teacher` names as `MODEL:WIDTH`."""
    model, width = teacher.split(":")
    return Recipe(dataset=dataset, model=model, width=float(width))


def _grown(runs: Sequence[Run], depth: int, label: str, teacher: str, made: Mapping[int, Origin]) -> list[Branch]:
    """The line of what these runs have in common so far, then what each next step makes of it."""
    ended = tuple(run.id for run in runs if len(run.recipe.steps) == depth)
    searches = tuple(dict.fromkeys(made[number] for number in ended if number in made))
    lines = [Branch(depth, label, ended, teacher, len(runs), searches)]
    nexts: dict[str, list[Run]] = {}
    for run in runs:
        if len(run.recipe.steps) > depth:
            nexts.setdefault(run.recipe.steps[depth].to_json(), []).append(run)
    for group in nexts.values():
        step, recipe = group[0].recipe.steps[depth], group[0].recipe
        told = recipe_words.step_words(model_knobs.left_open(step, recipe.model))
        lines += _grown(group, depth + 1, told, _teacher(step, recipe), made)
    return lines


def _start(recipe: Recipe) -> tuple:
    return recipe.dataset, recipe.model_ref, recipe.start, recipe.seed


def _start_label(recipe: Recipe) -> str:
    began = "the trained baseline" if recipe.start == "baseline" else "an untrained network"
    seed = f", seed {recipe.seed}" if recipe.seed else ""
    return f"{recipe.model} x{recipe.width:g}, {began}{seed}"


def _teacher(step: Step, recipe: Recipe) -> str:
    named = str(step.knobs.get("teacher", ""))
    return recipe.model_ref if named == "dense" else named
