"""The fit behind estimates of latency: a trend by layers, a correction by near plans, and an honest band. Numpy only.

Time is not a sum over channel groups: a layer costs by its inputs times its outputs, in steps of whole channel blocks.
So its work in blocks, work off the blocks, and memory moved are fitted to everything the profile timed (non-negative
least squares on relative errors); what is left over is learned from the nearest plans (Gaussian process regression,
Rasmussen and Williams 2006, chapter 2).

The band is cross-validated: everything that is chosen by the data (trend, block, reach, strength) is chosen anew
without the plans it is then judged on (as in CV+: Barber, Candes, Ramdas and Tibshirani 2021). Their errors, each over
the spread the process expects there, are ordered, and one of the largest is taken: see `conformal`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .linear import inverses, nonnegative
from .plan import Layer, Widths

BLOCKS = (4, 8, 16)
"""Channels that ONNX Runtime may handle at once, by processor; the one that fits best is taken."""
ALIGNED = 4
"""A width that is no multiple of this leaves the fast path."""
MEGA = 1e6
SETTINGS = tuple((reach, strength) for reach in (0.25, 0.5, 1.0, 2.0) for strength in (0.3, 1.0, 3.0, 10.0))
"""Tried in turn. Reach: the distance, in log width, over which plans tell about each other. Strength: the variance of
what they tell over the variance of noise."""
CONFIDENCE = 0.95
LEAST_SHARE = 0.9
"""What the band of a single profile holds, but for one profile in twenty."""
FOLDS = 10
FEWEST_JUDGED = 19
"""With fewer errors than this no quantile of them holds 95 %."""
LEAST_BAND = 0.01
"""No estimate claims to be nearer than this share."""
LEAST_CORRECTED = 0.1
"""The correction leaves at least this share of the trend."""
DENSE_WEIGHT = 100.0
"""The dense file was timed in every session: its noise is this much smaller."""


class Timed(NamedTuple):
    """What a fit rests on: one row per timed plan, the dense one first, those of several narrower groups last."""

    names: tuple[str, ...]
    widths: np.ndarray
    """(plans, groups)."""
    ms: np.ndarray
    joint: int
    """How many of the last rows narrow several groups, as the plans that are asked about do."""


class Fit(NamedTuple):
    """Of one profile at one precision."""

    names: tuple[str, ...]
    layers: tuple[Layer, ...]
    block: int
    coefficients: np.ndarray
    reach: float
    strength: float
    widths: np.ndarray
    weights: np.ndarray
    """What each timed plan adds to the correction."""
    inverse: np.ndarray
    """Of the plans' covariance."""
    band: float
    """Half the 95 % band as a share, over the spread the process expects."""
    errors: np.ndarray
    """How far the plans of several narrower groups are off, as shares, each estimated without its fold."""

    def ms(self, plans: Sequence[Widths]) -> tuple[np.ndarray, np.ndarray]:
        """Estimated milliseconds of each plan, and half of the 95 % band as a share of them; (plans,) each."""
        rows = np.array([[widths[name] for name in self.names] for widths in plans], dtype=float)
        trend = _features(self.layers, self.names, rows, self.block) @ self.coefficients
        near = self.strength * _nearness(rows, self.widths, self.reach)
        spread = 1.0 + self.strength - ((near @ self.inverse) * near).sum(axis=1)
        values = trend * np.maximum(1.0 + near @ self.weights, LEAST_CORRECTED)
        return values, np.maximum(self.band * np.sqrt(np.maximum(spread, 0.0)), LEAST_BAND)


def fit(timed: Timed, layers: Sequence[Layer]) -> Fit:
    """Trend, then correction; block, reach and strength are those with the smallest errors on plans left out."""
    shares = [_features(layers, timed.names, timed.widths, block) / timed.ms[:, None] for block in BLOCKS]
    coefficients = [nonnegative(share, np.ones(len(timed.ms))) for share in shares]
    left = _left(shares, coefficients)
    inverted = _inverted(timed)
    setting, block = _best(inverted @ left, _diagonals(inverted))
    off, surprise = _judged(timed, shares, coefficients, inverted)
    reach, strength = SETTINGS[setting]
    inverse = inverted[setting]
    return Fit(
        timed.names, tuple(layers), BLOCKS[block], coefficients[block], reach, strength, timed.widths,
        inverse @ left[:, block], inverse, conformal(surprise), off,
    )  # fmt: skip


def conformal(errors: np.ndarray) -> float:
    """The size that a further error of the same kind stays under; of fewer errors than it takes, the largest.

    At least the ceil(0.95 (n + 1))-th smallest: that holds 95 % on average over profiles (Vovk, Gammerman and Shafer
    2005). But a profile is one draw of plans, and one draw in twelve then holds less than 90 %. So the rank is also
    high enough that at most one in twenty does (Wilks 1941, tolerance limits); of 39 errors that is the largest.

    >>> conformal(np.arange(1, 40)), conformal(np.arange(1, 201))
    (39.0, 191.0)
    """
    count = len(errors)
    rank = min(math.ceil(CONFIDENCE * (count + 1)), count)
    while rank < count and _short(count, rank) > 1 - CONFIDENCE:
        rank += 1
    return float(np.sort(errors)[rank - 1])


