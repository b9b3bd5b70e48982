"""The protocol of timing: candidate and reference in turns, in random order, over many short rounds.

How many rounds is decided once, after `FEWEST_ROUNDS` of them, from their spread (Stein 1945, "A two-sample test for a
linear hypothesis whose power is independent of the variance"): as many as it takes to know the ratio well enough. To
look after each round and stop when the interval happens to be narrow would make intervals that promise too much. One
decision that depends on the spread and not on the ratio leaves the ratio unbiased, and a law among the tests holds the
interval's coverage to 94 % at least.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from . import probe
from .load import Load, read_load
from .stats import ratio_interval
from .validity import FEWEST_QUIET

FEWEST_ROUNDS, MOST_ROUNDS = 30, 120
CONFIDENCE = 0.96
"""Of the interval as it is computed. The choice of length takes up to one point and a half where the noise is such that
the first rounds just decide for or against more; 95 % is what is said."""
HALF_WIDTH = 0.02
"""The ratio is to be known to this share of itself, at 95 %."""
SAFETY = 1.3
"""More rounds than the spread of the first ones asks for, because that is itself only an estimate."""
EXTRA_SECONDS = 1.5
"""No more than this is added for slow files: their interval is as wide as it is, and is shown."""
ROUND_MS = 12.0
"""Aimed length of one file's part of a round: short enough that a change of load hits both files."""
FEWEST_CALLS = 720
"""At least this many calls in all, so that the 99th percentile can be told (`results.P99_CALLS`)."""
WARM_MS, WARM_CALLS = 60.0, 30
"""Both files are called this long and this often before anything counts: memory is touched, the clock rate is up."""
SLOW_MS = 100.0
"""From here on a round is `SLOW_CALLS` calls, whatever that leaves for the 99th percentile."""
SLOW_CALLS = 3
PATIENCE_S = 5.0
"""So long rounds are added until `FEWEST_ROUNDS` of them were undisturbed."""
MORE_ROUNDS = 10
FULLEST = 0.9
"""Which rounds tell how much processor time a file of several threads takes when nobody disturbs it."""
Call = Callable[[], object]


class Clocks(NamedTuple):
    """Seconds of the wall, seconds of this process's processor time, and the system's counters."""

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = time.process_time
    load: Callable[[], Load] = read_load
    probe: Callable[[], None] = probe.work


CLOCKS = Clocks()


