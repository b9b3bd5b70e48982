"""The front: which runs are not beaten, and by how much. Pure functions on numbers.

Cost is to be low (milliseconds, bytes, MACs, parameters), accuracy is to be high (a fraction).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Point(NamedTuple):
    """One run in the plane, with its intervals."""

    id: int
    cost: float
    accuracy: float
    cost_low: float
    cost_high: float
    accuracy_low: float
    accuracy_high: float

    @classmethod
    def exact(cls, number: int, cost: float, accuracy: float) -> Point:
        """A point without uncertainty."""
        return cls(number, cost, accuracy, cost, cost, accuracy, accuracy)


def dominates(one: Point, other: Point) -> bool:
    """At least as cheap and as accurate, and better in one of the two."""
    no_worse = one.cost <= other.cost and one.accuracy >= other.accuracy
    return no_worse and (one.cost < other.cost or one.accuracy > other.accuracy)


def front(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points that no other dominates, cheapest first. Equal points stand or fall together.

    >>> [p.id for p in front([Point.exact(1, 1.0, 0.8), Point.exact(2, 2.0, 0.9), Point.exact(3, 3.0, 0.85)])]
    [1, 2]
    """
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.cost, -p.accuracy, p.id)):
        if not kept or point.accuracy > kept[-1].accuracy or point[1:3] == kept[-1][1:3]:
            kept.append(point)
    return tuple(kept)


def apart(one: Point, other: Point) -> bool:
    """Whether their intervals leave no doubt that the two differ, in cost or in accuracy."""
    same_cost = one.cost_low <= other.cost_high and other.cost_low <= one.cost_high
    same_accuracy = one.accuracy_low <= other.accuracy_high and other.accuracy_low <= one.accuracy_high
    return not (same_cost and same_accuracy)


Apart = Callable[[Point, Point], bool]
"""A symmetric test of two points. Paired measurements tell more apart than intervals do (`judging.py`)."""


def tied(points: Sequence[Point], differ: Apart = apart) -> tuple[Point, ...]:
    """Dominated points that noise alone may have put behind the front: no point of the front surely dominates them."""
    best = front(points)
    ids = {point.id for point in best}
    behind = [point for point in points if point.id not in ids]
    return tuple(p for p in behind if not any(dominates(b, p) and differ(b, p) for b in best))


def bands(points: Sequence[Point], differ: Apart = apart) -> tuple[tuple[int, ...], ...]:
    """Which points share a band: each point of the front with all of front and tied ones that do not differ from it.

    Ids, cheapest first; a band within another one is left out, and so is a point that stands alone.
    """
    best = front(points)
    near = sorted((*best, *tied(points, differ)), key=lambda p: (p.cost, -p.accuracy, p.id))
    found = [tuple(p.id for p in near if p is b or not differ(b, p)) for b in best]
    found = list(dict.fromkeys(band for band in found if len(band) > 1))
    return tuple(band for band in found if not any(set(band) < set(other) for other in found))


def steps(best: Sequence[Point]) -> tuple[list[float], list[float]]:
    """The front as a stepped line: for this cost, the best accuracy that has been reached.

    >>> steps([Point.exact(1, 1.0, 0.8), Point.exact(2, 2.0, 0.9)])
    ([1.0, 2.0, 2.0], [0.8, 0.8, 0.9])
    """
    xs: list[float] = []
    ys: list[float] = []
    for point in best:
        if xs:
            xs.append(point.cost)
            ys.append(ys[-1])
        xs.append(point.cost)
        ys.append(point.accuracy)
    return xs, ys


def hypervolume(gains: Sequence[tuple[float, float]]) -> float:
    """Area that is dominated by these points, each (gain, accuracy above the floor), both from 0 up (Zitzler 1999).

    >>> hypervolume([(1.0, 2.0), (3.0, 1.0), (0.5, 0.5), (-1.0, 9.0)])
    4.0
    """
    area, height = 0.0, 0.0
    for gain, accuracy in sorted(gains, reverse=True):
        if gain > 0 and accuracy > height:
            area += gain * (accuracy - height)
            height = accuracy
    return area


def fastest_within(points: Sequence[Point], reference: Point, points_lost: float) -> Point | None:
    """The cheapest point that loses at most `points_lost` percentage points on the reference; None if none does.

    The reference itself answers only when nothing is cheaper. Of equally cheap ones, the most accurate.

    >>> dense, small = Point.exact(1, 4.0, 0.9), Point.exact(2, 1.0, 0.895)
    >>> fastest_within([dense, small], dense, points_lost=1).id
    2
    """
    floor = reference.accuracy - points_lost / 100 - 1e-12
    enough = [point for point in points if point.accuracy >= floor]
    return min(enough, key=lambda p: (p.cost, -p.accuracy, p.id), default=None)
