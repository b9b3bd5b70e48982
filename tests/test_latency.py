"""The protocol of timing, with a clock of our own: what it reports, and what it does not believe."""

import numpy as np
import pytest

from optim.latency import Rounds, both, disturbances, summarize, time_rounds


class Clock:
    """Time passes only when something is called."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def __call__(self):
        return self.now

    def work(self, name, seconds):
        def call():
            self.calls.append(name)
            self.now += seconds

        return call


def rounds_of(candidate, reference, share=1.0):
    return Rounds(np.asarray(candidate), np.asarray(reference), share, 0)


def test_the_ratio_is_reference_over_candidate():
    clock = Clock()
    rounds = time_rounds(clock.work("fast", 0.001), clock.work("slow", 0.003), seed=0, clock=clock)
    latency = summarize(rounds._replace(cpu_share=1.0), threads=1, batch=1, same=False)
    assert latency.p50_ms == pytest.approx(1) and latency.ratio.value == pytest.approx(3)
    assert latency.calls >= 662 and latency.rounds >= 20 and latency.valid


def test_rounds_take_turns_in_changing_order():
    clock = Clock()
    time_rounds(clock.work("a", 0.001), clock.work("b", 0.001), seed=0, clock=clock)
    turns = [name for i, name in enumerate(clock.calls) if i == 0 or clock.calls[i - 1] != name]
    assert 20 < len(turns) < 60


def test_the_reference_is_once_as_fast_as_itself():
    same = np.full((30, 24), 2.0)
    assert summarize(rounds_of(same, same), threads=1, batch=1, same=True).ratio.value == 1


def test_a_session_sums_up_both_files():
    timed = both(rounds_of(np.full((30, 24), 1.0), np.full((30, 24), 3.0)), threads=1, batch=2, same=False)
    assert (timed.candidate.p50_ms, timed.candidate.ratio.value) == (1, pytest.approx(3))
    assert (timed.reference.p50_ms, timed.reference.ratio.value, timed.reference.batch) == (3, 1, 2)
    assert timed.candidate.valid and timed.reference.valid


@pytest.mark.parametrize(
    ("rounds", "word"),
    [
        (rounds_of(np.ones((30, 24)), np.ones((30, 24)), share=0.5), "50 % of a processor"),
        (rounds_of(np.ones((30, 24)), np.repeat([1.0, 1.5], 15)[:, None] * np.ones(24)), "drifted"),
        (rounds_of(np.where(np.arange(24) < 2, 20.0, 1.0) * np.ones((30, 1)), np.ones((30, 24))), "the mean is"),
    ],
)
def test_a_disturbed_measurement_says_why(rounds, word):
    assert word in disturbances(rounds)[0]


def test_a_quiet_measurement_has_no_reasons():
    assert disturbances(rounds_of(np.ones((30, 24)), np.ones((30, 24)))) == ()
