"""From runs to facts: where each run stands in the plane, and which of them differ by more than noise explains.

A run on the front dominates one behind it where it is at least as good by both estimates, surely better on one axis,
and the other run could not be better on the second by more than can be resolved: a gap of accuracy this test set shows,
a tenth of the time. So a slower run of tied accuracy is dominated: nothing measured speaks for it. Runs of several
seeds that scatter further than that are not; they are tied with the front. All else is tied too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from . import families, paired, pareto, stats
from .facts import COSTS, DOMINATED, FRONT, REFERENCE, TIED, UNSURE, Cost, Fact, file_of
from .outcomes import Pairing, loss_of
from .paired import Loss
from .pareto import Point
from .records import Run
from .results import Interval, Latency

FEWEST_DISCORDANT = 6
"""Of fewer discordant items even a unanimous test says nothing: 2 / 2**5 is above 0.05."""

LEAST_FASTER = 1.1
"""Of two valid times a gap of this factor shows: each ratio is known to within 5 %."""

NO_TIME = 1e-9
"""Milliseconds; shorter ones are none."""


class Judged(NamedTuple):
    facts: tuple[Fact, ...]
    """The front from cheap to dear, then the rest by cost."""
    bands: tuple[tuple[int, ...], ...]


def is_reference(run: Run) -> bool:
    """The same as `run.is_reference`, without hashing the recipes of 1,000 runs."""
    return not run.recipe.steps and run.is_reference


def judge(runs: Sequence[Run], dense: Run | None, cost: Cost, pairing: Pairing | None) -> Judged:
    """One fact for each run, or for each family of seeds; what is not timed validly takes no part in the front."""
    unsure = [run for run in runs if cost.name == "latency" and run.latency and not run.latency.valid]
    doubtful = {id(run) for run in unsure}
    sure = [run for run in runs if run is not dense and id(run) not in doubtful]
    facts = [_fact(group, dense, cost) for group in families.grouped(sure)]
    if dense is not None and id(dense) not in doubtful:
        facts.append(_fact((dense,), dense, cost))
    by_id = {fact.point.id: fact for fact in facts}
    points = [fact.point for fact in facts]
    differ = partial(_differ, by_id, cost, pairing)
    best = [point.id for point in pareto.front(points)]
    near = {point.id for point in pareto.tied(points, differ)}

    def verdict(fact: Fact) -> str:
        if fact.run is dense:
            return REFERENCE
        return FRONT if fact.point.id in best else TIED if fact.point.id in near else DOMINATED

    told = [fact._replace(verdict=verdict(fact)) for fact in facts]
    told += [_fact((run,), dense, cost)._replace(verdict=UNSURE) for run in unsure]
    told.sort(key=lambda f: (f.run.id not in best, f.point.cost, -f.point.accuracy, f.run.id))
    return Judged(tuple(told), pareto.bands(points, differ))


def loss(fact: Fact, reference: Fact, pairing: Pairing | None) -> Loss:
    """What a fact loses against the reference, as a fraction: of several seeds the mean, over them."""
    each = [_loss(reference.run, run, pairing) for run in fact.runs]
    return paired.mean_loss(each) if len(each) > 1 else each[0]


def _loss(reference: Run, run: Run, pairing: Pairing | None) -> Loss:
    found = loss_of(reference, run, pairing(reference, run) if pairing is not None else None)
    assert found is not None, "a fact is made of scored runs only"
    return found


def _fact(group: tuple[Run, ...], dense: Run | None, cost: Cost) -> Fact:
    run = group[0]
    if len(group) == 1:
        return Fact(run, _point(run, cost), "", _gain(run, dense, cost))
    each = [_point(member, cost) for member in group]
    accuracy = stats.mean_over_seeds([file_of(member).score.validation for member in group])
    price = _mean_cost([Interval(value=one.cost, low=one.cost_low, high=one.cost_high) for one in each])
    point = Point(
        run.id, price.value, accuracy.value, price.low, price.high, max(accuracy.low, 0.0), min(accuracy.high, 1.0)
    )
    gain = _mean_cost([_gain(member, dense, cost) for member in group])
    return Fact(run, point, "", gain, group)


def _mean_cost(each: Sequence[Interval]) -> Interval:
    """Geometric mean over seeds; costs that are all alike, as sizes of one shape are, keep their own interval.

    Each seed was timed in a session of its own, so the spread over seeds holds the luck of those sessions already.
    """
    values = [one.value for one in each]
    if len(set(values)) == 1 or min(values) <= 0:
        middle = sum(values) / len(values)
        return Interval(value=middle, low=min(one.low for one in each), high=max(one.high for one in each))
    return stats.ratio_interval(values)


def _point(run: Run, cost: Cost) -> Point:
    score, value = file_of(run).score.validation, cost.of(run)
    low = high = value
    if cost.name == "latency" and run.latency is not None:
        time = run.latency
        span = _settled(
            time,
            Interval(value=value, low=min(time.low_ms, value), high=max(time.high_ms, value)),
            stats.TIMES_BETWEEN_SESSIONS,
        )
        low, high = span.low, span.high
    return Point(run.id, value, score.value, low, high, score.low, score.high)


def _gain(run: Run, dense: Run | None, cost: Cost) -> Interval:
    if cost.name == "latency" and run.latency is not None:
        return run.latency.ratio if run is dense else settled_ratio(run.latency)
    ratio = cost.of(dense) / cost.of(run) if dense is not None and cost.of(run) else 1.0
    return Interval(value=ratio, low=ratio, high=ratio)


def settled_ratio(time: Latency) -> Interval:
    """The ratio to the reference, with an interval that holds the spread between sessions whenever it was taken."""
    return _settled(time, time.ratio)


def _settled(time: Latency, span: Interval, spread: float = stats.BETWEEN_SESSIONS) -> Interval:
    """The interval; made to hold the spread between sessions where the time was taken before that was looked at."""
    known = time.facts is not None and time.facts.between_sessions is not None
    return span if known else stats.across_sessions(span, spread)


def _differ(by_id: dict[int, Fact], cost: Cost, pairing: Pairing | None, one: Point, other: Point) -> bool:
    """Whether one dominates the other or, where each is ahead on one axis, noise explains neither. Symmetric."""
    a, b = by_id[one.id], by_id[other.id]
    if not (_costs_differ(a, b, cost) or _accuracies_differ(a, b, pairing)):
        return False
    if pareto.dominates(other, one):
        a, b = b, a
    elif not pareto.dominates(one, other):
        return True
    return not _may_be_better(b, a, cost)


def _may_be_better(behind: Fact, ahead: Fact, cost: Cost) -> bool:
    """Whether what is behind by its estimates could be ahead on an axis by more than can be resolved there.

    The accuracy of single runs is known to what the test set resolves; only several seeds can scatter further.
    """
    if cost.name == "latency" and _speed(behind, ahead).high > LEAST_FASTER:
        return True
    if not (behind.members or ahead.members):
        return False
    resolved = stats.resolvable(file_of(ahead.run).score.validation)
    return stats.difference(behind.score, ahead.score).high > resolved


def speed_between(one: Run, other: Run) -> Interval:
    """How many times faster `one` is than `other`, from their own sessions; both have a time.

    Where it leaves out 1 the two are told apart, here and on the front.
    """
    return _speed(*(_fact((run,), None, COSTS["latency"]) for run in (one, other)))


def _costs_differ(a: Fact, b: Fact, cost: Cost) -> bool:
    if cost.name != "latency":
        return a.point.cost != b.point.cost
    speed = _speed(a, b)
    return speed.low > 1 or speed.high < 1


def _speed(a: Fact, b: Fact) -> Interval:
    """By the ratios that each was timed at beside the same reference file; else from end to end of the times."""
    if min(a.gain.low, b.gain.low) > 0 and _timed_beside(a.run) == _timed_beside(b.run):
        gap = stats.difference(_logs(a.gain), _logs(b.gain))
        return Interval(value=math.exp(gap.value), low=math.exp(gap.low), high=math.exp(gap.high))
    mine, theirs = ([max(ms, NO_TIME) for ms in (p.cost, p.cost_low, p.cost_high)] for p in (a.point, b.point))
    return Interval(value=theirs[0] / mine[0], low=theirs[1] / mine[2], high=theirs[2] / mine[1])


def _timed_beside(run: Run) -> str:
    """The reference file of the ratio that is shown."""
    assert run.result is not None
    return run.measurement.reference_sha256 if run.measurement else run.result.reference_sha256


def _logs(ratio: Interval) -> Interval:
    return Interval(value=math.log(ratio.value), low=math.log(ratio.low), high=math.log(ratio.high))


def _accuracies_differ(a: Fact, b: Fact, pairing: Pairing | None) -> bool:
    """By the intervals where they suffice; else by the paired test on the same items, which reads both runs."""
    if stats.told_apart(a.score, b.score):
        return True
    if pairing is None or a.members or b.members:
        return False
    counted = file_of(a.run).score.interval == "wilson"
    if counted and abs(a.score.value - b.score.value) * a.score.n < FEWEST_DISCORDANT - 0.5:
        return False
    found = pairing(a.run, b.run)
    return found is not None and paired.told_apart(found)
