"""What a search does next: which shapes deserve longer training, and when only the controls are left to run.

Pure functions on numbers; nothing here reads the store or draws.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist, median
from typing import NamedTuple

from . import search_space
from .search_space import RUNGS, Shape

FIRST_LOOK = 4
"""Shapes that are tried briefly before one of them is trained longer."""
TELLING_LOOK = 6
"""After so many shapes one is trained longer, however little it promises."""
GAIN = (0.45, 0.5)
"""Share of the loss that is left after the next rung, until this search has seen it itself."""
LEAST_LEFT = 0.5
"""What was seen counts as this share of the guess or more: a loss that fell below the noise tells nothing of others."""
CLEARLY = 0.8
"""A shape with less than this share of another one's speed is clearly slower."""
BACK = (0.5, 0.85)
"""Powers of the ratio of what misses the goal: between these lies what is tried in its place."""
RATE_NEEDED = 0.05
"""Of all items: on how many two such networks disagree about right or wrong, when nothing is known yet."""


class Tried(NamedTuple):
    """A shape after its last rung, in its faster precision."""

    shape: Shape
    rung: int
    loss: float
    """In points, against the reference, on validation."""
    upper: float
    """The loss is below this with the goal's confidence."""
    ratio: float
    """Reference time over its time."""
    losses: tuple[float, ...]
    """After each rung."""
    by_hand: bool = False
    """Whether no search has made it: it tells what is possible, and no search looks less around for it."""


class Move(NamedTuple):
    """Train a known shape again, as long as `rung` says, or (shape None) try a new one."""

    shape: Shape | None
    rung: int


def moves(tried: Sequence[Tried], max_loss: float, *, confidence: float, items: int) -> tuple[Move, ...]:
    """What to do next, the best first, for the first that there is time for; `Move(None, 0)` is a new shape.

    Shapes that are likely to qualify are trained longer, the fastest first. Those that may with luck come next, those
    of most promise first, once several shapes are known; where one qualifies, new shapes come before them. As long as
    nothing was trained longer, what that gains is a guess, and even less is hoped for: the most promising shape tells
    it first. Where none promises enough, one of them tells all the same, before shapes are tried on and on that nobody
    knows how to judge.
    """
    new = Move(None, 0)
    if looked(tried) < FIRST_LOOK:
        return (new,)
    best, able = best_of(tried, max_loss), _able(tried, max_loss)
    need = max_loss - margin(tried, confidence, items)
    likely = sorted(_keeps(able, gains(tried), need), key=lambda one: -one.ratio)
    left, is_guess = best_gains(tried), all(one.rung == 0 for one in tried)
    hopes = best or is_guess or looked(tried) >= 2 * FIRST_LOOK
    lucky = [one for one in _keeps(able, left, max_loss if hopes else need) if one not in likely]
    spread = margin(tried, confidence, items)
    lucky.sort(key=lambda one: -_promise(one, final_loss(one, left), max_loss, spread, confidence))
    first, last = ([Move(one.shape, one.rung + 1) for one in many] for many in (likely, lucky))
    telling = _telling(tried, able) if looked(tried) >= TELLING_LOOK and not first else ()
    return (*first, *telling, new, *last) if best else (*first, *last, *telling, new)


def _promise(one: Tried, final: float, max_loss: float, spread: float, confidence: float) -> float:
    """The speed that training it longer may bring: the logarithm of its ratio, times the chance that it qualifies.

    `final`: its loss after that; `spread`: from there to the upper bound. All in points.
    """
    quantile = NormalDist().inv_cdf(confidence)
    chance = NormalDist().cdf(quantile * (max_loss - final - spread) / max(spread, 1e-9))
    return chance * math.log(max(one.ratio, 1.0))


def _telling(tried: Sequence[Tried], able: Sequence[Tried]) -> tuple[Move, ...]:
    """The shape that loses least for its speed, to be trained as long as none was: what that gains is then known."""
    seen = max((len(one.losses) for one in tried), default=0)
    many = [one for one in able if len(one.losses) == seen == one.rung + 1 and one.ratio > 1]
    one = min(many, key=lambda one: one.loss / math.log(one.ratio), default=None)
    return (Move(one.shape, one.rung + 1),) if one is not None else ()