def _short(count: int, rank: int) -> float:
    """How probably less than `LEAST_SHARE` lies below the error of this rank: it is at `rank` or more of them."""
    p = LEAST_SHARE
    return sum(math.comb(count, hits) * p**hits * (1 - p) ** (count - hits) for hits in range(rank, count + 1))


def _inverted(timed: Timed) -> np.ndarray:
    """The inverse covariance of the timed plans at each of the settings; (settings, plans, plans)."""
    noise = np.ones(len(timed.ms))
    noise[0] /= DENSE_WEIGHT
    near = {reach: _nearness(timed.widths, timed.widths, reach) for reach, _ in SETTINGS}
    return inverses(np.stack([strength * near[reach] + np.diag(noise) for reach, strength in SETTINGS]))


def _left(shares: Sequence[np.ndarray], coefficients: Sequence[np.ndarray]) -> np.ndarray:
    """What each trend leaves over, as a share of it; (plans, blocks)."""
    return np.stack([1 / np.maximum(s @ c, 1e-9) - 1 for s, c in zip(shares, coefficients, strict=True)], axis=1)


def _best(pulled: np.ndarray, diagonals: np.ndarray) -> tuple[int, int]:
    """Which setting and which block err least on plans left out one by one (Rasmussen and Williams, equation 5.12).

    `pulled`: the inverse covariance times what is left, (settings, plans, blocks); `diagonals`: of the inverse.
    """
    errors = np.abs(pulled / diagonals[:, :, None]).mean(axis=1)
    setting, block = divmod(int(errors.argmin()), errors.shape[1])
    return setting, block


def _diagonals(matrices: np.ndarray) -> np.ndarray:
    return np.einsum("sii->si", matrices)


def _judged(
    timed: Timed, shares: Sequence[np.ndarray], coefficients: Sequence[np.ndarray], inverted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Errors, as shares, of plans whose fold took no part in the fit; and the same over the spread expected there."""
    count = timed.joint if timed.joint >= FEWEST_JUDGED else len(timed.ms) - 1
    first = len(timed.ms) - count
    folds = [np.arange(first + number, len(timed.ms), FOLDS) for number in range(min(FOLDS, count))]
    told = [_held_out(shares, coefficients, inverted, fold) for fold in folds]
    off, surprise = (np.concatenate(side) for side in zip(*told, strict=True))
    return off, surprise


def _held_out(
    shares: Sequence[np.ndarray], coefficients: Sequence[np.ndarray], inverted: np.ndarray, fold: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The fit without these plans, as they turn out by it. By the inverse in blocks no matrix is inverted anew."""
    rest = np.setdiff1d(np.arange(inverted.shape[1]), fold)
    ones = np.ones(len(rest))
    left = _left(shares, [nonnegative(s[rest], ones, c) for s, c in zip(shares, coefficients, strict=True)])
    spread = np.linalg.inv(inverted[:, fold][:, :, fold])
    across = inverted[:, fold][:, :, rest]
    told = spread @ across
    pulled = (inverted @ left)[:, rest] - across.transpose(0, 2, 1) @ (left[fold] + told @ left[rest])
    setting, block = _best(pulled, _diagonals(inverted)[:, rest] - (across * told).sum(axis=1))
    expected = -told[setting] @ left[rest, block]
    ratio = (1 + left[fold, block]) / np.maximum(1 + expected, LEAST_CORRECTED)
    return 1 / ratio - 1, (np.maximum(ratio, 1 / ratio) - 1) / np.sqrt(np.diag(spread[setting]))


def _features(layers: Sequence[Layer], names: Sequence[str], widths: np.ndarray, block: int) -> np.ndarray:
    """(plans, columns): per layer its work in whole blocks and its work off the blocks, then memory and a constant."""
    column = {name: widths[:, number] for number, name in enumerate(names)}
    blocks, off, moved_in, moved_out = [], [], 0.0, 0.0
    for layer in layers:
        into = column.get(layer.into, np.full(len(widths), float(layer.outputs)))
        out_of = column.get(layer.out_of, np.full(len(widths), float(layer.inputs)))
        places = layer.positions * layer.kernel / MEGA
        loose = np.zeros(len(widths), dtype=bool)
        for name in (layer.into, layer.out_of):
            loose |= column[name] % ALIGNED != 0 if name in column else False
        whole = places * _blocks(into, block) * (_blocks(out_of, block) if layer.out_of in column else out_of)
        blocks.append(np.where(loose, 0.0, whole))
        off.append(np.where(loose, places * into * out_of, 0.0))
        moved_in = moved_in + layer.positions / MEGA * out_of
        moved_out = moved_out + layer.positions / MEGA * into
    ones = np.ones(len(widths))
    return np.stack([*blocks, *off, moved_in * ones, moved_out * ones, ones], axis=1)


def _blocks(width: np.ndarray, block: int) -> np.ndarray:
    return np.ceil(width / block) * block


def _nearness(one: np.ndarray, other: np.ndarray, reach: float) -> np.ndarray:
    """How much two plans tell about each other, at most 1: the mean over groups of how near their widths are."""
    far = (np.log(one)[:, None, :] - np.log(other)[None, :, :]) / reach
    alike = np.where((one[:, None, :] % ALIGNED == 0) == (other[None, :, :] % ALIGNED == 0), 1.0, 0.3)
    return (alike * np.exp(-(far**2) / 2)).mean(axis=2)
