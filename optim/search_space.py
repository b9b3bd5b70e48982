"""What a search may try: a shape (where it starts, how it gets small), a rung (how long it is trained), a precision.

Each rung begins again with the small network, which the worker finds in its cache, and trains it for one longer cycle:
that learns more than to train the rung before on (ResNet-8 with an early stride, half its channels: 91.65 % on
validation after one cycle of 15 epochs, 91.03 % after 3 and then 12, 91.55 % after 24 more).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Literal

from . import catalog, recipes
from .catalog import Dataset
from .records import KnobValue, Recipe, Step

Shape = Mapping[str, KnobValue]
"""`start`: the baseline it is cut from, where that is not the dense one. `early`: skips pixels from the first layer on.
`widths`: by hand; else the knobs of
`prune-channels`. `teacher`, `temperature`, `alpha` of its recovery; `precision` where its widths were made for one."""
Precision = Literal["fp32", "int8"]
RUNGS = 3
"""How many; the data set's row says how many epochs each takes."""
FIRST_RATE = 5 / 3
"""Peak learning rate of the first rung's cycle over the model's automatic one, which is made for a short recovery. The
longer ones take the rate of a training from scratch."""
ALLOCATIONS = ("sensitivity", "latency", "uniform")
"""How a target of latency becomes widths: by the profile's measured sensitivity, by importance, the same share."""
TAUGHT = ("teacher", "temperature", "alpha")
"""How a shape is trained."""
ASKED = ("allocation", "latency_target", "precision")
"""What widths were made from: shapes that differ in nothing else are the same network."""


def key(shape: Shape) -> str:
    """Equal shapes have equal keys."""
    return json.dumps(dict(shape), sort_keys=True)


def strides(key: str) -> bool:
    """Whether the shape of this key has an early stride."""
    return bool(json.loads(key).get("early"))


def substance(shape: Shape) -> str:
    """Shapes of the same network, trained in the same way, have equal ones."""
    idle = () if "widths" not in shape else ASKED if shape["widths"] else (*ASKED, "importance")
    return key({name: value for name, value in shape.items() if name not in idle})


def network(shape: Shape) -> str:
    """Shapes of equal ones take equal time: how their channels are chosen and how they are trained makes none."""
    idle = (*TAUGHT, "importance", *(ASKED[:2] if "widths" in shape else ()))
    return key({name: value for name, value in shape.items() if name not in idle})


def recipe(base: Recipe, shape: Shape, rung: int, precision: Precision, seed: int = 0) -> Recipe:
    """The complete recipe of one trial."""
    model, _, width = str(shape.get("start", base.model_ref)).partition(":")
    student = (model, float(width)) != (base.model, base.width)
    early = [Step(technique="early-stride")] if shape.get("early") else []
    steps = [
        *early,
        *_small(shape),
        *_trained(shape, rung, base.model_ref if student else "dense", catalog.data_of(base), model),
    ]
    if precision == "int8":
        steps.append(Step(technique=catalog.quantizer(model).name))
    return recipes.complete(base.with_(steps=tuple(steps), seed=seed, model=model, width=float(width)))


def precision(shape: Shape) -> Precision:
    """That its widths were made for; INT8 where they were made for none."""
    return "fp32" if shape.get("precision") == "fp32" else "int8"


def is_timed(shape: Shape) -> bool:
    """Whether the shape is a target of latency: its widths then depend on the precision."""
    return "latency_target" in shape


def pruning(shape: Shape) -> Step:
    """The complete step of a shape that prunes."""
    names = [knob.name for knob in catalog.technique("prune-channels").knobs]
    knobs = {name: shape[name] for name in names if name in shape}
    if "widths" in shape:
        knobs = {"allocation": "manual", "widths": shape["widths"], "importance": shape["importance"]}
    return recipes.complete_step(Step(technique="prune-channels", knobs=knobs))


def _small(shape: Shape) -> Iterable[Step]:
    """A student that is narrow enough as it is has no widths at all."""
    if shape.get("widths", "as it is") or "sparsity" in shape:
        yield pruning(shape)


def _trained(shape: Shape, rung: int, dense: str, data: Dataset, model: str) -> Iterable[Step]:
    teacher, row, network = str(shape.get("teacher", "dense")), catalog.technique("distill"), catalog.model(model)
    knobs: dict[str, KnobValue] = {
        "epochs": data.rungs[rung],
        "temperature": shape["temperature"],
        "alpha": shape["alpha"],
        "learning_rate": network.scratch_rate if rung else float(f"{FIRST_RATE * network.recovery_rate:.3g}"),
        "weight_decay": network.weight_decay,
        "label_smoothing": network.label_smoothing,
        "augment": rung > 0,
        "teacher": dense if teacher == "dense" else teacher,
    }
    known = {knob.name for knob in row.useful({}, data.kind)}
    yield Step(technique=row.name, knobs={name: value for name, value in knobs.items() if name in known})
