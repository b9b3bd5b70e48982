"""Which runs may stand side by side: at most six of one project, beside its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from . import catalog, findings, recipes
from .records import Run

MOST = 6


class Choice(NamedTuple):
    runs: tuple[Run, ...]
    left_out: tuple[str, ...]
    """Why runs that were asked for are not shown, as sentences."""


def choose(known: Mapping[int, Run], asked: Sequence[int]) -> Choice:
    """The runs that can stand together: those of the first one's project, the first six, the reference apart."""
    told, found = [], []
    for number in dict.fromkeys(asked):
        run = known.get(number)
        if run is None or run.result is None:
            told.append(f"Run {number} has no file yet, or does not exist.")
        elif found and run.project != found[0].project:
            told.append(f"Run {number} is on other data, or was timed otherwise, than run {found[0].id}.")
        elif len(found) >= MOST:
            told.append(f"Run {number} is one too many: {MOST} runs are compared at once.")
        elif not (run.is_reference and run.origin == "own"):
            found.append(run)
    return Choice(tuple(found), tuple(told))


def run_name(run: Run) -> str:
    """A run in the chooser."""
    data = catalog.dataset(run.recipe.dataset).label
    return f"Run {run.id} · {recipes.brief(run.recipe, run.project.reference)} · {data}"


def suggested(runs: Sequence[Run]) -> tuple[int, ...]:
    """Runs worth comparing in the newest project: those on the front, fastest first."""
    if not runs:
        return ()
    mine = [run for run in runs if run.project == runs[0].project]
    facts = findings.find(mine).facts
    return tuple(fact.run.id for fact in facts if fact.verdict == findings.FRONT)[:MOST]
