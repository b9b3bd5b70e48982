"""What one plot says, as nouns: a cost, a fact for each run or family of seeds, and the findings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import catalog, recipes
from .catalog import Metric
from .outcomes import Pairing
from .pareto import Point
from .records import Run
from .results import File, Interval, Share

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
             "as large", lambda run: file_of(run).size_bytes, 1e3),
        Cost("macs", "MACs", "multiply-accumulates per item, thousands", "needs", "less arithmetic",
             "more arithmetic", "lighter in arithmetic", "Least arithmetic", "as much arithmetic",
             lambda run: file_of(run).macs, 1e3),
        Cost("params", "Parameters", "parameters, thousands", "has", "fewer parameters", "more parameters",
             "smaller in parameters", "Fewest parameters", "as many parameters",
             lambda run: file_of(run).params, 1e3),
    )
}  # fmt: skip


def file_of(run: Run) -> File:
    assert run.result is not None, "a fact is made of measured runs only"
    return run.result.file


class Fact(NamedTuple):
    """One measured run, or one recipe over several seeds, as the plot, the table and the card show it."""

    run: Run
    """Of several seeds, the one with the lowest."""
    point: Point
    verdict: str
    gain: Interval
    """Reference cost over this cost; for latency the paired ratio with its interval."""
    members: tuple[Run, ...] = ()
    """Of several seeds, all of them: point and gain are then means, with intervals over the seeds (and the items)."""

    @property
    def runs(self) -> tuple[Run, ...]:
        return self.members or (self.run,)

    @property
    def score(self) -> Share:
        share = file_of(self.run).score.validation
        if not self.members:
            return share
        return Share(value=self.point.accuracy, low=self.point.accuracy_low, high=self.point.accuracy_high, n=share.n)

    @property
    def label(self) -> str:
        return recipes.describe(self.run.recipe)

    @property
    def precision(self) -> str:
        return file_of(self.run).precision

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
    pairing: Pairing | None = None
    """How two runs are compared item by item; None where nobody can tell."""
    bands: tuple[tuple[int, ...], ...] = ()
    """Numbers of runs that cannot be told apart, one band for each such group at the front."""

    @property
    def metric(self) -> Metric:
        """What the runs are scored by; the usual one where there is none."""
        return catalog.data_of(self.facts[0].run).goodness if self.facts else catalog.METRICS["accuracy"]

    def fact(self, run_id: int) -> Fact | None:
        """The fact of this run, alone or as one of several seeds."""
        return next((fact for fact in self.facts if any(run.id == run_id for run in fact.runs)), None)

    @property
    def unsure(self) -> tuple[Run, ...]:
        """The runs whose times are not valid."""
        return tuple(run for fact in self.facts if fact.verdict == UNSURE for run in fact.runs)

    @property
    def nothing_valid(self) -> bool:
        """Nothing can be said: there are times, and none of them beside the reference's is valid."""
        return bool(self.unsure) and all(f.verdict == UNSURE for f in self.facts if f is not self.reference)

    def count(self, verdict: str) -> int:
        return sum(fact.verdict == verdict for fact in self.facts)
