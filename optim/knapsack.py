"""The latency-saliency knapsack: most importance within a time (Shen et al., HALP, arXiv:2110.10811, 2210.06659).

Widths stand on edges of the measured staircase. Time is not additive over groups (a layer couples two of them), so no
table of one group's price exists, and the exact dynamic program does not apply. Instead one front of (time, importance
lost) is found for all targets at once: from all plans where they are few, else by a search (a greedy path by importance
lost per millisecond gained, then exchanges).
Every target chooses from that same front; so a larger one can never lose more. numpy only.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from .errors import KnobError

PER_CENT = 100
"""The front keeps one plan for each percent of difference in time."""
FEW = 4096
"""Up to so many plans, all are looked at."""
MOST_TIMES = 20_000
"""Estimates asked for at most, so that the page stays quick."""
HAIR = 1e-9
"""Times that differ by less, relatively, are equal."""


class Speed(NamedTuple):
    """What a profile tells of a model's time. Hand in the same functions again: what is found is kept by them."""

    edges: Mapping[str, tuple[int, ...]]
    """Per group the widths worth having: each the last before the time rises."""
    time_ms: Callable[[dict[str, int]], float]
    """Estimated time of the whole network with these group widths."""
    dense_ms: float
    """The same of the network as it is; targets are fractions of it."""
    many_ms: Callable[[Sequence[dict[str, int]]], Sequence[float]] | None = None
    """`time_ms` of many plans at once, where that is quicker."""
    digest: str = ""
    """Of what it rests on: a profile that was measured anew has another."""
    half: Callable[[dict[str, int]], float] | None = None
    """Half of the 95 % band of `time_ms`, as a share of it."""


class Bought(NamedTuple):
    """What the pruning of one group was good for."""

    ms: float
    """Time that giving this group its channels back, and no other, would cost."""
    lost: float
    """Share of all the model's importance that went with them."""
    half_ms: float | None = None
    """Half of the band of `ms`; None where the estimates have none."""


class Choice(NamedTuple):
    """One plan of the front."""

    time: float
    lost: float
    widths: tuple[int, ...]


def within_time(scores: Mapping[str, np.ndarray], speed: Speed, target: float) -> dict[str, int]:
    """Widths on edges that lose least importance within `target` times the dense time.

    No group could be wider for the same time. A group's own size counts as an edge; one without edges stays whole.
    Raises `KnobError` with the smallest reachable fraction.
    """
    sizes = {name: len(values) for name, values in scores.items()}
    if target >= 1:
        return sizes
    many = speed.many_ms or _one_by_one(speed.time_ms)
    front = _front(many, _edges(sizes, speed), tuple((n, tuple(v.tolist())) for n, v in scores.items()))
    fits = [choice for choice in front if choice.time <= target * speed.dense_ms * (1 + HAIR)]
    if not fits:
        raise _too_fast(target, min(choice.time for choice in front) / speed.dense_ms)
    best = min(fits, key=lambda choice: (choice.lost, choice.time))
    return dict(zip(sizes, best.widths, strict=True))


def bought(scores: Mapping[str, np.ndarray], speed: Speed, widths: Mapping[str, int]) -> dict[str, Bought]:
    """What each narrowed group bought and lost; the band is rather wide: the errors of neighbours are alike."""
    everything = sum(values.sum() for values in scores.values())

    def estimate(plan: dict[str, int]) -> tuple[float, float]:
        return (time := speed.time_ms(plan)), time * speed.half(plan) if speed.half else 0.0

    def gain(name: str, values: np.ndarray) -> Bought:
        (wide, half), (now, half_now) = estimate({**widths, name: len(values)}), estimate(dict(widths))
        lost = float(np.sort(values)[: len(values) - widths[name]].sum() / max(everything, 1e-12))
        return Bought(wide - now, lost, math.hypot(half, half_now) if speed.half else None)

    return {name: gain(name, values) for name, values in scores.items() if widths[name] < len(values)}


def _edges(sizes: Mapping[str, int], speed: Speed) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Per group the widths it may have, narrow to wide."""
    allowed = {n: {e for e in speed.edges.get(n, ()) if 1 <= e < size} | {size} for n, size in sizes.items()}
    return tuple((name, tuple(sorted(found))) for name, found in allowed.items())


def _too_fast(target: float, reachable: float) -> KnobError:
    least = math.ceil(PER_CENT * reachable - 1e-6) / PER_CENT
    return KnobError(
        "No widths on the edges of the staircase make this model that fast.",
        given=f"latency_target={target:g}",
        allowed=f"latency_target from {least:g} to 1",
        remedy="Raise the target, or start from a narrower model.",
    )


@lru_cache(maxsize=16)
def _one_by_one(time_ms: Callable[[dict[str, int]], float]) -> Callable[[Sequence[dict[str, int]]], Sequence[float]]:
    return lambda plans: [time_ms(widths) for widths in plans]


@lru_cache(maxsize=16)
def _front(
    many_ms: Callable[[Sequence[dict[str, int]]], Sequence[float]],
    edges: tuple[tuple[str, tuple[int, ...]], ...],
    scores: tuple[tuple[str, tuple[float, ...]], ...],
) -> tuple[Choice, ...]:
    """The plans that are best for their time, each as wide as its time allows."""
    lost = [np.concatenate([np.cumsum(np.sort(values))[::-1], [0.0]]) for _, values in scores]
    return _Search(many_ms, edges, lost).front()


Plan = tuple[int, ...]
"""Per group the place of its width among its edges."""


class _Search:
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
            for plan in self.timed(product(*(range(len(widths)) for widths in self.edges))):
                self.offer(plan)
        else:
            self.search()
        return tuple(self.choice(plan) for plan in {self.widened(plan) for plan in self.best.values()})

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
