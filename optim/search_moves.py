"""What a search could try next, each with the seconds that it will take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from . import catalog, search_rules, search_sampler, search_space
from .search_profile import Profiled
from .search_sampler import Past
from .search_space import Precision, Shape
from .search_state import EPOCH_S, Knowledge
from .searches import Search


class Waiting(NamedTuple):
    """What the search would do next, and what it will cost in seconds."""

    shape: Shape
    rung: int
    precision: Precision
    cost_s: float


def moves(search: Search, known: Knowledge, profiled: Profiled) -> Iterator[Waiting]:
    """The other precision of what was just made, else the next move of the rules, or a new shape; the best first."""
    if (untimed := known.untimed_precision()) is not None:
        yield Waiting(*untimed, cost_s=known.overhead_s())
        return
    goal = search.goal
    ask = {"confidence": goal.confidence, "items": known.items}
    if (shape := _slower_shape(search, known, profiled)) is not None:
        yield _waiting(search, known, shape, 0)
    for move in search_rules.moves(known.tried, goal.max_loss, **ask):
        shape = move.shape or _new_shape(search, known, profiled)
        if shape is not None and not known.attempted(shape, move.rung):
            yield _waiting(search, known, shape, move.rung)


def _waiting(search: Search, known: Knowledge, shape: Shape, rung: int) -> Waiting:
    twice = rung == 0 and not search_space.is_timed(shape)  # both precisions are timed
    epochs = catalog.data_of(search.base).rungs[rung]
    cost = search_rules.seconds(known.paces(), shape, epochs, EPOCH_S) + known.overhead_s() * (2 if twice else 1)
    return Waiting(shape, rung, known.faster_precision(shape) or search_space.precision(shape), cost)


def _slower_shape(search: Search, known: Knowledge, profiled: Profiled) -> Shape | None:
    """Like the nearest, which was trained longest and misses the goal, and wider; None where that is no way on."""
    goal, base = search.goal, search.base.model_ref
    found = search_rules.slower(known.tried, goal.max_loss, confidence=goal.confidence, items=known.items)
    if found is None or not search_space.is_timed(found[0].shape):
        return None
    (near, ratio), seen = found, {search_space.network(trial.shape) for trial in known.trials}
    wanted = float(near.shape["latency_target"]) * near.ratio / ratio
    targets = [target for target in search_sampler.TARGETS if target >= wanted]
    for start in dict.fromkeys((near.shape.get("start", base), base)) if targets else ():
        shape = profiled.shape({**near.shape, "start": start, "latency_target": targets[0]})
        if shape is not None and search_space.network(shape) not in seen:
            return shape
    return None


def _new_shape(search: Search, known: Knowledge, profiled: Profiled) -> Shape | None:
    """Of a ladder first; then what is expected to be faster than the best that qualifies.

    A network that was timed and is not faster is not asked for again, however else it might be trained.
    """
    goal, seen = search.goal, {search_space.substance(trial.shape) for trial in known.trials}
    ask = {"confidence": goal.confidence, "items": known.items}
    need = search_rules.pace_needed(known.tried, goal.max_loss, **ask)
    slow = {search_space.network(one.shape) for one in known.tried if one.ratio <= need}

    def make(wished: Shape) -> Shape | None:
        shape = profiled.shape(wished)
        return shape if shape is not None and search_space.network(shape) not in slow else None

    ready = [shape for shape in profiled.first() if search_space.substance(shape) not in seen]
    ready = [shape for shape in ready if search_space.network(shape) not in slow]
    ready = [shape for shape in ready if float(shape.get("latency_target", 0.0)) * need < 1]
    if ready and search_rules.looked(known.tried) < 2 * search_rules.FIRST_LOOK:
        return ready[0]
    left, most = search_rules.gains(known.tried), goal.max_loss - search_rules.margin(known.tried, **ask)
    past = [Past(one.shape, one.ratio, search_rules.final_loss(one, left) - most) for one in known.tried]
    return search_sampler.propose(past, seen, profiled.space, make, seed=search.seed, ratio=need)
