"""The latency-saliency knapsack: most importance within a time (Shen et al., HALP, arXiv:2110.10811, 2210.06659).

Widths stand on edges of the measured staircase. Time is not additive over groups (a layer couples two of them), so no
table of one group's price exists, and the exact dynamic program does not apply. Instead one front of (time, importance
lost) is found for all targets at once: from all plans where they are few, else by a search (a greedy path by importance
lost per millisecond gained, then exchanges).
Every target chooses from that same front; so a larger one can never lose more. numpy only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .errors import KnobError
from .plan_search import HAIR, PER_CENT, Choice, PlanSearch


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
    return PlanSearch(many_ms, edges, lost).front()
