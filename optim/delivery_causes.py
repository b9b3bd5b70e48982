"""What each cause made of the promised speed, in numbers: from the times of two files' operators, with intervals."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from . import stats
from .operators import Operator, Operators, without_profiler

WHOLE = 8
"""Channels that the vector units take at once, at least: other widths leave some of them idle."""
NOTHING_US = 1e-3
FEWEST_TURNS = 3
OTHERS = 400
"""So many other outcomes of the same profiles say how sure the causes are."""
CUT_US = 0.5
"""The profiler tells whole microseconds: a time lies anywhere up to so far on either side of what is read."""
UNEVEN_US = 0.4
"""Standard deviation, over operators, of what the profiler adds to the time of one: 1.5 to 2.5 us over six kinds of
operators (chains of 24 alike, against what one more of them adds to a plain call), where all are taken as alike."""
MISSED_US = 0.2
"""The plain calls of those chains, taken back to no operator at all, take 0.1 to 0.3 us more than an empty call."""


class Found(NamedTuple):
    """One number for each cause."""

    values: tuple[float, ...]
    """Where the arithmetic went, odd widths, the rest of it, memory-bound operators, conversions, overhead per call,
    and last their product with the promise: how many times less the whole call takes."""
    halves: tuple[float | None, ...]
    """Half the 95 % interval of the logarithm of each; None where the turns were not kept."""


class _Times(NamedTuple):
    """Several versions of one file's profile, each a row."""

    of: Operators
    us: np.ndarray
    """Net time of each operator, (versions, operators)."""
    call_us: np.ndarray
    """Of a whole call, (versions,); of the operators together where the overhead is not known."""


def causes(run: Operators, reference: Operators, promise: float) -> Found:
    """Both profiles as they came from the profiler; `promise`: how many times less arithmetic the run has."""
    known = run.overhead_known and reference.overhead_known
    (values,) = _logs(_as_read(run, known=known), _as_read(reference, known=known), promise)
    told = tuple(np.exp(values).tolist())
    count = min(run.turns(), reference.turns())
    if count < FEWEST_TURNS:
        return Found(told, (None,) * len(told))
    turns = _logs(_turns(run, count, known=known), _turns(reference, count, known=known), promise)
    random = np.random.default_rng(0)
    others = _logs(_others(run, random, known=known), _others(reference, random, known=known), promise)
    over_turns = [stats.mean_interval(one) for one in turns.T.tolist()]
    reach = np.quantile(np.abs(others - values), 1 - stats.ALPHA, axis=0).tolist()
    return Found(told, tuple(math.hypot(one.high - one.value, far) for one, far in zip(over_turns, reach, strict=True)))


def _as_read(profile: Operators, *, known: bool) -> _Times:
    us = np.array([[one.us for one in profile.operators]])
    return _net(profile, us, np.array([profile.call_us]), np.array([profile.empty_us or 0.0]), known=known)


def _turns(profile: Operators, count: int, *, known: bool) -> _Times:
    """Each turn as if it had been all."""
    us = np.array([one.turns_us[:count] for one in profile.operators]).reshape(-1, count).T
    empty = profile.empty_turns_us[:count] if profile.empty_us is not None else (0.0,) * count
    return _net(profile, us, np.array(profile.turns_us[:count]), np.array(empty), known=known)


def _others(profile: Operators, random: np.random.Generator, *, known: bool) -> _Times:
    """As the same file might have come out: in another session, with other parts of a microsecond cut off, and with
    another share of the profiler's cost in each operator.
    """
    shape = (OTHERS, len(profile.operators))
    level = np.exp(stats.TIMES_BETWEEN_SESSIONS * random.standard_normal(OTHERS))
    apart = np.exp(stats.BETWEEN_SESSIONS * random.standard_normal(shape))
    read = random.uniform(-CUT_US, CUT_US, shape) + UNEVEN_US * random.standard_normal(shape)
    us = np.array([one.us for one in profile.operators]) * level[:, None] * apart + read
    empty_us = level * (profile.empty_us or 0.0) + MISSED_US * random.standard_normal(OTHERS)
    return _net(profile, np.maximum(us, 0.0), level * profile.call_us, np.maximum(empty_us, 0.0), known=known)


def _net(of: Operators, us: np.ndarray, call_us: np.ndarray, empty_us: np.ndarray, *, known: bool) -> _Times:
    """`known`: whether the overhead per call is; else nothing but the operators explains the time."""
    room = call_us - empty_us if known else call_us
    left = without_profiler(us, np.maximum(room, NOTHING_US))
    return _Times(of, left, np.maximum(call_us, NOTHING_US) if known else np.maximum(left.sum(axis=1), NOTHING_US))


def _logs(mine: _Times, theirs: _Times, promise: float) -> np.ndarray:
    """The logarithms of `Found.values`, (versions, causes)."""
    steps = [_sum(theirs, roles) / _sum(mine, roles) for roles in (1, 2, 3)]
    whole = theirs.call_us / mine.call_us
    arithmetic = _arithmetic(mine, theirs, promise)
    return np.log([*arithmetic, steps[1] / steps[0], steps[2] / steps[1], whole / steps[2], whole]).T


def _arithmetic(mine: _Times, theirs: _Times, promise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(mix, odd widths, rest): together with the promise they make the ratio of the arithmetic operators' times.

    Each layer's ideal time is the reference's time of the same layer, less as its arithmetic is less; a layer that the
    reference does not have is held to the reference's average speed.
    """
    layers = theirs.of.operators
    known = {one.name: place for place, one in enumerate(layers) if is_weighted(one)}
    total = max(sum(layers[place].macs for place in known.values()), 1)
    each = np.maximum(theirs.us[:, list(known.values())].sum(axis=1), NOTHING_US) / total
    actual = _sum(mine, 1)
    ideal, odd_too, weighted = np.zeros_like(actual), np.zeros_like(actual), np.zeros_like(actual)
    for place, one in enumerate(mine.of.operators):
        if not is_weighted(one):
            continue
        at = known.get(one.name)
        wish = each * one.macs if at is None else theirs.us[:, at] * one.macs / layers[at].macs
        ideal += wish
        odd_too += mine.us[:, place] if is_odd(one) else wish
        weighted += mine.us[:, place]
    ideal, odd_too = (np.maximum(part + actual - weighted, NOTHING_US) for part in (ideal, odd_too))
    return _sum(theirs, 1) / ideal / promise, ideal / odd_too, odd_too / actual


def is_weighted(one: Operator) -> bool:
    """Whether it is a layer that multiplies and accumulates."""
    return one.role == "arithmetic" and one.macs > 0


def is_odd(one: Operator) -> bool:
    """The classes (the outputs of the last matrix) and the pixels cannot be chosen; every other width can."""
    out = one.outputs if "Conv" in one.kind else 0
    return out % WHOLE != 0 or (one.inputs % WHOLE != 0 and one.inputs > 3)


def _sum(times: _Times, roles: int) -> np.ndarray:
    """Microseconds in the first one, two or three of: arithmetic, memory-bound operators, conversions; (versions,)."""
    counted = ("arithmetic", "memory", "conversion")[:roles]
    places = [place for place, one in enumerate(times.of.operators) if one.role in counted]
    return np.maximum(times.us[:, places].sum(axis=1), NOTHING_US)
