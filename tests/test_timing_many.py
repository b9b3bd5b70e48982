"""The interval of a file that was timed beside many others holds its time as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from optim import timing_many
from optim.timing_many import QUIET, REFERENCES, ROUNDS, Bulk

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
