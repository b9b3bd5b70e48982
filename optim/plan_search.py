"""The search behind the knapsack: the front of (time, importance lost) over plans of widths on edges.

Where plans are few all are looked at. Else a greedy path by importance lost per millisecond gained, then exchanges, as
long as a neighbour is better for its time than what is known.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

PER_CENT = 100
"""Where plans are many, the front keeps two for each percent of difference in time."""
FEW = 4096
"""Up to so many plans, all are looked at, and each that is best for its time is kept."""
MOST_TIMES = 20_000
"""Estimates asked for at most, so that the page stays quick."""
HAIR = 1e-9
"""Times that differ by less, relatively, are equal."""


class Choice(NamedTuple):
    """One plan of the front."""

    time: float
    lost: float
    widths: tuple[int, ...]


Plan = tuple[int, ...]
"""Per group the place of its width among its edges."""


class PlanSearch:
    def __init__(
        self,
        many_ms: Callable[[Sequence[dict[str, int]]], Sequence[float]],
        edges: tuple[tuple[str, tuple[int, ...]], ...],
        lost: list[np.ndarray],
    ) -> None:
        self.many_ms = many_ms
        self.names, self.edges = [name for name, _ in edges], [widths for _, widths in edges]
        self.lost_at = [
            [float(values[width]) for width in widths] for values, widths in zip(lost, self.edges, strict=True)
        ]
        self.dense: Plan = tuple(len(widths) - 1 for widths in self.edges)
        self.times: dict[Plan, float] = {}
        self.best: dict[int, Plan] = {}
        """By logarithm of its time in percents: the plan that loses least."""

    def front(self) -> tuple[Choice, ...]:
        """Of all plans where they are few, else of those that a search finds; each made as wide as it can be."""
        if math.prod(len(widths) for widths in self.edges) <= FEW:
            self.timed(product(*(range(len(widths)) for widths in self.edges)))
            kept = self.undominated()
        else:
            self.search()
            kept = self.thinned(self.undominated())
        return tuple(self.choice(plan) for plan in {self.widened(plan) for plan in kept})

    def undominated(self) -> list[Plan]:
        """Of all plans that were timed, those that lose less than every faster one; the fastest first."""
        kept, least = [], math.inf
        for _, lost, plan in sorted((time, self.lost(plan), plan) for plan, time in self.times.items()):
            if lost < least:
                kept.append(plan)
                least = lost
        return kept

    def thinned(self, plans: Sequence[Plan]) -> list[Plan]:
        """Of each percent of time the fastest, which fits where the others do not any more, and what loses least."""
        ends: dict[int, list[Plan]] = {}
        for plan in plans:
            ends.setdefault(self.place(plan), []).append(plan)
        return [plan for many in ends.values() for plan in dict.fromkeys((many[0], many[-1]))]

    def search(self) -> None:
        """From the greedy path outwards, as long as a neighbour is better for its time than what is known."""
        queue = deque(plan for plan in [*self.greedy(), *self.fastest()] if self.offer(plan))
        while queue and len(self.times) < MOST_TIMES:
            plan = queue.popleft()
            if self.best[self.place(plan)] == plan:
                queue.extend(next_ for next_ in self.timed(self.neighbours(plan)) if self.offer(next_))

    def greedy(self) -> Iterator[Plan]:
        """From dense down, each time by the step that loses least importance for the time it gains."""
        plan: Plan | None = self.dense
        while plan is not None:
            yield plan
            plan = min(self.quicker(plan), key=lambda p, was=plan: self.price(was, p), default=None)

    def fastest(self) -> Iterator[Plan]:
        """From the narrowest, whatever saves most time: the narrowest need not be the fastest."""
        plan: Plan | None = (0,) * len(self.edges)
        while plan is not None:
            yield plan
            plan = min(self.quicker(plan, wider=True), key=self.time, default=None)

    def quicker(self, plan: Plan, *, wider: bool = False) -> list[Plan]:
        """Plans with one group narrower (or wider) that take less time."""
        limit = self.time(plan) * (1 - HAIR)
        return [p for p in self.timed(self.moved(plan)) if (sum(p) > sum(plan)) == wider and self.time(p) < limit]

    def price(self, was: Plan, now: Plan) -> float:
        return (self.lost(now) - self.lost(was)) / (self.time(was) - self.time(now))

    def moved(self, plan: Plan) -> Iterator[Plan]:
        """One group on any other of its edges."""
        for group, widths in enumerate(self.edges):
            for place in range(len(widths)):
                if place != plan[group]:
                    yield (*plan[:group], place, *plan[group + 1 :])

    def neighbours(self, plan: Plan) -> Iterator[Plan]:
        """One group moved; or one group an edge narrower and another an edge wider."""
        yield from self.moved(plan)
        for down, place in enumerate(plan):
            for up, other in enumerate(plan):
                if down != up and place > 0 and other < self.dense[up]:
                    yield tuple(p - (i == down) + (i == up) for i, p in enumerate(plan))

    def offer(self, plan: Plan) -> bool:
        """Keep it if it loses less than what was found for its time so far."""
        place = self.place(plan)
        known = self.best.get(place)
        if known is not None and (self.lost(known), self.time(known)) <= (self.lost(plan), self.time(plan)):
            return False
        self.best[place] = plan
        return True

    def widened(self, plan: Plan) -> Plan:
        """As wide as it can be in no more time: no channel goes that buys nothing."""
        while True:
            limit = self.time(plan) * (1 + HAIR)
            moved = self.timed(p for p in self.moved(plan) if sum(p) > sum(plan))
            wider = [p for p in moved if self.time(p) <= limit]
            if not wider:
                return plan
            plan = min(wider, key=self.lost)

    def place(self, plan: Plan) -> int:
        return math.floor(PER_CENT * math.log(max(self.time(plan), 1e-12)))

    def time(self, plan: Plan) -> float:
        self.timed([plan])
        return self.times[plan]

    def timed(self, plans: Iterable[Plan]) -> list[Plan]:
        """These plans, the time of each estimated once."""
        wanted = list(plans)
        new = [plan for plan in dict.fromkeys(wanted) if plan not in self.times]
        if new:
            self.times.update(zip(new, map(float, self.many_ms([self.widths(plan) for plan in new])), strict=True))
        return wanted

    def lost(self, plan: Plan) -> float:
        return sum(table[place] for table, place in zip(self.lost_at, plan, strict=True))

    def widths(self, plan: Plan) -> dict[str, int]:
        return {name: widths[p] for name, widths, p in zip(self.names, self.edges, plan, strict=True)}

    def choice(self, plan: Plan) -> Choice:
        return Choice(self.time(plan), self.lost(plan), tuple(self.widths(plan).values()))
