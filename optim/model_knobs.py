"""Knobs that the user leaves to the model or to the data: named in a complete recipe.

The model's are left out where a recipe is told or typed.
"""

from __future__ import annotations

from collections.abc import Container

from . import catalog
from .records import Recipe, Step

BY_DATA = frozenset(name for row in catalog.DATASETS.values() for name in row.begins)
"""What stands elsewhere with some data than its knob's default."""


def named(step: Step, model: str) -> Step:
    """The step with the model's own value for each knob that was left to it.

    A recipe so completed equals one in which the same value was written by hand, and keeps its meaning when the
    model's row changes.

    >>> named(Step(technique="fine-tune", knobs={"weight_decay": 0.0}), "lstm").knobs["weight_decay"]
    0.004
    """
    row, own = catalog.technique(step.technique), catalog.model(model)
    left = [knob for knob in row.knobs if knob.own and step.knobs.get(knob.name) == knob.default]
    return step.with_(knobs={**step.knobs, **{knob.name: getattr(own, knob.own) for knob in left}}) if left else step


def left_open(step: Step, model: str) -> Step:
    """The step as it is typed: a knob at the model's own value stands at its default, automatic.

    >>> left_open(Step(technique="fine-tune", knobs={"weight_decay": 0.004}), "lstm").knobs["weight_decay"]
    0.0
    """
    row, own = catalog.technique(step.technique), catalog.model(model)
    usual = [knob for knob in row.knobs if knob.own and step.knobs.get(knob.name) == getattr(own, knob.own)]
    return step.with_(knobs={**step.knobs, **{knob.name: knob.default for knob in usual}}) if usual else step


def left_to_data(step: Step, given: Container[str]) -> Step:
    """The step without what the data's row settles, but for what was given: it is completed where the data is known.

    >>> list(left_to_data(Step(technique="fine-tune", knobs={"epochs": 3, "patience": 0}), ()).knobs)
    ['patience']
    """
    return step.with_(knobs={name: value for name, value in step.knobs.items() if name in given or name not in BY_DATA})


def own_teacher(step: Step, recipe: Recipe) -> Step:
    """The recipe's own baseline as the teacher has one name: `dense`."""
    same = step.knobs.get("teacher") == recipe.model_ref
    return step.with_(knobs={**step.knobs, "teacher": "dense"}) if same else step


def quantized_otherwise(recipe: Recipe) -> str:
    """The technique that makes its INT8 file, where that is not the usual one of the model; else empty."""
    usual = catalog.quantizer(recipe.model).name
    used = [step.technique for step in recipe.steps if catalog.technique(step.technique).precision]
    return next((name for name in used if name != usual), "")
