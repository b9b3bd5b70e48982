"""Knobs that the user leaves to the model: named in a complete recipe, left out where a recipe is told or typed."""

from __future__ import annotations

from . import catalog
from .records import Recipe, Step


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


def own_teacher(step: Step, recipe: Recipe) -> Step:
    """The recipe's own baseline as the teacher has one name: `dense`."""
    same = step.knobs.get("teacher") == recipe.model_ref
    return step.with_(knobs={**step.knobs, "teacher": "dense"}) if same else step
