"""How right a pruned network is, right after pruning and after recovery, estimated from a profile. Light.

Right after pruning each group keeps a share of what the dense network has above chance; the shares of several groups
are multiplied, and the power that fits the jointly pruned plans says how far their losses add up. After recovery the
loss follows what is left of the parameters, or of those shares, whichever tells more of the plans the profile trained
on for a moment; it falls with a power of the items that the recipe trains on, and is scaled by own runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from . import catalog
from .estimate_fit import conformal
from .plan import Anatomy, Widths, cost
from .profiles import RECOVERY_ITEMS, Profile, Sensitivity
from .results import Interval

POWERS = tuple(np.linspace(0.4, 2.4, 41).tolist())
SLOPES = tuple(np.linspace(0.1, 1.2, 23).tolist())
POWERS_LEFT = tuple(np.geomspace(0.02, 3.0, 40).tolist())
LEAST_SPREAD = 0.2
"""Plans that lose next to nothing, or all, are not taken to be nearer than this to the law, beside others."""
FAINTEST = 1e-3
"""A group's share above chance is never taken as less: products of zeros tell nothing apart."""
FEWEST, UNKNOWN_MISS = 3, 0.3
"""With fewer jointly pruned plans nothing is known of the misses."""
PRIOR_RUNS = 1.0
"""Own runs count against the profile's short recovery as if that were so many runs."""
LONGER, LONGER_OFF = 0.6, 0.3
"""The loss falls with this power of the training items, give or take: of ResNet-8 and of an LSTM half as wide 0.45 was
left after five times as many epochs, and half of that after 2.7 times as many again (powers 0.5 and 0.7)."""
FEW_MISS = 0.02
"""Added to the band after recovery: longer or shorter training, and another seed, do this much."""


class Recovered(NamedTuple):
    """What training again made of a network of these widths: validation accuracy, a fraction."""

    widths: Widths
    accuracy: float
    items: float = 0.0
    """Training items it saw, one seen twice counted twice; 0: as few as a plan of the profile."""


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


def recovered(
    profile: Profile, widths: Widths, own: Sequence[Recovered] = (), importance: str = "", *, items: float = 0.0
) -> Interval | None:
    """Estimated validation accuracy after training again, and the band; None if the profile tried no recovery.

    `own`: finished runs of the same model that were trained again after pruning; they scale the loss. `items`: on how
    many training items, as in `Recovered`.
    """
    law = _law(profile, _method(profile, importance))
    if law is None:
        return None
    dense, above = profile.whole_accuracy, profile.whole_accuracy.value - _chance(profile)
    guesses = [law.loss(run.widths) * _longer(profile, run.items) for run in own]
    found = [dense.value - run.accuracy for run in own]
    prior = PRIOR_RUNS * float(np.mean(guesses)) if guesses else 1.0
    scale = float(np.clip((sum(found) + prior) / (sum(guesses) + prior), 0.1, 3.0)) if prior > 0 else 1.0
    soon, longer = min(scale * law.loss(widths), max(above, 0.0)), _longer(profile, items)
    loss, off = soon * longer, LONGER_OFF / math.sqrt(1 + len(own))
    least, most = (soon * _longer(profile, items, LONGER + sign * off) for sign in (1, -1))
    miss = min(law.miss * law.spread(soon) * longer + FEW_MISS, 0.5) * min(loss / 0.02, 1.0)
    luck, value = float(np.hypot((dense.high - dense.low) / 2, miss)), dense.value - loss
    low, high = value - float(np.hypot(luck, most - loss)), value + float(np.hypot(luck, loss - least))
    return Interval(value=value, low=max(low, 0.0), high=min(high, 1.0))


def _longer(profile: Profile, items: float, power: float = LONGER) -> float:
    """The share of the loss that is left after so many items, of that after the profile's moment."""
    moment = min(RECOVERY_ITEMS, catalog.dataset(profile.dataset).sizes["train"])
    return max(items / moment, 1.0) ** -power


