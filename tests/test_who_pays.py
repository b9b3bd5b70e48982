"""Who pays: laws of the paired change per class, of the calibration error, and of what files disagree on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim import who_pays
from optim.answers import Answers
from tests import answered

NAMES = tuple("0123456789")


def answers_of(predicted, confidence=None):
    return Answers(np.asarray(predicted), answered.truth()[: len(predicted)], confidence)


def test_the_same_answers_change_no_class():
    same = answers_of(answered.some_answers(0.9, 1))
    paid = who_pays.classes(same, same, NAMES)
    assert {one.change.value for one in paid} == {0}
    assert {one.verdict for one in paid} == {"not distinguishable"}
    assert who_pays.headline(paid) == "No class loses measurably."


def test_the_class_that_loses_is_named_first_and_told():
    labels = answered.truth()
    run = labels.copy()
    run[np.flatnonzero(labels == 3)[: answered.N // 40]] = 4
    paid = who_pays.classes(answers_of(run), answers_of(labels), NAMES)
    assert (paid[0].name, paid[0].verdict, paid[0].change.value) == ("3", "pays", -0.25)
    assert who_pays.headline(paid).startswith("3 pays most: 25.0 points (")
    assert all(one.verdict == "not distinguishable" for one in paid[1:])


def test_the_classes_together_are_the_whole_change():
    run, reference = (answers_of(answered.some_answers(share, seed)) for seed, share in ((1, 0.9), (2, 0.85)))
    paid = who_pays.classes(run, reference, NAMES)
    whole = (run.predicted == run.labels).mean() - (reference.predicted == reference.labels).mean()
    assert sum(one.change.value * one.after.n for one in paid) / answered.N == pytest.approx(whole)
    assert sum(one.after.n for one in paid) == answered.N


@given(st.integers(0, 200), st.integers(0, 200))
def test_the_interval_holds_the_change_turns_with_the_sides_and_narrows_with_n(gained, lost):
    change, turned = who_pays.paired_change(gained, lost, 400), who_pays.paired_change(lost, gained, 400)
    assert -1 <= change.low <= change.value <= change.high <= 1
    assert (turned.low, turned.high) == (pytest.approx(-change.high), pytest.approx(-change.low))
    more = who_pays.paired_change(10 * gained, 10 * lost, 4000)
    assert more.high - more.low < change.high - change.low


def test_the_interval_covers_what_is_true():
    """Items drawn with known odds: the interval holds the true change 95 % of the time, give or take."""
    dice, inside, trials = np.random.default_rng(0), 0, 800
    for _ in range(trials):
        gained, lost, _ = dice.multinomial(300, (0.03, 0.07, 0.9))
        found = who_pays.paired_change(int(gained), int(lost), 300)
        inside += found.low <= -0.04 <= found.high
    assert 0.93 <= inside / trials <= 0.98


def test_a_file_that_is_as_sure_as_it_is_right_has_no_calibration_error():
    right = answers_of(np.where(np.arange(1000) % 5 == 0, 99, answered.truth()[:1000]), np.full(1000, 0.8))
    found = who_pays.calibration(right)
    assert found.value == pytest.approx(0, abs=1e-9)
    sure = right._replace(confidence=np.ones(1000))
    assert who_pays.calibration(sure).value == pytest.approx(0.2)


@given(st.integers(0, 2**32 - 1))
def test_the_calibration_error_is_a_fraction_inside_its_interval(seed):
    dice = np.random.default_rng(seed)
    found = who_pays.calibration(answers_of(dice.integers(0, 10, 200), dice.random(200)))
    assert 0 <= found.low <= found.value <= found.high <= 2
    assert found.value <= 1


def test_without_confidence_there_is_no_calibration_error():
    assert who_pays.calibration(answers_of([0, 1, 2])) is None


def test_files_disagree_where_their_answers_differ_the_reference_s_right_ones_first():
    reference, run = answers_of([0, 1, 9, 3]), answers_of([0, 2, 2, 3])
    assert who_pays.disagreements([reference, run]).tolist() == [1, 2]
    assert who_pays.disagreements([reference, reference]).tolist() == []
