"""Runs that are ready to be asked for: the first front on digits, used by Start and by `bench first-front`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import families, jobs
from .jobs import Target
from .recipes import complete, parse_step
from .records import Recipe, Run
from .store import opened

DATASET = "digits"
REFERENCE = "resnet8:2"
_DISTIL = "distill:epochs=3"
_PRESET: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    ("resnet8", 2.0, ()),
    ("resnet8", 2.0, ("prune-channels:sparsity=0.5", _DISTIL)),
    ("cnn", 1.0, ()),
    ("resnet8", 2.0, ("quantize-int8",)),
    ("resnet8", 2.0, ("prune-channels:sparsity=0.75", _DISTIL)),
    ("resnet8", 1.0, ()),
    ("resnet8", 2.0, ("prune-channels:sparsity=0.5", _DISTIL, "quantize-int8")),
    ("resnet8", 2.0, ("prune-channels:sparsity=0.25", _DISTIL)),
)


def first_front() -> tuple[Recipe, ...]:
    """Eight recipes on digits that share their work: reference first, then the most telling ones.

    >>> len({recipe.id for recipe in first_front()})
    8
    """
    return tuple(
        complete(Recipe(dataset=DATASET, model=model, width=width, steps=tuple(parse_step(step) for step in steps)))
        for model, width, steps in _PRESET
    )


def try_it_now(home: Path) -> list[tuple[Run, bool]]:
    """Queue the first front and start the driver, as the button on Start does."""
    made = submit_first_front(home)
    jobs.ensure_driver(home)
    return made


def submit_first_front(home: Path) -> list[tuple[Run, bool]]:
    """Queue the first front against its own reference, whatever else was measured on digits before."""
    return submit_all(home, first_front(), Target(reference=REFERENCE))


def submit_all(
    home: Path, many: Sequence[Recipe], target: Target | None = None, train_device: str = "auto"
) -> list[tuple[Run, bool]]:
    """Queue several recipes without starting the driver; for each its run and whether it is new."""
    target = target or Target()
    return [jobs.submit(home, one, target, train_device=train_device, start_driver=False) for one in many]


def repeat(home: Path, run_id: int, count: int = families.SEEDS) -> list[tuple[Run, bool]]:
    """Queue a run's recipe with `count` seeds, its own first, for the same target; those that exist answer."""
    run = opened(home).run(run_id)
    there = run.project
    target = Target(there.device, there.threads, there.batch, there.reference)
    return submit_all(home, families.seeds(run.recipe, count), target, run.train_device)