class Rounds(NamedTuple):
    """`candidate`, `reference`: milliseconds per call, (rounds, calls)."""

    candidate: np.ndarray
    reference: np.ndarray
    candidate_cpu: float
    """Processor time of this process over wall time, while the candidate was called."""
    reference_cpu: float
    load: Load
    """What the system counted meanwhile."""
    played: int = 0
    """Rounds in all; those that the probe found disturbed are not among the times, unless too few were not."""
    quiet: int = 0
    candidate_fullest: float = 1.0
    """Processor time over wall time of the rounds in which the candidate had most of it."""
    reference_fullest: float = 1.0

    @property
    def turned(self) -> Rounds:
        """The same rounds with the reference in the candidate's place, compared with itself."""
        return self._replace(
            candidate=self.reference, candidate_cpu=self.reference_cpu, candidate_fullest=self.reference_fullest
        )

    @property
    def medians(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the candidate and of the reference, by round, (rounds,) each."""
        return np.median(self.candidate, axis=1), np.median(self.reference, axis=1)


def time_rounds(candidate: Call, reference: Call, *, seed: int, clocks: Clocks = CLOCKS) -> Rounds:
    """Warm both up, then rounds of both in random order until their ratio is known well enough."""
    return time_together([reference, candidate], seed=seed, clocks=clocks)[1]


def time_together(calls: Sequence[Call], *, seed: int, clocks: Clocks = CLOCKS) -> list[Rounds]:
    """The same with many files, the reference first: for each its rounds beside the reference's."""
    extra_rounds([1.0, 1.0], 1.0)  # loads what it needs before anything counts
    game = _Game(calls, random.Random(seed), clocks)
    before, started = clocks.load(), clocks.wall()
    game.play(FEWEST_ROUNDS)
    while game.quiet().sum() < FEWEST_ROUNDS and 0 < clocks.wall() - started < PATIENCE_S:
        game.play(MORE_ROUNDS)
    spent_s, kept = clocks.wall() - started, game.kept()
    medians = np.array([np.array(side.medians())[kept] for side in game.sides])
    more = max(extra_rounds((medians[0] / one).tolist(), spent_s) for one in medians)
    game.play(math.ceil(more * len(kept) / max(kept.sum(), 1)))
    load, kept, quiet = clocks.load().since(before), game.kept(), int(game.quiet().sum())
    times = [np.array(side.times)[kept] for side in game.sides]
    base = game.sides[0]
    return [
        Rounds(one, times[0], side.cpu_share, base.cpu_share, load, len(kept), quiet, side.fullest, base.fullest)
        for one, side in zip(times, game.sides, strict=True)
    ]


def extra_rounds(ratios: Sequence[float], seconds: float) -> int:
    """How many rounds to add to these, which took `seconds`.

    The half width shrinks with the root of the number of rounds; n rounds too wide by a factor f need f^2 n.

    >>> extra_rounds([2.0] * 30, 0.7)
    0
    """
    found = ratio_interval(ratios, CONFIDENCE)
    too_wide = math.log(found.high / found.low) / 2 / HALF_WIDTH
    if too_wide <= 1:
        return 0
    wanted = min(math.ceil(SAFETY * too_wide**2 * len(ratios)), MOST_ROUNDS) - len(ratios)
    affordable = int(EXTRA_SECONDS / seconds * len(ratios)) if seconds > 0 else MOST_ROUNDS
    return max(min(wanted, affordable), 0)


class _Game:
    """All files, the order they are called in, and what the probe says in between."""

    def __init__(self, calls: Sequence[Call], order: random.Random, clocks: Clocks) -> None:
        self.order, self.clocks = order, clocks
        self.sides = [_Side(call, clocks) for call in calls]
        self.looks: list[list[float]] = []

    def play(self, rounds: int) -> None:
        for _ in range(rounds):
            looks = [self._look()]
            for side in self.order.sample(self.sides, len(self.sides)):
                side.play()
                looks.append(self._look())
            self.looks.append(looks)

    def quiet(self) -> np.ndarray:
        """By round, whether the probe saw nobody else."""
        return probe.quiet(self.looks)

    def kept(self) -> np.ndarray:
        """The rounds that count: the undisturbed ones, or all where these are too few; then it is refused."""
        quiet = self.quiet()
        return quiet if quiet.sum() >= FEWEST_QUIET else np.ones(len(quiet), bool)

    def _look(self) -> float:
        return probe.look(self.clocks.wall, self.clocks.probe)


class _Side:
    """One of the two files: its call, and the times it took."""

    def __init__(self, call: Call, clocks: Clocks) -> None:
        self.call, self.clocks = call, clocks
        self.times: list[list[float]] = []
        self.shares: list[float] = []
        self.wall_s = self.cpu_s = 0.0
        self.calls = self._calls_per_round()

    def play(self) -> None:
        """Its part of one round."""
        wall, cpu = self.clocks.wall(), self.clocks.cpu()
        self.times.append(self._time(self.calls))
        cpu_s, wall_s = self.clocks.cpu() - cpu, self.clocks.wall() - wall
        self.shares.append(cpu_s / wall_s if wall_s > 0 else 1.0)
        self.cpu_s += cpu_s
        self.wall_s += wall_s

    def medians(self) -> list[float]:
        return np.median(np.array(self.times), axis=1).tolist()

    @property
    def cpu_share(self) -> float:
        return self.cpu_s / self.wall_s if self.wall_s > 0 else 1.0

    @property
    def fullest(self) -> float:
        """Processor time over wall time in the `FULLEST` quantile of its rounds: several threads may have above 1."""
        return float(np.quantile(self.shares, FULLEST))

    def _calls_per_round(self) -> int:
        """Warm up, and see how many calls fill a round; a slow file is called as seldom as can be."""
        self.call()
        times = self._time(1)
        if times[0] >= SLOW_MS:
            return SLOW_CALLS
        while len(times) < WARM_CALLS or (sum(times) < WARM_MS and len(times) < 100 * WARM_CALLS):
            times += self._time(WARM_CALLS // 3)
        typical_ms = max(float(np.median(times[len(times) // 3 :])), 1e-4)
        return max(round(ROUND_MS / typical_ms), -(-FEWEST_CALLS // FEWEST_ROUNDS))

    def _time(self, count: int) -> list[float]:
        times, clock, call = [], self.clocks.wall, self.call
        for _ in range(count):
            started = clock()
            call()
            times.append(1000 * (clock() - started))
        return times