def tells(profile: Profile, band: Interval) -> bool:
    """Whether this band says anything: one half as wide as from chance to dense, or wider, does not."""
    return band.high - band.low < (profile.whole_accuracy.value - _chance(profile)) / 2


class Law(NamedTuple):
    """What training on for a moment leaves lost, by the widths."""

    loss: Callable[[Widths], float]
    """Points of the metric as a fraction."""
    miss: float
    """By how much a plan left out of the fit is missed, over `spread` of its loss."""
    spread: Callable[[float], float]
    """How far plans of this loss are off, beside others."""
    worst: float
    """The same as `miss`, in points as a fraction."""


def _law(profile: Profile, method: str) -> Law | None:
    """The law that misses plans left out of its fit by less, of two; None if the profile tried no recovery.

    One goes by the parameters that are left: where training wins nearly all back. The other by what right after
    pruning is left above chance: where one thin group, as the embedding of a text, is lost for good.
    """
    tried = [(one.widths, one.recovered[method].value) for one in profile.joint if method in one.recovered]
    if not tried:
        return None
    above = max(profile.dense_accuracy.value - _chance(profile), 1e-9)
    losses = np.array([max(profile.dense_accuracy.value - found, 0.0) for _, found in tried])
    plans = [widths for widths, _ in tried]

    def by_left(widths: Widths, powers: np.ndarray) -> np.ndarray:
        return above * (1 - _joined(profile, widths, method) ** powers)

    def spread(loss: float) -> float:
        share = float(np.clip(loss / above, 0.0, 1.0))
        return max(2 * float(np.sqrt(share * (1 - share))), LEAST_SPREAD)

    def by_parameters(widths: Widths, slopes: np.ndarray) -> np.ndarray:
        return _thinned(profile, widths, slopes)

    laws = [_fitted(by_parameters, SLOPES, plans, losses, lambda _: 1.0, math.inf)]
    if len(tried) >= FEWEST:
        laws.append(_fitted(by_left, POWERS_LEFT, plans, losses, spread, 1.0))
    return min(laws, key=lambda law: law.worst)


def _fitted(
    shape: Callable[[Widths, np.ndarray], np.ndarray], bends: Sequence[float], plans: Sequence[Widths],
    losses: np.ndarray, spread: Callable[[float], float], most: float,
) -> Law:  # fmt: skip
    """Loss = size x shape(widths, bends)[place], fitted to these plans; the size is at most `most`."""
    shapes = np.stack([shape(widths, np.array(bends)) for widths in plans], axis=1)

    def fit(of: np.ndarray) -> tuple[float, int]:
        """Size, and place of the bend, whose largest miss of these plans is smallest."""
        chosen = shapes[:, of]
        sizes = np.minimum((chosen @ losses[of]) / np.maximum((chosen**2).sum(axis=1), 1e-12), most)
        place = int(np.argmin(np.abs(sizes[:, None] * chosen - losses[of]).max(axis=1)))
        return float(sizes[place]), place

    size, place = fit(np.arange(len(plans)))
    guesses = [_guess(fit, shapes, left) for left in range(len(plans))]
    misses = np.abs(np.array(guesses) - losses)
    spreads = np.array([spread(guess) for guess in guesses])
    return Law(
        lambda widths: float(size * shape(widths, np.array(bends))[place]),
        conformal(misses / spreads), spread, conformal(misses),
    )  # fmt: skip


def _guess(fit: Callable[[np.ndarray], tuple[float, int]], shapes: np.ndarray, left: int) -> float:
    """The loss of this plan by what is fitted to the others; none where there is no other."""
    others = np.delete(np.arange(shapes.shape[1]), left)
    if not len(others):
        return 0.0
    size, place = fit(others)
    return float(size * shapes[place, left])


def _thinned(profile: Profile, widths: Widths, slopes: np.ndarray) -> np.ndarray:
    """How much thinner the network is, by each slope, on scales that are 0 where it is dense."""
    body = Anatomy(dataset=profile.dataset, model=profile.model, width=profile.width, groups=(), layers=profile.layers)
    return (cost(body, {})[0] / cost(body, widths)[0]) ** slopes - 1


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
