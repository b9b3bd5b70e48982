"""The interval of a file that was timed beside many others holds its time as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from optim import timing_many
from optim.timing_many import QUIET, REFERENCES, ROUNDS, Bulk, time_all
from tests.quiet import Machine

SESSIONS = 2000
NOISES = {
    "normal": lambda random, size: random.normal(0, 0.01, size),
    "exponential": lambda random, size: random.exponential(0.02, size),
    "gamma": lambda random, size: random.gamma(2, 0.01, size),
    "even": lambda random, size: 0.03 * random.random(size),
    "long tail": lambda random, size: 0.01 * np.exp(random.normal(0, 0.8, size)),
    "load now and then": lambda random, size: (
        random.normal(0, 0.005, size) + (random.random(size) < 0.2) * random.exponential(0.1, size)
    ),
}
"""Of the logarithm of a round's time."""


@pytest.mark.parametrize("noise", NOISES)
def test_the_interval_holds_what_sessions_repeat_around(noise):
    """Six shapes of noise; the reference's parts are three a round, as when real files are timed."""
    random = np.random.default_rng(7)
    files = 2 * np.exp(NOISES[noise](random, (SESSIONS, ROUNDS)))
    base = np.exp(NOISES[noise](random, (SESSIONS, ROUNDS, REFERENCES)).min(axis=2))
    told = [timing_many._ratio(*pair) for pair in zip(files, base, strict=True)]
    middle = np.median([one.value for one in told])
    assert sum(one.low <= middle <= one.high for one in told) >= 0.94 * SESSIONS


def test_other_load_in_a_few_rounds_changes_nothing():
    quiet = 1 + 0.01 * np.arange(ROUNDS)
    busy = np.where(np.arange(ROUNDS) >= ROUNDS - 3, 5 * quiet, quiet)
    calm, disturbed = (
        Bulk(files=(tuple(side),), reference=tuple(quiet), cpu_share=1.0).ratios()[0] for side in (quiet, busy)
    )
    assert disturbed == calm
    assert calm.value == 1.0
    assert QUIET < 0.5


@pytest.mark.parametrize(("until_s", "disturbed"), [(0.0, False), (0.1, False), (0.32, True)])
def test_a_session_beside_a_neighbour_whom_no_counter_shows_is_disturbed(until_s, disturbed):
    """The process has its whole processor, only everything takes longer."""
    machine = Machine(slower=lambda now: 1.5 if now < until_s else 1.0)
    calls = [machine.work(name, 0.0005) for name in range(6)]
    files, reference, quiet = time_all(calls[1:], calls[0], seed=0, clock=lambda: machine.now, work=machine.probe)
    assert files.shape == (5, ROUNDS) and reference.shape == (ROUNDS,)
    assert Bulk(files=(), reference=(), cpu_share=1.0, quiet=quiet).disturbed is disturbed
