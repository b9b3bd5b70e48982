"""Means over items that are worth anything between: the intervals hold what they promise."""

import numpy as np
import pytest

from optim import paired, resampling
from optim.errors import RequestError

USERS = 671


def rankings(dice, users=USERS):
    """What rankings are worth: nothing for most users, something between for the rest."""
    return np.where(dice.random(users) < 0.15, dice.beta(2, 3, users), 0.0).astype(np.float32)


def coverage(truth, draw, interval, times=400):
    dice = np.random.default_rng(0)
    found = [interval(draw(dice)) for _ in range(times)]
    return np.mean([told.low <= truth <= told.high for told in found])


@pytest.mark.parametrize("users", [100, USERS])
def test_the_interval_of_a_mean_holds_the_truth_about_95_times_in_100(users):
    assert 0.92 <= coverage(0.15 * 0.4, lambda dice: rankings(dice, users), resampling.mean_share) <= 0.985


def some_gaps(dice, shift=0.0):
    """Differences of two rankings, both of most users alike."""
    differing = dice.random(USERS) < 0.2
    return np.clip(np.where(differing, dice.normal(shift, 0.3, USERS), 0), -1, 1)


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_the_interval_of_a_gap_holds_the_truth_about_95_times_in_100(shift):
    truth = some_gaps(np.random.default_rng(1), shift)
    for _ in range(400):
        truth = np.concatenate([truth, some_gaps(np.random.default_rng(len(truth)), shift)])
    assert 0.92 <= coverage(truth.mean(), lambda dice: some_gaps(dice, shift), resampling.mean_gap) <= 0.985


def test_a_permutation_test_of_equals_is_below_5_in_100_about_5_times_in_100(monkeypatch):
    monkeypatch.setattr(resampling, "FLIPS", 999)
    dice = np.random.default_rng(2)
    found = np.mean([resampling.sign_flip(some_gaps(dice)) < 0.05 for _ in range(400)])
    assert 0.025 <= found <= 0.08


def test_of_right_and_wrong_answers_both_tests_say_the_same():
    """The exact binomial test counts at least as far on one side, twice; flips count both sides at once."""
    gaps = np.repeat([1.0, -1.0, 0.0], [40, 20, 611])
    assert resampling.sign_flip(gaps) == pytest.approx(paired.mcnemar(40, 20), abs=0.006)
    told, counted = resampling.mean_gap(gaps), paired.bootstrap(40, 20, 671)
    assert told.value == counted.value
    assert (told.low, told.high) == pytest.approx((counted.low, counted.high), abs=0.003)


def test_exchanging_the_sides_turns_everything():
    gaps = some_gaps(np.random.default_rng(3), 0.05)
    one, other = resampling.mean_gap(gaps), resampling.mean_gap(-gaps)
    assert (one.value, one.low, one.high) == (-other.value, -other.high, -other.low)
    assert resampling.sign_flip(gaps) == resampling.sign_flip(-gaps)


def test_where_nothing_differs_the_interval_still_has_a_width():
    told = resampling.mean_gap(np.zeros(USERS))
    assert told.value == 0 and told.low < 0 < told.high
    assert resampling.sign_flip(np.zeros(USERS)) == 1
    zeros = resampling.mean_share(np.zeros(50))
    assert zeros.value == zeros.low == 0 < zeros.high


@pytest.mark.parametrize("values", [[], [0.5, np.nan], [2.0]])
def test_what_is_not_a_fraction_is_refused(values):
    with pytest.raises(RequestError):
        resampling.mean_share(np.array(values))
