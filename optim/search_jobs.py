"""Ask for a search, as a page or the command line does. Light."""

from __future__ import annotations

import re
import time
from pathlib import Path

from . import baselines, jobs, recipes, search_views
from .cautions import how_long
from .errors import RequestError
from .home import home_option
from .records import Recipe
from .searches import Search, checked_goal, create
from .store import opened


def search_for(
    home: Path, *, dataset: str, model: str, width: float, max_loss: float, confidence: float, budget_s: float,
    threads: int = 1, batch: int = 1, seed: int = 0, students: bool = True,
) -> Search:  # fmt: skip
    """Queue a search for the fastest model that loses at most `max_loss` points; the driver begins at once.

    `students`: other models' trained networks are tried too, not only smaller ones of this model.
    `RequestError` if one with the same goal is under way: each run would be made once and counted in both budgets.
    """
    goal = checked_goal(max_loss, confidence, budget_s)
    if not 0 <= seed <= recipes.SEED_HIGH:
        raise RequestError("The seed is out of range.", given=seed, allowed=f"0 to {recipes.SEED_HIGH}")
    base = dense_recipe(dataset, model, width)
    jobs.check_machine(base.dataset, jobs.Target("cpu", threads, batch, base.model_ref))
    project = opened(home).project(base.dataset, "cpu", threads, batch, reference=base.model_ref)
    made_now = {"students": students, "created_at": time.time()}
    wanted = Search(id=0, base=base, project=project, goal=goal, budget_s=budget_s, seed=seed, **made_now)
    _check_alone(home, wanted)
    made = create(home, wanted)
    jobs.ensure_driver(home)
    return made


def dense_recipe(dataset: str, model: str, width: float) -> Recipe:
    """What a search begins from; an error in words where there is no such thing."""
    return recipes.complete(Recipe(dataset=dataset, model=model, width=width, seed=0))


def cautions(home: Path, dataset: str, model: str, width: float) -> list[str]:
    """What to know before a search begins: that its dense network has to be trained first, and how long that takes."""
    base = dense_recipe(dataset, model, width)
    if baselines.anatomy(base.dataset, base.model, base.width, home) is not None:
        return []
    told = f"No baseline of {model} at width {base.width:g} exists yet: the search trains one first, within its budget."
    return [told + how_long(base)]


def _check_alone(home: Path, wanted: Search) -> None:
    same = (wanted.base.id, wanted.project.id, wanted.goal)
    for other in search_views.known(home):
        if other.state != "done" and (other.base.id, other.project.id, other.goal) == same:
            raise RequestError(
                "A search for the same goal is under way.",
                given=f"search {other.id}, {other.doing if other.state == 'running' else other.state}",
                allowed="one search for a goal at a time",
                remedy=f"Follow it: python -m optim search{home_option(home)} --resume {other.id}; "
                "or give it more time with --extend 10m.",
            )


def seconds_of(text: str) -> float:
    """A budget in words as seconds; `RequestError` if it is none.

    >>> seconds_of("90s"), seconds_of("10m"), seconds_of("1.5h")
    (90.0, 600.0, 5400.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if found is None:
        raise RequestError("This is no time.", given=text, allowed="a number with its unit: 90s, 10m, 1.5h")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]
