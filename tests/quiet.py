"""A machine of our own: time passes only where something is called, and the system counts what we say."""

from __future__ import annotations

import numpy as np

from optim.load import Load
from optim.rounds import Clocks, Rounds


class Machine:
    """Its clocks are handed to the protocol; `work` makes a file that takes so long."""

    def __init__(self, share=1.0, slower=lambda now: 1.0):
        self.now, self.cpu_s, self.share, self.calls = 0.0, 0.0, share, []
        self.slower = slower
        """By how much a neighbour that nobody sees slows everything down, by the moment."""

    @property
    def clocks(self):
        told = lambda: Load(self.now, self.cpu_s, self.cpu_s, 0, 0.0)  # noqa: E731
        return Clocks(lambda: self.now, lambda: self.cpu_s, told, self.probe)

    def probe(self):
        self.now += 1e-6 * self.slower(self.now)

    def work(self, name, seconds):
        """`seconds`: a number, or a function of the moment."""

        def call():
            took = (seconds(self.now) if callable(seconds) else seconds) * self.slower(self.now)
            self.calls.append(name)
            self.now += took
            self.cpu_s += took * self.share

        return call


def rounds_of(candidate, reference, share=1.0, **load):
    """Rounds as they come from the protocol; the counters say that nobody else was there."""
    one, other = np.asarray(candidate, float), np.asarray(reference, float)
    wall_s = float(one.sum() + other.sum()) / 1000
    counted = {"wall_s": wall_s, "own_s": wall_s, "busy_s": wall_s, "switches": 0, "waited_s": 0.0} | load
    return Rounds(one, other, share, share, Load(**counted))


def session(seed=0, *, candidate_ms=0.2, reference_ms=0.4, rounds=30, noise=0.01, **load):
    """A session without disturbance: each round has a level of its own, each call a little more."""
    random = np.random.default_rng(seed)

    def side(typical_ms):
        return typical_ms * np.exp(random.normal(0, noise, (rounds, 1)) + random.normal(0, noise, (rounds, 40)))

    return rounds_of(side(candidate_ms), side(reference_ms), **load)
