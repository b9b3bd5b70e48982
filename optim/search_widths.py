"""From a target of latency to widths, by what a profile measured. Light: numpy only.

Importance tells channels of one layer apart; how much a whole layer may lose is better told by the accuracy that was
measured with that layer narrowed. The logarithm of what is left of it above chance adds up over layers; its increments
take the place of importance in the same knapsack (Shen et al. 2021, arXiv:2110.10811, section 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from . import catalog, estimate
from .errors import KnobError
from .knapsack import Speed, within_time
from .plan import Widths
from .profiles import PRECISIONS, Precision, Profile

FAINTEST = 0.02
"""What is left of a network that answers at chance."""
FIRST_CHANNEL = 3.0
"""What the first channel of a group is worth: no group may be left empty."""
SHARES = tuple(eighth / 8 for eighth in range(8, 0, -1))


class Found(NamedTuple):
    """The better of both precisions for a target."""

    widths: Widths
    precision: Precision
    lost: float


def by_sensitivity(profile: Profile, sizes: Mapping[str, int], target: float, importance: str) -> Found | None:
    """Widths of a network of these sizes that lose least within `target` times the profiled dense time."""
    if not all(group.sensitivity for group in profile.groups):
        return None
    found = []
    for precision in PRECISIONS:
        values, fast = _worth(profile.to_json(), importance, _key(sizes)), speed(profile, precision, sizes)
        try:
            widths = within_time(dict(values), fast, target) if target < 1 else dict(sizes)
        except KnobError:
            continue
        found.append(Found(widths, precision, sum(_lost(v, widths[name]) for name, v in values)))
    return min(found, key=lambda one: (round(one.lost, 6), _ms(profile, one)), default=None)


def by_share(profile: Profile, sizes: Mapping[str, int], target: float) -> Found | None:
    """The same share of every group, the largest that keeps the target."""
    for share in SHARES:
        widths = {name: max(round(share * size), 1) for name, size in sizes.items()}
        made = [Found(widths, precision, 1 - share) for precision in PRECISIONS]
        best = min(made, key=lambda one: _ms(profile, one))
        if _ms(profile, best) <= target * profile.dense_fp32_ms.value:
            return best
    return None


def _ms(profile: Profile, one: Found) -> float:
    return estimate.latency_ms(profile, one.widths, one.precision).value


def _lost(values: np.ndarray, width: int) -> float:
    return float(np.sort(values)[: len(values) - width].sum())


def _key(sizes: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sizes.items())


def speed(profile: Profile, precision: Precision, sizes: Mapping[str, int]) -> Speed:
    """The profiled model's speed, for one of these sizes whose groups have the same names."""
    return _speed_of(profile.to_json(), precision, _key(sizes))


@lru_cache(maxsize=32)
def _speed_of(text: str, precision: Precision, sizes: tuple[tuple[str, int], ...]) -> Speed:
    whole, own = estimate.speed_of(Profile.from_json(text), precision), dict(sizes)
    edges = {name: (*(e for e in whole.edges.get(name, ()) if e < size), size) for name, size in sizes}

    def many_ms(plans: Sequence[Widths]) -> Sequence[float]:
        assert whole.many_ms is not None
        return whole.many_ms([{**own, **plan} for plan in plans])

    return Speed(edges, lambda plan: many_ms([plan])[0], whole.dense_ms, many_ms, f"{whole.digest} {sizes}")


@lru_cache(maxsize=32)
def _worth(text: str, importance: str, sizes: tuple[tuple[str, int], ...]) -> tuple[tuple[str, np.ndarray], ...]:
    """Per group what each channel adds, most first: increments of a rising, concave curve through what was measured."""
    profile = Profile.from_json(text)
    row = catalog.dataset(profile.dataset)
    chance = 0.0 if row.ranks else 1 / len(row.classes)
    worth = []
    for name, size in sizes:
        group = profile.group(name)
        told = group.sensitivity.get(importance) or next(iter(group.sensitivity.values()))
        left = [max((share.value - chance) / (told.accuracy[-1].value - chance), FAINTEST) for share in told.accuracy]
        shares = np.array([0.0, *(width / group.size for width in told.widths)])
        value = np.maximum.accumulate([np.log(FAINTEST) - FIRST_CHANNEL, *np.log(left)])
        steps = np.diff(np.interp(np.arange(size + 1) / size, shares, value))
        worth.append((name, _falling(steps)))
    return tuple(worth)


def _falling(steps: np.ndarray) -> np.ndarray:
    """The increments of the least concave curve above the one with these increments: pooled where they rise.

    >>> _falling(np.array([3.0, 0.0, 2.0])).tolist()
    [3.0, 1.0, 1.0]
    """
    pools: list[tuple[float, int]] = []
    for step in steps.tolist():
        pools.append((step, 1))
        while len(pools) > 1 and pools[-2][0] < pools[-1][0]:
            (one, n), (two, m) = pools[-2:]
            pools[-2:] = [((n * one + m * two) / (n + m), n + m)]
    return np.array([value for value, count in pools for _ in range(count)])
