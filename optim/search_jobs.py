"""Ask for a search, as a page or the command line does. Light."""

from __future__ import annotations

import re
import time
from pathlib import Path

from . import jobs, recipes
from .errors import RequestError
from .records import Recipe
from .searches import Search, checked_goal, create
from .store import opened


def search_for(
    home: Path, *, dataset: str, model: str, width: float, max_loss: float, confidence: float, budget_s: float,
    threads: int = 1, batch: int = 1, seed: int = 0,
) -> Search:  # fmt: skip
    """Queue a search for the fastest model that loses at most `max_loss` points; the driver begins at once."""
    goal = checked_goal(max_loss, confidence, budget_s)
    if not 0 <= seed <= recipes.SEED_HIGH:
        raise RequestError("The seed is out of range.", given=seed, allowed=f"0 to {recipes.SEED_HIGH}")
    base = recipes.complete(Recipe(dataset=dataset, model=model, width=width, seed=0))
    jobs.check_machine(base.dataset, jobs.Target("cpu", threads, batch, base.model_ref))
    project = opened(home).project(base.dataset, "cpu", threads, batch, reference=base.model_ref)
    wanted = Search(id=0, base=base, project=project, goal=goal, budget_s=budget_s, seed=seed, created_at=time.time())
    made = create(home, wanted)
    jobs.ensure_driver(home)
    return made


def seconds_of(text: str) -> float:
    """A budget in words as seconds; `RequestError` if it is none.

    >>> seconds_of("90s"), seconds_of("10m"), seconds_of("1.5h")
    (90.0, 600.0, 5400.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if found is None:
        raise RequestError("This is no time.", given=text, allowed="a number with its unit: 90s, 10m, 1.5h")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]
