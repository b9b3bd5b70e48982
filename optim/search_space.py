"""What a search may try: a shape (how the network gets small), a rung (how long it is trained), a precision.

Each rung trains the one before on: its steps begin with the same steps, so that the worker finds them in its cache.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Literal

from . import catalog, recipes
from .records import KnobValue, Recipe, Step

Shape = Mapping[str, KnobValue]
Precision = Literal["fp32", "int8"]
RUNGS = (3, 6, 12)
"""Epochs that each rung adds."""
SCRATCH_FACTOR = 3
"""A student starts from nothing: its rungs are this much longer."""
RATE = 0.05
"""Peak learning rate of each rung's cycle: the automatic one is made for a short recovery."""


def key(shape: Shape) -> str:
    """Equal shapes have equal keys."""
    return json.dumps(dict(shape), sort_keys=True)


def epochs(shape: Shape, rung: int) -> int:
    """All epochs up to and including this rung."""
    return sum(RUNGS[: rung + 1]) * (SCRATCH_FACTOR if shape["kind"] == "student" else 1)


def recipe(base: Recipe, shape: Shape, rung: int, precision: Precision, seed: int = 0) -> Recipe:
    """The complete recipe of one trial."""
    steps = [*_small(shape), *_trained(shape, rung)]
    if precision == "int8":
        steps.append(Step(technique="quantize-int8"))
    student = shape["kind"] == "student"
    made = base.with_(
        steps=tuple(steps), seed=seed, start="scratch" if student else "baseline",
        model=str(shape.get("model", base.model)), width=float(shape.get("width", base.width)),
    )  # fmt: skip
    return recipes.complete(made)


def is_timed(shape: Shape) -> bool:
    """Whether the shape is a target of latency: its widths then depend on the precision."""
    return "latency_target" in shape


def pruning(shape: Shape) -> Step:
    """The complete step of a shape that prunes."""
    names = [knob.name for knob in catalog.technique("prune-channels").knobs]
    step = Step(technique="prune-channels", knobs={name: shape[name] for name in names if name in shape})
    return recipes.complete_step(step)


def _small(shape: Shape) -> Iterable[Step]:
    if shape["kind"] == "prune":
        yield pruning(shape)


def _trained(shape: Shape, rung: int) -> Iterable[Step]:
    factor = SCRATCH_FACTOR if shape["kind"] == "student" else 1
    for step in range(rung + 1):
        yield Step(
            technique="distill",
            knobs={
                "epochs": RUNGS[step] * factor,
                "temperature": shape["temperature"],
                "alpha": shape["alpha"],
                "learning_rate": 0.0 if shape["kind"] == "student" and step == 0 else RATE,
                "augment": step > 0 or shape["kind"] == "student",
                "teacher": shape.get("teacher", "dense"),
            },
        )
