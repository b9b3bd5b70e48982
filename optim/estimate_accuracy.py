"""How right a pruned network is, right after pruning and after recovery, estimated from a profile. Light.

Right after pruning each group keeps a share of what the dense network has above chance; the shares of several groups
are multiplied, and the power that fits the jointly pruned plans says how far their losses add up. After recovery the
loss follows what is left of the parameters, by the plans the profile trained on for a moment, scaled by own runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from . import catalog
from .estimate_fit import conformal
from .plan import Anatomy, Widths, cost
from .profiles import Profile, Sensitivity
from .results import Interval

POWERS = tuple(np.linspace(0.4, 2.4, 41).tolist())
SLOPES = tuple(np.linspace(0.1, 1.2, 23).tolist())
FAINTEST = 1e-3
"""A group's share above chance is never taken as less: products of zeros tell nothing apart."""
FEWEST, UNKNOWN_MISS = 3, 0.3
"""With fewer jointly pruned plans nothing is known of the misses."""
PRIOR_RUNS = 2.0
"""Own runs count against the profile's short recovery as if that were so many runs."""
FEW_MISS = 0.02
"""Added to the band after recovery: longer or shorter training, and another seed, do this much."""


class Recovered(NamedTuple):
    """What training again made of a network of these widths: validation accuracy, a fraction."""

    widths: Widths
    accuracy: float


def accuracy(profile: Profile, widths: Widths, importance: str = "") -> Interval:
    """Estimated validation accuracy right after pruning to these widths, batch norm recalibrated, and a band.

    Half the band is what the profile's plans are missed by, each estimated from the others: of fewer than twenty plans
    the largest miss, which promises somewhat less than 95 %.

    Groups left out are dense. `importance`: by which channels were chosen; empty: any the profile knows.
    """
    method = _method(profile, importance)
    dense, chance = profile.whole_accuracy, _chance(profile)
    if not method:
        return Interval(value=dense.value, low=chance, high=1.0)
    power, miss = _power(profile, method)
    kept = _joined(profile, widths, method) ** power
    value = chance + (dense.value - chance) * kept
    half = float(np.hypot((dense.high - dense.low) / 2, miss * min(2 * np.sqrt(1 - kept), 1.0)))
    return Interval(value=value, low=max(value - half, 0.0), high=min(value + half, 1.0))


def recovered(profile: Profile, widths: Widths, own: Sequence[Recovered] = (), importance: str = "") -> Interval | None:
    """Estimated validation accuracy after training again, and the band; None if the profile tried no recovery.

    `own`: finished runs of the same model that were trained again after pruning; they scale the loss.
    """
    fit = _loss_fit(profile, _method(profile, importance))
    if fit is None:
        return None
    size, slope, miss = fit
    dense = profile.whole_accuracy
    guesses = [size * _thinned(profile, run.widths, slope) for run in own]
    found = [dense.value - run.accuracy for run in own]
    prior = PRIOR_RUNS * float(np.mean(guesses)) if guesses else 1.0
    scale = float(np.clip((sum(found) + prior) / (sum(guesses) + prior), 0.1, 3.0)) if prior > 0 else 1.0
    loss = scale * size * _thinned(profile, widths, slope)
    half = float(np.hypot((dense.high - dense.low) / 2, min(miss + FEW_MISS, 0.5) * min(loss / 0.02, 1.0)))
    value = max(dense.value - loss, _chance(profile))
    return Interval(value=value, low=max(value - half, 0.0), high=min(value + half, 1.0))


def _loss_fit(profile: Profile, method: str) -> tuple[float, float, float] | None:
    """Size and slope of loss = size x (parameter share ^ -slope - 1), and by how much a plan left out is missed."""
    tried = [(one.widths, one.recovered[method].value) for one in profile.joint if method in one.recovered]
    if not tried:
        return None
    losses = np.array([max(profile.dense_accuracy.value - found, 0.0) for _, found in tried])
    shapes = np.array([[_thinned(profile, widths, slope) for widths, _ in tried] for slope in SLOPES])

    def fit(of: np.ndarray) -> tuple[float, int]:
        """Size, and place of the slope, whose largest miss of these plans is smallest."""
        chosen = shapes[:, of]
        sizes = (chosen @ losses[of]) / np.maximum((chosen**2).sum(axis=1), 1e-12)
        place = int(np.argmin(np.abs(sizes[:, None] * chosen - losses[of]).max(axis=1)))
        return float(sizes[place]), place

    size, place = fit(np.arange(len(tried)))
    return size, SLOPES[place], conformal(np.array([_missed(fit, shapes, losses, left) for left in range(len(tried))]))


def _missed(fit: Callable[[np.ndarray], tuple[float, int]], shapes: np.ndarray, losses: np.ndarray, left: int) -> float:
    """By how much the loss of this plan is missed, fitted to the others; its whole loss where there is no other."""
    others = np.delete(np.arange(len(losses)), left)
    if not len(others):
        return float(losses[left])
    size, place = fit(others)
    return float(abs(size * shapes[place, left] - losses[left]))


def _thinned(profile: Profile, widths: Widths, slope: float) -> float:
    """How much thinner the network is, on a scale that is 0 where it is dense."""
    body = Anatomy(dataset=profile.dataset, model=profile.model, width=profile.width, groups=(), layers=profile.layers)
    return (cost(body, {})[0] / cost(body, widths)[0]) ** slope - 1


def _method(profile: Profile, importance: str) -> str:
    return importance if importance in profile.importances else (profile.importances or ("",))[0]


def _power(profile: Profile, method: str) -> tuple[float, float]:
    """The power that fits the jointly pruned plans best, and by how much a plan that is left out is missed."""
    scored = [(one.widths, one.accuracy[method].value) for one in profile.joint if method in one.accuracy]
    chance = _chance(profile)
    above = profile.dense_accuracy.value - chance
    kept = np.array([_joined(profile, widths, method) for widths, _ in scored])
    found = np.array([value for _, value in scored])
    misses = np.abs(chance + above * kept ** np.array(POWERS)[:, None] - found)  # (powers, plans)
    power = POWERS[int(np.argmin(misses.sum(axis=1)))] if scored else 1.0
    if len(scored) < FEWEST:
        return power, UNKNOWN_MISS
    without = np.argmin(misses.sum(axis=1, keepdims=True) - misses, axis=0)
    return power, conformal(misses[without, np.arange(len(scored))])


def _joined(profile: Profile, widths: Widths, method: str) -> float:
    """Product over the groups of what each keeps of the accuracy above chance; at most 1."""
    dense, chance = profile.dense_accuracy.value, _chance(profile)
    kept = 1.0
    for group in profile.groups:
        found = _at(group.sensitivity[method], widths.get(group.name, group.size))
        kept *= max((found - chance) / max(dense - chance, 1e-9), FAINTEST)
    return min(kept, 1.0)


def _at(found: Sensitivity, width: int) -> float:
    """Between two measured widths on the straight line; under the narrowest as at it."""
    return float(np.interp(width, found.widths, [share.value for share in found.accuracy]))


def _chance(profile: Profile) -> float:
    """What a network that knows nothing is worth: one class in so many; of a ranking next to nothing."""
    row = catalog.dataset(profile.dataset)
    return 0.0 if row.ranks else 1 / len(row.classes)
