"""Who pays: laws of the paired change per class, of the calibration error, and of what files disagree on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim import catalog, who_pays
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
    assert who_pays.headline(paid, catalog.dataset("digits")) == "No class loses measurably."
    told = who_pays.headline(paid, catalog.dataset("digits"), "loses 6.3 points (3.3 to 9.6)")
    assert told == "Too few images per class to tell which; the whole loses 6.3 points (3.3 to 9.6)."


def test_the_class_that_loses_is_named_first_and_told():
    labels = answered.truth()
    run = labels.copy()
    run[np.flatnonzero(labels == 3)[: answered.N // 40]] = 4
    paid = who_pays.classes(answers_of(run), answers_of(labels), NAMES)
    assert (paid[0].name, paid[0].verdict, paid[0].change.value) == ("3", "pays", -0.25)
    assert who_pays.headline(paid, catalog.dataset("digits")).startswith("3 pays most: 25.0 points (")
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
    assert found.value == found.low == pytest.approx(0, abs=1e-9)
    assert 0.01 < found.high < 0.05
    sure = who_pays.calibration(right._replace(confidence=np.ones(1000)))
    assert sure.value == pytest.approx(0.2, abs=0.005)
    assert 0.17 < sure.low < sure.high < 0.23
    never_wrong = who_pays.calibration(answers_of(answered.truth()[:1000], np.ones(1000)))
    assert never_wrong.low == never_wrong.value == 0 and 0.001 < never_wrong.high < 0.01


def answered_with(missing, n, dice):
    """Confidences as networks have them, most near 1, and answers that are right as often less `missing`."""
    confidence = 1 - 0.9 * dice.beta(0.5, 4, n)
    labels = np.zeros(n, np.uint8)
    return Answers((dice.random(n) >= confidence - missing).astype(np.uint8), labels, confidence)


@pytest.mark.parametrize("missing", [0.0005, 0.01, 0.05])
def test_the_interval_of_the_calibration_error_covers_the_truth(missing):
    dice, trials = np.random.default_rng(7), 60
    found = [who_pays.calibration(answered_with(missing, 1000, dice)) for _ in range(trials)]
    assert sum(one.low <= missing <= one.high for one in found) >= 0.9 * trials
    assert abs(np.mean([one.value for one in found]) - missing) < 0.008


def test_only_one_bin_may_miss():
    """The top bin alone, by 2 points: the true error is that times its share."""
    dice, trials, inside = np.random.default_rng(3), 60, 0
    for _ in range(trials):
        answers = answered_with(0.0, 1000, dice)
        top = np.asarray(answers.confidence) >= 14 / 15
        wrong = top & (dice.random(1000) < 0.02)
        found = who_pays.calibration(answers._replace(predicted=np.where(wrong, 1, answers.predicted)))
        inside += found.low <= 0.02 * top.mean() <= found.high
    assert inside >= 0.88 * trials


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
