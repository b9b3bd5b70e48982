"""How long a network of any widths takes, and how right it is, estimated from a profile. Light: numpy only.

Time is not a sum over channel groups: a layer costs by its inputs times its outputs, in steps of whole channel blocks.
So its work in blocks, work off the blocks, and memory moved are fitted to everything the profile timed (non-negative
least squares on relative errors); what is left over is learned from the nearest plans (Gaussian process regression,
Rasmussen and Williams 2006, chapter 2). The band comes from the errors on plans left out (their equation 5.12).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .estimate_accuracy import accuracy
from .knapsack import Speed
from .plan import Layer
from .profiles import Precision, Profile
from .records import Interval

__all__ = ["accuracy", "edges", "latency_ms", "speed_of", "typical_error"]

BLOCKS = (4, 8, 16)
"""Channels that ONNX Runtime may handle at once, by processor; the one that fits best is taken."""
ALIGNED = 4
"""A width that is no multiple of this leaves the fast path."""
MEGA = 1e6
REACHES = (0.25, 0.5, 1.0, 2.0)
"""Distances, in log width, over which plans tell about each other: tried in turn."""
STRENGTHS = (0.3, 1.0, 3.0, 10.0)
"""Variance of what plans tell about each other over the variance of noise: tried in turn."""
CONFIDENCE = 0.95
LEAST_BAND = 0.01
"""No estimate claims to be nearer than this share."""
LEAST_GAIN = 0.02
"""A step down must buy at least this share of the time: sessions differ by about as much."""
DENSE_WEIGHT = 100.0
"""The dense file was timed in every session: its noise is this much smaller."""
Widths = dict[str, int]


class Timed(NamedTuple):
    """What a fit rests on: one row per timed plan, the dense one first."""

    names: tuple[str, ...]
    widths: np.ndarray
    """(plans, groups)."""
    ms: np.ndarray


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
    """Relative errors on each timed plan when it is left out."""

    def ms(self, plans: Sequence[Widths]) -> tuple[np.ndarray, np.ndarray]:
        """Estimated milliseconds of each plan, and half of the 95 % band as a share of them; (plans,) each."""
        rows = np.array([[widths[name] for name in self.names] for widths in plans], dtype=float)
        trend = _features(self.layers, self.names, rows, self.block) @ self.coefficients
        near = _kernel(rows, self.widths, self.reach, self.strength)
        spread = 1.0 + self.strength - ((near @ self.inverse) * near).sum(axis=1)
        values = trend * np.maximum(1.0 + near @ self.weights, 0.1)
        return values, np.maximum(self.band * np.sqrt(np.maximum(spread, 0.0)), LEAST_BAND)


def latency_ms(profile: Profile, widths: Widths, precision: Precision) -> Interval:
    """Estimated milliseconds of one call with these widths, and the 95 % band. Groups left out are dense."""
    value, half = (float(found[0]) for found in fitted(profile, precision).ms([{**profile.sizes(), **widths}]))
    return Interval(value=value, low=value / (1 + half), high=value * (1 + half))


def edges(profile: Profile, group: str, precision: Precision) -> tuple[int, ...]:
    """Widths of this group at which the staircase pays, ascending; the dense width is always one.

    From the dense width down, a width is an edge when it is faster than every wider one by more than the two
    intervals and `LEAST_GAIN`: the widest of each step is taken, and a narrower width that is not faster never.
    """
    stairs = profile.group(group)
    steps = sorted(zip(stairs.widths, stairs.times(precision), strict=True), reverse=True)
    found, best = [steps[0][0]], steps[0][1]
    for width, time in steps[1:]:
        if time.high < best.low and time.value < (1 - LEAST_GAIN) * best.value:
            found.append(width)
        best = min(best, time, key=lambda one: one.value)
    return tuple(sorted(found))


def speed_of(profile: Profile, precision: Precision) -> Speed:
    """What an allocator asks: edges and estimated times at this precision, and the dense FP32 file's time.

    The same profile gives the same functions again, for the allocator keeps what it found by them.
    """
    return _speed(profile.to_json(), precision)


@lru_cache(maxsize=16)
def _speed(text: str, precision: Precision) -> Speed:
    profile = Profile.from_json(text)
    fit, sizes, dense_ms = fitted(profile, precision), profile.sizes(), profile.dense_fp32_ms.value
    paying = {group.name: edges(profile, group.name, precision) for group in profile.groups}

    def many_ms(plans: Sequence[Widths]) -> list[float]:
        return fit.ms([{**sizes, **widths} for widths in plans])[0].tolist()

    timed = _timed(profile, precision)
    rests_on = repr(
        (precision, timed.names, timed.widths.tolist(), timed.ms.tolist(), sorted(paying.items()), dense_ms)
    )
    digest = hashlib.sha256(rests_on.encode()).hexdigest()
    return Speed(paying, lambda widths: many_ms([widths])[0], dense_ms, many_ms, digest)


def typical_error(profile: Profile, precision: Precision) -> float:
    """Median relative error on the timed plans, each estimated from the others."""
    return float(np.median(np.abs(fitted(profile, precision).errors)))


def fitted(profile: Profile, precision: Precision) -> Fit:
    """The fit of this profile; the same profile is fitted once."""
    return _fitted(profile.to_json(), precision)


@lru_cache(maxsize=16)
def _fitted(text: str, precision: Precision) -> Fit:
    profile = Profile.from_json(text)
    timed = _timed(profile, precision)
    tried = [_fit(timed, profile.layers, block) for block in BLOCKS]
    return min(tried, key=lambda fit: float(np.mean(np.abs(fit.errors))))


def _timed(profile: Profile, precision: Precision) -> Timed:
    names, sizes = tuple(group.name for group in profile.groups), profile.sizes()
    rows = [(sizes, profile.dense_ms(precision).value)]
    for group in profile.groups:
        steps = zip(group.widths, group.times(precision), strict=True)
        rows += [({**sizes, group.name: width}, time.value) for width, time in steps if width != group.size]
    rows += [(one.widths, one.time(precision).value) for one in profile.joint]
    widths = np.array([[plan[name] for name in names] for plan, _ in rows], dtype=float)
    return Timed(names, widths, np.array([ms for _, ms in rows]))


def _fit(timed: Timed, layers: Sequence[Layer], block: int) -> Fit:
    """Trend, then correction; `reach` and `strength` are those with the smallest errors on plans left out."""
    features = _features(layers, timed.names, timed.widths, block)
    coefficients = nonnegative(features / timed.ms[:, None], np.ones(len(timed.ms)))
    left = timed.ms / np.maximum(features @ coefficients, 1e-9) - 1
    noise = np.ones(len(left))
    noise[0] /= DENSE_WEIGHT
    best: tuple[float, float, float, np.ndarray, np.ndarray] | None = None
    for reach in REACHES:
        for strength in STRENGTHS:
            inverse = np.linalg.inv(_kernel(timed.widths, timed.widths, reach, strength) + np.diag(noise))
            errors = (inverse @ left) / np.diag(inverse)
            score = float(np.mean(np.abs(errors)))
            if best is None or score < best[0]:
                best = (score, reach, strength, inverse, errors)
    assert best is not None
    _, reach, strength, inverse, errors = best
    surprise = np.abs(errors) * np.sqrt(np.diag(inverse))
    band = float(np.quantile(surprise[1:], CONFIDENCE))
    return Fit(
        timed.names, tuple(layers), block, coefficients, reach, strength, timed.widths, inverse @ left, inverse, band,
        errors,
    )  # fmt: skip


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


def _kernel(one: np.ndarray, other: np.ndarray, reach: float, strength: float) -> np.ndarray:
    """How much two plans tell about each other: the mean over groups of how near their widths are."""
    far = (np.log(one)[:, None, :] - np.log(other)[None, :, :]) / reach
    alike = np.where((one[:, None, :] % ALIGNED == 0) == (other[None, :, :] % ALIGNED == 0), 1.0, 0.3)
    return strength * (alike * np.exp(-(far**2) / 2)).mean(axis=2)


def nonnegative(matrix: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The x >= 0 with the least |matrix x - target| (Lawson and Hanson 1974, algorithm 23.10).

    >>> nonnegative(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([2.0, -1.0])).tolist()
    [2.0, 0.0]
    """
    scale = np.maximum(np.linalg.norm(matrix, axis=0), 1e-12)
    a, x, used = matrix / scale, np.zeros(matrix.shape[1]), np.zeros(matrix.shape[1], dtype=bool)
    for _ in range(3 * len(x)):
        pull = np.where(used, -np.inf, a.T @ (target - a @ x))
        if pull.max() <= 1e-9:
            break
        used[pull.argmax()] = True
        x = _feasible(a, target, x, used)
    return x / scale


def _feasible(a: np.ndarray, target: np.ndarray, x: np.ndarray, used: np.ndarray) -> np.ndarray:
    """The inner loop: solve on the columns in use, and drop those that would go below zero."""
    while used.any():
        solved = np.zeros_like(x)
        solved[used] = np.linalg.lstsq(a[:, used], target, rcond=None)[0]
        if solved[used].min() > 0:
            return solved
        low = used & (solved <= 0)
        step = float(np.min(x[low] / np.maximum(x[low] - solved[low], 1e-300)))
        x = x + step * (solved - x)
        used &= x > 1e-12
    return np.zeros_like(x)
