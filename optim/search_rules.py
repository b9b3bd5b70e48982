"""What a search does next: which shapes deserve longer training, and when only the controls are left to run.

Pure functions on numbers; nothing here reads the store or draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist, median
from typing import NamedTuple

from . import search_space
from .search_space import RUNGS, Shape

FIRST_LOOK = 4
"""Shapes that are tried shortly before one of them is trained longer."""
GAIN = (0.45, 0.5)
"""Share of the loss that is left after the next rung, until this search has seen it itself."""
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


class Move(NamedTuple):
    """Train a known shape again, as long as `rung` says, or (shape None) try a new one."""

    shape: Shape | None
    rung: int


def next_move(tried: Sequence[Tried], max_loss: float, *, confidence: float, items: int) -> Move:
    """The fastest shape that may still qualify is trained longer; when there is none, a new one is tried.

    As long as nothing was trained so long, what that gains is a guess: the most promising shape tells it first.
    """
    if len(tried) < FIRST_LOOK:
        return Move(None, 0)
    best = max((one.ratio for one in tried if one.upper <= max_loss), default=0.0)
    need = max_loss - margin(tried, confidence, items)
    left = gains(tried)
    able = [one for one in tried if one.rung + 1 < len(RUNGS) and one.ratio > best and one.upper > max_loss]
    hopeful = [one for one in able if final_loss(one, left) <= need]
    if hopeful:
        chosen = max(hopeful, key=lambda one: one.ratio)
        return Move(chosen.shape, chosen.rung + 1)
    guessed = [one for one in able if not any(len(other.losses) > one.rung + 1 for other in tried)]
    nearest = min(guessed, key=lambda one: final_loss(one, left), default=None)
    if nearest is None or final_loss(nearest, left) > max_loss:
        return Move(None, 0)
    return Move(nearest.shape, nearest.rung + 1)


def margin(tried: Sequence[Tried], confidence: float, items: int) -> float:
    """Points between a loss and its upper bound: the median of what was seen."""
    seen = [one.upper - one.loss for one in tried]
    z = NormalDist().inv_cdf(confidence)
    return median(seen) if seen else 100 * z * (RATE_NEEDED / items) ** 0.5


def gains(tried: Sequence[Tried]) -> tuple[float, ...]:
    """Per rung, the share of the loss that is left after the next one."""
    left = []
    for rung, guess in enumerate(GAIN):
        pairs = [one.losses[rung : rung + 2] for one in tried if len(one.losses) > rung + 1]
        seen = [after / before for before, after in pairs if before > 0]
        left.append(min(median([guess, *seen]), 1.0))
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


def seconds(past: Mapping[str, Sequence[tuple[int, float]]], shape: Shape, rung: int, default: float) -> float:
    """How long the next rung will take: its epochs at this shape's pace, or at the slowest pace seen of its kind.

    Networks with an early stride are a kind of their own, several times as quick. `past`: per shape key (epochs,
    seconds) of its runs. `default` is the pace when nothing was seen, seconds an epoch.
    """
    alike = [pairs for other, pairs in past.items() if search_space.strides(other) == bool(shape.get("early"))]
    own = past.get(search_space.key(shape)) or [pair for pairs in alike or past.values() for pair in pairs]
    pace = max((spent / max(count, 1) for count, spent in own), default=default)
    return pace * RUNGS[rung]