def slower(tried: Sequence[Tried], max_loss: float, *, confidence: float, items: int) -> tuple[Tried, float] | None:
    """Where none qualifies though one was trained longest: the nearest of these, and the ratio to try in its place.

    As if the loss grew with the logarithm of the ratio, but neither a small step nor more than half of the way back.
    None where one qualifies or none was trained so long.
    """
    longest = [one for one in tried if one.rung + 1 == RUNGS and one.ratio > 1]
    near = nearest_of(longest, max_loss)
    if near is None or best_of(tried, max_loss) is not None:
        return None
    need = max_loss - margin(tried, confidence, items)
    power = need / near.loss if near.loss > 0 else 1.0
    return near, near.ratio ** min(max(power, BACK[0]), BACK[1])


def looked(tried: Sequence[Tried]) -> int:
    """How many shapes searches have tried."""
    return sum(not one.by_hand for one in tried)


def pace_needed(tried: Sequence[Tried], max_loss: float, *, confidence: float, items: int) -> float:
    """Times faster that a new shape has to promise: than the best, and not clearly slower than a likely one."""
    best = best_of(tried, max_loss)
    likely = _keeps(_able(tried, max_loss), gains(tried), max_loss - margin(tried, confidence, items))
    return max([1.0, *([best.ratio] if best else []), *(CLEARLY * one.ratio for one in likely)])


def _able(tried: Sequence[Tried], max_loss: float) -> list[Tried]:
    """Those that could be trained longer, and would then be better than what there is."""
    best = best_of(tried, max_loss)
    fast = best.ratio if best else 0.0
    return [one for one in tried if one.rung + 1 < RUNGS and one.ratio > fast and one.upper > max_loss]


def _keeps(many: Sequence[Tried], left: Sequence[float], need: float) -> list[Tried]:
    return [one for one in many if final_loss(one, left) <= need]


def margin(tried: Sequence[Tried], confidence: float, items: int) -> float:
    """Points between a loss and its upper bound: the median of what was seen of the longest training.

    The longer they are trained, the less such networks disagree.
    """
    longest = max((one.rung for one in tried if not one.by_hand), default=0)
    seen = [one.upper - one.loss for one in tried if one.by_hand or one.rung == longest]
    z = NormalDist().inv_cdf(confidence)
    return median(seen) if seen else 100 * z * (RATE_NEEDED / items) ** 0.5


def gains(tried: Sequence[Tried]) -> tuple[float, ...]:
    """Per rung, the share of the loss that is left after the next one."""
    left = []
    for rung, guess in enumerate(GAIN):
        pairs = [one.losses[rung : rung + 2] for one in tried if len(one.losses) > rung + 1]
        seen = [max(after / before, LEAST_LEFT * guess) for before, after in pairs if before > 0]
        left.append(min(median([guess, *seen]), 1.0))
    return tuple(left)


def best_gains(tried: Sequence[Tried]) -> tuple[float, ...]:
    """The same with luck: the smallest share that was seen or guessed."""
    left = []
    for rung, guess in enumerate(GAIN):
        pairs = [one.losses[rung : rung + 2] for one in tried if len(one.losses) > rung + 1]
        left.append(min([guess, *(max(after, 0) / before for before, after in pairs if before > 0)]))
    return tuple(left)


def final_loss(one: Tried, left: Sequence[float]) -> float:
    """What its loss would be after the last rung."""
    loss = one.loss
    for share in left[one.rung :]:
        loss = loss * share if loss > 0 else loss
    return loss


def best_of(tried: Sequence[Tried], max_loss: float) -> Tried | None:
    """The fastest that qualifies."""
    return max((one for one in tried if one.upper <= max_loss), key=lambda one: one.ratio, default=None)


def nearest_of(tried: Sequence[Tried], max_loss: float) -> Tried | None:
    """Where none qualifies: the least excess of the bound, in whole tenths of a point, the faster of equal ones."""
    return min(tried, key=lambda one: (round(max(one.upper - max_loss, 0), 1), -one.ratio), default=None)


def seconds(past: Mapping[str, Sequence[tuple[int, float]]], shape: Shape, epochs: int, default: float) -> float:
    """How long so many epochs will take: at this shape's pace, or at the slowest pace seen of its kind.

    Networks with an early stride are a kind of their own, several times as quick. `past`: per shape key (epochs,
    seconds) of its runs. `default` is the pace when nothing was seen, seconds an epoch.
    """
    alike = [pairs for other, pairs in past.items() if search_space.strides(other) == bool(shape.get("early"))]
    own = past.get(search_space.key(shape)) or [pair for pairs in alike or past.values() for pair in pairs]
    pace = max((spent / max(count, 1) for count, spent in own), default=default)
    return pace * epochs
