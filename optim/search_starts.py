"""Which trained networks a search may cut down, teach, or be taught by: the baselines that are there. Light."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from . import baselines, catalog
from .plan import Anatomy, cost
from .records import Recipe

WIDTHS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
HOPE_POINTS = 1.5
"""A start that is this much worse than the goal allows can be taught no more."""
STUDENTS = 2
"""So many networks of other models are tried."""
TEACHER_POINTS = 0.75
"""A teacher that is this much worse than the dense network teaches nothing new."""
BETTER_POINTS = 0.5
"""One that is better by this much is the first to teach."""


class Start(NamedTuple):
    """A trained baseline."""

    ref: str
    """`MODEL:WIDTH`."""
    anatomy: Anatomy
    points: float
    """Of validation accuracy, against the dense network: above 0 is a loss."""


def starts(home: Path, base: Recipe, max_loss: float) -> tuple[Start, ...]:
    """The dense network first, then smaller ones of the model whose groups have the same names, best first."""
    dense = _baseline(home, base, base.model, base.width)
    if dense is None:
        return ()
    groups = [group.name for group in dense.anatomy.groups]
    smaller = [
        one for one in _others(home, base)
        if one.ref.partition(":")[0] == base.model and one.points <= max_loss + HOPE_POINTS
        and [group.name for group in one.anatomy.groups] == groups
        and all(mine.size <= whole.size for mine, whole in zip(one.anatomy.groups, dense.anatomy.groups, strict=True))
    ]  # fmt: skip
    return (dense, *sorted(smaller, key=lambda one: one.points))


def students(home: Path, base: Recipe, max_loss: float) -> tuple[Start, ...]:
    """Trained networks of other models with less arithmetic than the dense one, best first: students as they are."""
    dense = _baseline(home, base, base.model, base.width)
    if dense is None:
        return ()
    macs = cost(dense.anatomy, {})[1]
    found = [
        one for one in _others(home, base)
        if one.ref.partition(":")[0] != base.model and one.points <= max_loss + HOPE_POINTS
        and cost(one.anatomy, {})[1] < macs
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: one.points)[:STUDENTS])


def teachers(home: Path, base: Recipe) -> tuple[str, ...]:
    """`dense`, and other baselines that know about as much."""
    return ("dense", *sorted(one.ref for one in _others(home, base) if one.points <= TEACHER_POINTS))


def usual_teacher(home: Path, base: Recipe) -> str:
    """The best baseline there is, where it is clearly better than the dense network; else `dense`."""
    best = min(_others(home, base), key=lambda one: (one.points, one.ref), default=None)
    return best.ref if best is not None and best.points <= -BETTER_POINTS else "dense"


def _others(home: Path, base: Recipe) -> list[Start]:
    names = [(name, width) for name in _models(base) for width in WIDTHS]
    found = [_baseline(home, base, *name) for name in names if name != (base.model, base.width)]
    return [one for one in found if one is not None]


def _models(base: Recipe) -> list[str]:
    return [row.name for row in catalog.models_for(catalog.data_of(base).kind)]


def _baseline(home: Path, base: Recipe, model: str, width: float) -> Start | None:
    body = baselines.anatomy(base.dataset, model, width, home)
    mine, dense = (_accuracy(home, base.dataset, *name) for name in ((model, width), (base.model, base.width)))
    if body is None or mine is None or dense is None:
        return None
    return Start(f"{model}:{width:g}", body, 100 * (dense - mine))


def _accuracy(home: Path, dataset: str, model: str, width: float) -> float | None:
    card = baselines.card(dataset, model, width, home)
    return float(card["score"]["validation"]["value"]) if card else None
