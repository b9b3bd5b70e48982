"""Laws of the verdict: what is clean passes, each single disturbance is named, and nothing else matters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim import validity
from optim.results import Facts

CLEAN = Facts(
    seconds=0.8, cores=2, cpu_share=0.995, switches_per_s=5.0, others=0.05, pressure=0.01, drift=0.02,
    reference_p50_ms=0.4, stored_p50_ms=0.395, mean_over_p50=1.02, half_width=0.006,
)  # fmt: skip
DISTURBED = {
    "cpu_share": (0.8, "80 % of a processor"),
    "cpu_of_fullest": (0.7, "70 % of the processor time"),
    "switches_per_s": (250.0, "250 times a second"),
    "others": (1.0, "1.0 of 2 cores"),
    "pressure": (0.9, "90 % of the time"),
    "drift": (0.3, "30 % slower"),
    "stored_p50_ms": (0.3, "33 % longer"),
    "mean_over_p50": (1.4, "1.40 times the median"),
    "half_width": (0.08, "within 8 %"),
}
UNTOLD = ("cpu_share", "cpu_of_fullest", "switches_per_s", "others", "pressure", "stored_p50_ms")


def test_a_clean_session_passes():
    assert validity.reasons(CLEAN) == ()


@pytest.mark.parametrize("name", DISTURBED)
def test_each_single_disturbance_is_named_alone(name):
    value, words = DISTURBED[name]
    reasons = validity.reasons(CLEAN.with_(**{name: value}))
    assert len(reasons) == 1 and words in reasons[0]


def test_every_disturbance_adds_its_reason():
    everything = CLEAN.with_(**{name: value for name, (value, _) in DISTURBED.items()})
    assert len(validity.reasons(everything)) == len(DISTURBED) - 1, "one of two shares of a processor"


def test_what_the_system_does_not_tell_speaks_neither_for_nor_against():
    silent = CLEAN.with_(**dict.fromkeys(UNTOLD))
    assert validity.reasons(silent) == ()
    assert len(validity.reasons(silent.with_(drift=-0.3))) == 1


@given(st.floats(1e-3, 1e3))
def test_the_scale_of_the_times_does_not_matter(factor):
    for facts in (CLEAN, CLEAN.with_(stored_p50_ms=0.3)):
        scaled = facts.with_(
            seconds=factor * facts.seconds, reference_p50_ms=factor * facts.reference_p50_ms,
            stored_p50_ms=factor * facts.stored_p50_ms,
        )  # fmt: skip
        assert validity.reasons(scaled) == validity.reasons(facts)


@pytest.mark.parametrize(("name", "worse"), [
    ("cpu_share", -0.01), ("switches_per_s", 5.0), ("others", 0.05), ("pressure", 0.02), ("drift", 0.01),
    ("drift", -0.01), ("mean_over_p50", 0.01), ("mean_over_p50", -0.01), ("half_width", 0.005),
    ("reference_p50_ms", 0.005),
])  # fmt: skip
def test_more_of_a_disturbance_never_makes_it_valid_again(name, worse):
    verdicts = [bool(validity.reasons(CLEAN.with_(**{name: getattr(CLEAN, name) + n * worse}))) for n in range(90)]
    assert verdicts == sorted(verdicts) and verdicts[-1]


def test_a_machine_of_many_cores_bears_more_neighbours():
    assert validity.reasons(CLEAN.with_(others=3.0)) and not validity.reasons(CLEAN.with_(others=3.0, cores=64))


def test_a_reference_that_is_faster_than_usual_is_no_disturbance():
    assert validity.reasons(CLEAN.with_(stored_p50_ms=0.8)) == ()


def timed(times, usual=None, every_s=2.0):
    """Sessions one after the other on a machine whose reference takes `times`; how many of them were believed."""
    sessions = [] if usual is None else [(0.0, CLEAN.with_(reference_p50_ms=usual))] * validity.RECENT
    believed = []
    for number, time in enumerate(times):
        facts = CLEAN.with_(reference_p50_ms=time, stored_p50_ms=validity.usual(sessions))
        believed.append(not validity.reasons(facts))
        sessions.insert(0, (every_s * (1 + number), facts))
    return believed


def test_what_is_usual_is_the_lower_quartile_of_the_recent_clean_sessions():
    assert validity.usual([]) is None
    times = [0.4, 0.41, 0.39, 0.4, 0.5, 9.0, 9.0]
    assert validity.usual([(0.0, CLEAN.with_(reference_p50_ms=time)) for time in times]) == 0.4
    assert validity.usual([(0.0, CLEAN.with_(others=2.0)), (0.0, CLEAN.with_(reference_p50_ms=0.3))]) == 0.3


def test_some_slow_minutes_are_not_believed():
    assert timed([0.5] * 12, usual=0.4) == [False] * 12


def test_a_machine_that_became_slower_for_good_is_believed_after_an_hour_or_when_most_sessions_agree():
    assert timed([0.5] * 6, usual=0.4, every_s=validity.RECENT_S / 4) == [False] * 5 + [True]
    assert timed([0.5] * 20, usual=0.4) == [False] * 16 + [True] * 4


def test_a_machine_that_became_faster_is_believed_at_once():
    assert timed([0.3] * 6, usual=0.4) == [True] * 6


def test_load_that_shows_otherwise_never_becomes_usual():
    sessions = [(0.0, CLEAN.with_(reference_p50_ms=0.4))]
    for _ in range(20):
        facts = CLEAN.with_(reference_p50_ms=0.6, others=1.0, stored_p50_ms=validity.usual(sessions))
        sessions.insert(0, (0.0, facts))
        assert len(validity.reasons(facts)) == 2
