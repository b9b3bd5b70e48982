"""From runs to what they say: facts in one plane, a verdict for each, and the finding as a sentence.

Pages and the command line show these; nothing here draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from . import pareto, recipes, stats, words
from .pareto import Point
from .records import File, Interval, Run, Share

REFERENCE, FRONT, TIED, DOMINATED, UNSURE = (
    "reference",
    "on the front",
    "tied with the front",
    "dominated",
    "time not valid",
)


class Cost(NamedTuple):
    """What is to be low, and how its gain is said."""

    name: str
    label: str
    axis: str
    verb: str
    gain: str
    loss: str
    lack: str
    best: str
    same: str
    of: Callable[[Run], float]
    unit: float = 1.0


def _p50(run: Run) -> float:
    return run.latency.p50_ms if run.latency else 0.0


COSTS: dict[str, Cost] = {
    row.name: row
    for row in (
        Cost("latency", "Latency", "median latency, ms", "is", "faster", "slower", "faster", "Fastest",
             "as fast", _p50),
        Cost("size", "Size", "file size, kB", "is", "smaller", "larger", "smaller", "Smallest",
             "as large", lambda run: _file(run).size_bytes, 1e3),
        Cost("macs", "MACs", "multiply-accumulates per image, thousands", "needs", "less arithmetic",
             "more arithmetic", "lighter in arithmetic", "Least arithmetic", "as much arithmetic",
             lambda run: _file(run).macs, 1e3),
        Cost("params", "Parameters", "parameters, thousands", "has", "fewer parameters", "more parameters",
             "smaller in parameters", "Fewest parameters", "as many parameters",
             lambda run: _file(run).params, 1e3),
    )
}  # fmt: skip


def _file(run: Run) -> File:
    assert run.result is not None, "a fact is made of measured runs only"
    return run.result.file


class Fact(NamedTuple):
    """One measured run as the plot, the table and the card show it."""

    run: Run
    point: Point
    verdict: str
    gain: Interval
    """Reference cost over this cost; for latency the paired ratio with its interval."""

    @property
    def score(self) -> Share:
        return _file(self.run).score.validation

    @property
    def label(self) -> str:
        return recipes.describe(self.run.recipe)

    @property
    def precision(self) -> str:
        return _file(self.run).precision

    @property
    def sparsity(self) -> float:
        """Share of channels asked to go; where the recipe names widths, the share that went."""
        groups = self.run.result.groups if self.run.result else ()
        if groups and recipes.names_widths(self.run.recipe):
            return 1 - sum(group.after for group in groups) / sum(group.before for group in groups)
        return recipes.sparsity(self.run.recipe)


class Findings(NamedTuple):
    """All that one plot says."""

    cost: Cost
    facts: tuple[Fact, ...]
    """Best first: the front from cheap to dear, then the rest by cost."""
    reference: Fact | None
    best: Fact | None
    """The cheapest that loses at most `accept` points on the reference."""
    accept: float
    title: str
    sentence: str

    def fact(self, run_id: int) -> Fact | None:
        return next((fact for fact in self.facts if fact.run.id == run_id), None)

    def count(self, verdict: str) -> int:
        return sum(fact.verdict == verdict for fact in self.facts)


def measured(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The runs that have a file and a time."""
    return tuple(run for run in runs if run.result is not None)


def find(
    runs: Sequence[Run], *, cost: str = "latency", accept: float = 1.0, precisions: Sequence[str] = ()
) -> Findings:
    """What these runs of one project and one machine say. The reference counts whatever its precision."""
    row = COSTS[cost]
    shown = [r for r in measured(runs) if not precisions or _is_reference(r) or _file(r).precision in precisions]
    dense = next((run for run in shown if _is_reference(run)), None)
    facts = _judge(shown, dense, row)
    reference = next((fact for fact in facts if fact.run is dense), None)
    valid = [fact for fact in facts if fact.verdict != UNSURE]
    best = _best(valid, reference, accept)
    title = _title(facts, reference, best, accept, row)
    return Findings(row, facts, reference, best, accept, title, _sentence(reference, best, accept, row))


def _is_reference(run: Run) -> bool:
    """The same as `run.is_reference`, without hashing the recipes of 1,000 runs."""
    return not run.recipe.steps and run.is_reference


