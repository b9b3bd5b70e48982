"""The protocol of timing, with a clock of our own: turns, order, length."""

import numpy as np
import pytest
from scipy.special import stdtrit

from optim import rounds as protocol
from optim.latency import both
from optim.rounds import CONFIDENCE, FEWEST_ROUNDS, HALF_WIDTH, MOST_ROUNDS, extra_rounds, time_rounds, time_together
from optim.validity import FEWEST_QUIET
from tests.quiet import Machine


def turns(machine):
    calls = machine.calls
    return [name for i, name in enumerate(calls) if i == 0 or calls[i - 1] != name]


def test_rounds_take_turns_in_changing_order():
    machine = Machine()
    time_rounds(machine.work("a", 0.001), machine.work("b", 0.001), seed=0, clocks=machine.clocks)
    assert FEWEST_ROUNDS < len(turns(machine)) < 2 * FEWEST_ROUNDS


def test_another_seed_is_another_order_and_the_same_seed_the_same():
    def order(seed):
        machine = Machine()
        time_rounds(machine.work("a", 0.001), machine.work("b", 0.001), seed=seed, clocks=machine.clocks)
        return machine.calls

    assert order(1) == order(1) != order(2)


def test_a_round_of_a_quick_file_is_long_enough_and_there_are_calls_for_a_p99():
    machine = Machine()
    rounds = time_rounds(machine.work("a", 1e-4), machine.work("b", 0.002), seed=0, clocks=machine.clocks)
    assert rounds.candidate.shape == (FEWEST_ROUNDS, 120) and rounds.reference.size >= 662


def test_a_slow_file_is_called_as_seldom_as_can_be():
    machine = Machine()
    rounds = time_rounds(machine.work("a", 0.2), machine.work("b", 0.2), seed=0, clocks=machine.clocks)
    assert rounds.candidate.shape == (FEWEST_ROUNDS, 3)


def test_the_share_of_a_processor_is_that_of_the_calls_alone():
    machine = Machine(share=0.7)
    rounds = time_rounds(machine.work("a", 0.001), machine.work("b", 0.001), seed=0, clocks=machine.clocks)
    assert (rounds.candidate_cpu, rounds.reference_cpu) == pytest.approx((0.7, 0.7))
    assert rounds.load.own_s == pytest.approx(0.7 * rounds.load.wall_s, rel=1e-3)


def test_the_fullest_rounds_tell_what_threads_take_when_nobody_disturbs_them():
    machine = Machine(share=1.6)
    slow = machine.work("a", 0.001)

    def robbed():
        machine.share = 0.8 if machine.now > 0.5 else 1.6
        slow()

    rounds = time_rounds(robbed, machine.work("b", 0.001), seed=0, clocks=machine.clocks)
    assert rounds.candidate_fullest == pytest.approx(1.6) and rounds.candidate_cpu < 1.5


def test_many_files_take_turns_and_each_stands_beside_the_first():
    machine = Machine()
    found = time_together([machine.work(n, 0.001 * n) for n in (1, 2, 3)], seed=0, clocks=machine.clocks)
    assert [round(float(one.candidate.mean()), 6) for one in found] == [1, 2, 3]
    assert all((one.reference == found[0].candidate).all() for one in found)


def noisy(spread):
    """One file whose rounds differ."""
    random, machine = np.random.default_rng(3), Machine()

    def level(_moment):
        return 0.001 * float(np.exp(random.normal(0, spread)))

    return time_rounds(machine.work("a", level), machine.work("b", 0.001), seed=0, clocks=machine.clocks)


def test_a_quiet_file_is_measured_shortly_and_a_noisy_one_longer_but_not_for_ever(monkeypatch):
    monkeypatch.setattr(protocol, "EXTRA_SECONDS", 1e9)
    assert len(noisy(0.001).candidate) == FEWEST_ROUNDS
    assert FEWEST_ROUNDS < len(noisy(0.5).candidate) <= MOST_ROUNDS


def test_more_spread_never_asks_for_fewer_rounds_and_time_is_bounded():
    random = np.random.default_rng(0).normal(0, 1, 30)
    asked = [extra_rounds(np.exp(spread * random).tolist(), 1.0) for spread in (0.01, 0.05, 0.08, 0.1, 0.2, 1)]
    assert asked == sorted(asked) and asked[0] == 0 and asked[-1] > 0
    assert extra_rounds(np.exp(random).tolist(), 1e6) == 0


@pytest.mark.parametrize("spread", [0.04, 0.06, 0.08, 0.12])
def test_the_choice_of_length_costs_less_than_one_point_of_coverage(spread):
    """The interval of 95 % holds the truth at least 94 % of the time, whatever the noise, and the ratio is unbiased."""
    trials = 4000
    logs = np.random.default_rng(17).normal(0, spread, (trials, MOST_ROUNDS))
    extra = np.array([extra_rounds(np.exp(one).tolist(), 0.5) for one in logs[:, :FEWEST_ROUNDS]])
    played = np.arange(MOST_ROUNDS) < (FEWEST_ROUNDS + extra)[:, None]
    kept = np.where(played, logs, np.nan)
    counts, middle = played.sum(1), np.nanmean(kept, 1)
    half = stdtrit(counts - 1, (1 + CONFIDENCE) / 2) * np.nanstd(kept, 1, ddof=1) / np.sqrt(counts)
    assert np.mean(np.abs(middle) <= half) > 0.94
    assert abs(middle.mean()) < 4 * middle.std() / np.sqrt(trials)
    assert spread > 0.08 or np.mean(half <= 1.15 * HALF_WIDTH) > 0.9


def shared(period_s, share, factor):
    """A neighbour that comes for `share` of each period and makes everything slower by `factor`."""
    return lambda now: factor if now % period_s < share * period_s else 1.0


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_rounds_beside_an_unseen_neighbour_do_not_count(share):
    machine = Machine(slower=shared(0.9, share, 1.6))
    found = time_rounds(machine.work("one", 1e-4), machine.work("two", 3e-4), seed=0, clocks=machine.clocks)
    assert found.played > found.quiet >= FEWEST_ROUNDS
    for times, true_ms in ((found.candidate, 0.1), (found.reference, 0.3)):
        assert np.quantile(times, (0.0, 0.99)) == pytest.approx((true_ms, true_ms), rel=1e-6)


def test_what_counts_rests_on_twenty_rounds_at_least():
    """A neighbour that leaves few moments free: with fewer than 20 undisturbed rounds the time is not valid."""
    for free_s in (0.3, 0.35, 0.4, 0.45, 0.5, 0.6):
        machine = Machine(slower=lambda now, free_s=free_s: 1.0 if now % 4.0 < free_s else 1.6)
        found = time_rounds(machine.work("one", 1e-4), machine.work("two", 3e-4), seed=0, clocks=machine.clocks)
        told = both(found, threads=1, batch=1, same=False).candidate
        assert not told.valid or told.rounds >= 20


def test_where_nearly_all_rounds_are_disturbed_all_count_and_the_time_is_refused():
    machine = Machine(slower=lambda now: 1.0 if now % 4.0 < 0.25 else 1.6)
    found = time_rounds(machine.work("one", 1e-4), machine.work("two", 3e-4), seed=0, clocks=machine.clocks)
    assert 0 < found.quiet < FEWEST_QUIET
    assert len(found.candidate) == found.played
    told = both(found, threads=1, batch=1, same=False).candidate
    assert any("shared with others" in reason for reason in told.reasons)
