"""What a search asks of the base model's profile, and that it asks for one where there is none."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from . import baselines, estimate, plan, profile_jobs, profiles, search_sampler, search_space
from .errors import KnobError, RequestError
from .jobs import Target
from .knapsack import Speed
from .plan import Anatomy
from .profiles import PRECISIONS, ProfileAsk
from .search_space import Precision, Shape
from .searches import Search

WORTH_FROM_S = 300.0
"""A shorter search has no time for a profile."""
MOST_SHARE = 0.4
"""Of the budget; a profile that takes longer is stopped, and the search goes on without."""
IMPORTANCES = profiles.IMPORTANCES


class Profiled:
    """The base model of one search: its anatomy, and its speed where that was measured on this machine."""

    def __init__(self, home: Path, search: Search) -> None:
        base, ask = search.base, _ask(home, search)
        self.anatomy: Anatomy | None = baselines.anatomy(base.dataset, base.model, base.width, home)
        profile = profile_jobs.known(ask) if ask else None
        self.speeds: dict[Precision, Speed] = (
            {precision: estimate.speed_of(profile, precision) for precision in PRECISIONS} if profile else {}
        )
        self.seed = search.seed

    @cached_property
    def targets(self) -> tuple[float, ...]:
        """The latencies that some widths keep; none where nothing is known, or widths hardly change the time."""
        if self.anatomy is None or not self.speeds:
            return ()
        shape = search_sampler.first_shapes(search_sampler.TARGETS, latency=True)
        return tuple(float(one["latency_target"]) for one in shape if self.precision(one) is not None)

    @property
    def importances(self) -> tuple[str, ...]:
        """The methods that every group of the model was measured by; the usual two before its anatomy is known."""
        if self.anatomy is None:
            return IMPORTANCES[:2]
        return tuple(m for m in IMPORTANCES if all(m in group.importance for group in self.anatomy.groups))

    def precision(self, shape: Shape) -> Precision | None:
        """In which a network within the shape's target loses less importance; None where no widths keep the target.

        INT8 where nothing is known, or the shape has no target.
        """
        if not search_space.is_timed(shape) or self.anatomy is None or not self.speeds:
            return "int8"
        lost = {p: found for p in PRECISIONS if (found := self._lost(shape, p)) is not None}
        return min(lost, key=lost.__getitem__) if lost else None

    def _lost(self, shape: Shape, precision: Precision) -> float | None:
        assert self.anatomy is not None
        knobs = search_space.pruning(shape).knobs
        try:
            made = plan.prune_plan(self.anatomy, knobs, self.seed, self.speeds[precision])
        except KnobError:
            return None
        return sum(gain.lost for gain in made.bought.values())


def _ask(home: Path, search: Search) -> ProfileAsk | None:
    base, there = search.base, search.project
    try:
        return profile_jobs.request(
            home, base.dataset, base.model, base.width, Target(there.device, there.threads, there.batch)
        )
    except RequestError:
        return None


def is_awaited(home: Path, search: Search) -> bool:
    """Whether the search waits for a profile: it begins by asking for one, and stops one that takes too long."""
    ask = None if search.trials or search.budget_s < WORTH_FROM_S else _ask(home, search)
    if ask is None or profile_jobs.known(ask) is not None:
        return False
    standing, late = profile_jobs.find(ask), search.spent_s > MOST_SHARE * search.budget_s
    if standing is None and not search.asked_profile and not late:
        profile_jobs.submit(ask, start_driver=False)
        return True
    if standing is None or standing.state == "failed":
        return False
    if late:
        profile_jobs.cancel(ask)
    return not late