def _judge(runs: Sequence[Run], dense: Run | None, cost: Cost) -> tuple[Fact, ...]:
    points = {run.id: _point(run, cost) for run in runs}
    unsure = {run.id for run in runs if cost.name == "latency" and run.latency and not run.latency.valid}
    sure = [point for run_id, point in points.items() if run_id not in unsure]
    best = [point.id for point in pareto.front(sure)]
    near = {point.id for point in pareto.tied(sure)}

    def verdict(run: Run) -> str:
        if run.id in unsure:
            return UNSURE
        if run is dense:
            return REFERENCE
        return FRONT if run.id in best else TIED if run.id in near else DOMINATED

    facts = [Fact(run, points[run.id], verdict(run), _gain(run, dense, cost)) for run in runs]
    return tuple(sorted(facts, key=lambda f: (f.run.id not in best, f.point.cost, -f.point.accuracy)))


def _point(run: Run, cost: Cost) -> Point:
    score, value = _file(run).score.validation, cost.of(run)
    low = high = value
    if cost.name == "latency" and run.latency is not None:
        low, high = min(run.latency.low_ms, value), max(run.latency.high_ms, value)
    return Point(run.id, value, score.value, low, high, score.low, score.high)


def _gain(run: Run, dense: Run | None, cost: Cost) -> Interval:
    if cost.name == "latency" and run.latency is not None:
        return run.latency.ratio
    ratio = cost.of(dense) / cost.of(run) if dense is not None and cost.of(run) else 1.0
    return Interval(value=ratio, low=ratio, high=ratio)


def _best(facts: Sequence[Fact], reference: Fact | None, accept: float) -> Fact | None:
    if reference is None:
        return None
    found = pareto.fastest_within([fact.point for fact in facts], reference.point, accept)
    return next((fact for fact in facts if found is not None and fact.run.id == found.id), None)


def lost(fact: Fact, reference: Fact) -> Interval:
    """Accuracy of the reference minus this one's, as a fraction, with its interval."""
    return stats.difference(reference.score, fact.score)


def told_apart(one: Share, other: Share) -> bool:
    """Whether the two scores differ by more than noise explains."""
    gap = stats.difference(one, other)
    return gap.low > 0 or gap.high < 0


def _title(facts: Sequence[Fact], reference: Fact | None, best: Fact | None, accept: float, cost: Cost) -> str:
    if not facts:
        return "No run is measured yet"
    if reference is None:
        return "The reference is not measured yet"
    if len(facts) == 1:
        return "Only the reference is measured yet"
    if best is None or best is reference or best.gain.low <= 1:
        return f"No run yet is measurably {cost.lack} within {words.three(accept)} point{'s' * (accept != 1)}"
    return f"{words.times(best.gain.value)} {cost.gain}, {_loss_words(lost(best, reference))}"


def _loss_words(loss: Interval) -> str:
    if loss.low > 0:
        return f"{words.points(loss.value)} lost"
    return "nothing measurable lost" if loss.high >= 0 else f"{words.points(-loss.value)} gained"


def _sentence(reference: Fact | None, best: Fact | None, accept: float, cost: Cost) -> str:
    """`Fastest within x points of the reference`, answered."""
    if reference is None:
        return "The reference has no valid measurement yet, so nothing can be compared with it."
    if best is None or best is reference:
        within = f"{words.three(accept)} point{'s' * (accept != 1)}"
        return f"Nothing is {cost.lack} than the reference and within {within} of it. Accept more loss, or run more."
    return compare(best, reference, cost)


def compare(fact: Fact, reference: Fact, cost: Cost) -> str:
    """One run against the reference: gain with its interval, loss with its interval, and whether it can be told."""
    loss = lost(fact, reference)
    told = "" if loss.low > 0 or loss.high < 0 else f": not distinguishable on {fact.score.n:,} images"
    verb, amount = ("loses", loss) if loss.value >= 0 else ("gains", _negated(loss))
    hundred = Interval(value=100 * amount.value, low=100 * amount.low, high=100 * amount.high)
    change = f"{verb} {words.points(amount.value)} ({words.between(hundred)}){told}"
    return f"Run {fact.run.id} {cost.verb} **{gain_words(fact.gain, cost)}** and {change}."


def gain_words(gain: Interval, cost: Cost) -> str:
    """`2.3x faster (2.2 to 2.4)`, in the words of this cost."""
    span = f" ({words.between(gain, 2 if gain.value < 2 else 1)})" if gain.low < gain.high else ""
    if gain.low <= 1 <= gain.high:
        return f"{cost.same} as the reference{f', as far as can be told{span}' if span else ''}"
    if gain.value > 1:
        return f"{words.times(gain.value)} {cost.gain}{span}"
    return f"{words.times(1 / gain.value)} {cost.loss}"


def _negated(interval: Interval) -> Interval:
    return Interval(value=-interval.value, low=-interval.high, high=-interval.low)
