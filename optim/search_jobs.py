"""Ask for a search, as a page or the command line does. Light."""

from __future__ import annotations

import time
from pathlib import Path

from . import jobs, recipes
from .records import Recipe
from .searches import Search, checked_goal, create
from .store import opened


def search_for(
    home: Path, *, dataset: str, model: str, width: float, max_loss: float, confidence: float, budget_s: float,
    threads: int = 1, batch: int = 1, seed: int = 0,
) -> Search:  # fmt: skip
    """Queue a search for the fastest model that loses at most `max_loss` points; the driver begins at once."""
    goal = checked_goal(max_loss, confidence, budget_s)
    base = recipes.complete(Recipe(dataset=dataset, model=model, width=width, seed=0))
    jobs.check_machine(base.dataset, jobs.Target("cpu", threads, batch, base.model_ref))
    project = opened(home).project(base.dataset, "cpu", threads, batch, reference=base.model_ref)
    wanted = Search(id=0, base=base, project=project, goal=goal, budget_s=budget_s, seed=seed, created_at=time.time())
    made = create(home, wanted)
    jobs.ensure_driver(home)
    return made
