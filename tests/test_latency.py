"""What a session of timing reports: both files' times, the ratio, and whether it may be believed."""

import numpy as np
import pytest

from optim.latency import ATTEMPTS, Setting, Timed, believed, both, drift, facts_of, summarize
from optim.rounds import time_rounds
from optim.stats import BETWEEN_SESSIONS, TIMES_BETWEEN_SESSIONS
from tests import factories
from tests.quiet import Machine, rounds_of, session


def test_the_ratio_is_reference_over_candidate():
    machine = Machine()
    rounds = time_rounds(machine.work("fast", 0.001), machine.work("slow", 0.003), seed=0, clocks=machine.clocks)
    latency = summarize(rounds, threads=1, batch=1, same=False)
    assert latency.p50_ms == pytest.approx(1) and latency.ratio.value == pytest.approx(3)
    assert latency.calls >= 662 and latency.rounds >= 20 and latency.valid


def test_the_reference_is_once_as_fast_as_itself():
    assert summarize(session(), threads=1, batch=1, same=True).ratio.value == 1


def test_a_session_sums_up_both_files():
    timed = both(rounds_of(np.full((30, 24), 1.0), np.full((30, 24), 3.0)), threads=1, batch=2, same=False)
    assert (timed.candidate.p50_ms, timed.candidate.ratio.value) == (1, pytest.approx(3))
    assert (timed.reference.p50_ms, timed.reference.ratio.value, timed.reference.batch) == (3, 1, 2)
    assert timed.candidate.valid and timed.reference.valid


@pytest.mark.parametrize("seed", range(20))
def test_an_undisturbed_session_is_believed(seed):
    assert summarize(session(seed), threads=1, batch=1, same=False).reasons == ()


def test_to_scale_all_times_changes_no_verdict_and_no_ratio():
    for rounds in (session(1), session(2, noise=0.2), rounds_of(np.ones((30, 24)), np.ones((30, 24)), share=0.5)):
        load = rounds.load._replace(**{name: 7 * getattr(rounds.load, name) for name in ("wall_s", "own_s", "busy_s")})
        scaled = rounds._replace(candidate=7 * rounds.candidate, reference=7 * rounds.reference, load=load)
        one, other = (summarize(it, threads=1, batch=1, same=False) for it in (rounds, scaled))
        assert (one.valid, one.reasons) == (other.valid, other.reasons)
        assert other.ratio.value == pytest.approx(one.ratio.value) and other.p50_ms == pytest.approx(7 * one.p50_ms)


@pytest.mark.parametrize("noise", [0.003, 0.01])
def test_the_interval_holds_what_other_sessions_come_to(noise):
    """Each session is off by its own luck, which shows in none of its rounds; 95 % of the intervals hold the truth."""
    random, found, common = np.random.default_rng(5), [], np.sqrt(TIMES_BETWEEN_SESSIONS**2 - BETWEEN_SESSIONS**2)
    for seed in range(400):
        off, both_off = (float(np.exp(random.normal(0, one))) for one in (BETWEEN_SESSIONS, common))
        rounds = session(seed, noise=noise, candidate_ms=0.2 * off * both_off, reference_ms=0.4 * both_off)
        found.append(summarize(rounds, threads=1, batch=1, same=False))
    assert np.mean([one.ratio.low <= 2 <= one.ratio.high for one in found]) > 0.93
    assert np.mean([one.low_ms <= 0.2 <= one.high_ms for one in found]) > 0.93
    assert all(one.facts.between_sessions == BETWEEN_SESSIONS for one in found)


@pytest.mark.parametrize("slower", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("begins", [5, 15, 25])
def test_drift_is_the_change_between_parts_of_the_session(slower, begins):
    calm = np.ones((30, 24))
    busy = np.where(np.arange(30) < begins, 1.0, 1 + slower)[:, None] * calm
    later = rounds_of(busy, busy)
    assert drift(later) == pytest.approx(slower)
    earlier = later._replace(candidate=later.candidate[::-1], reference=later.reference[::-1])
    assert drift(earlier) == pytest.approx(1 / (1 + slower) - 1)
    assert drift(rounds_of(calm, calm)) == 0


@pytest.mark.parametrize(
    ("rounds", "word"),
    [
        (session(share=0.5), "50 % of a processor"),
        (session(switches=500), "took its core over"),
        (session(busy_s=10.0), "other processes used"),
        (session(waited_s=0.5), "had to wait for a core"),
        (rounds_of(np.ones((30, 24)), np.repeat([1.0, 1.5], 15)[:, None] * np.ones(24)), "slower during"),
        (rounds_of(np.where(np.arange(24) < 2, 20.0, 1.0) * np.ones((30, 1)), np.ones((30, 24))), "the mean is"),
        (session(reference_ms=0.5), "longer than it usually does"),
        (session(noise=0.25), "only known to within"),
    ],
)
def test_a_disturbed_measurement_says_why(rounds, word):
    setting = Setting(usual_ms=0.4 if rounds.reference.mean() < 0.6 else None)
    reasons = summarize(rounds, threads=1, batch=1, same=False, setting=setting).reasons
    assert any(word in reason for reason in reasons)


def test_the_share_of_a_processor_tells_nothing_where_calls_wait_anyway():
    slow = session(share=0.5)
    assert facts_of(slow, 2, Setting()).cpu_share is facts_of(slow, 1, Setting(device="cuda")).cpu_share is None
    assert facts_of(slow, 2, Setting(device="cuda")).cpu_of_fullest is facts_of(slow, 1, Setting()).cpu_of_fullest


def test_several_threads_are_compared_with_their_own_fullest_rounds():
    threads = session(share=1.6)._replace(candidate_fullest=1.7, reference_fullest=1.65)
    assert both(threads, threads=2, batch=1, same=False).candidate.reasons == ()
    robbed = threads._replace(candidate_cpu=1.2)
    timed = both(robbed, threads=2, batch=1, same=False)
    assert timed.candidate.reasons == ("its threads had only 71 % of the processor time of their fullest rounds",)
    assert timed.reference.valid


def a_try(valid, attempt):
    time = factories.a_latency(0.1 * attempt, valid=valid)
    return Timed(candidate=time, reference=time)


@pytest.mark.parametrize(
    ("verdicts", "tried"), [([True], 1), ([False, True], 2), ([False, False, True], 3), ([False] * 3, 3)]
)
def test_a_disturbed_measurement_is_tried_twice_again_then_kept_with_its_reasons(verdicts, tried):
    asked, slept = [], []

    def once(attempt):
        asked.append(attempt)
        return a_try(verdicts[attempt - 1], attempt)

    timed = believed(once, ATTEMPTS, slept.append)
    assert asked == list(range(1, tried + 1)) and len(slept) == tried - 1
    assert timed.candidate.valid is verdicts[-1] and timed.candidate.p50_ms == pytest.approx(0.1 * tried)
