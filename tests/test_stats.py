"""Intervals hold what they promise."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim import stats
from optim.errors import RequestError

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts)
def test_a_share_lies_inside_its_interval_and_the_interval_inside_zero_to_one(count):
    share = stats.wilson(*count)
    assert 0 <= share.low <= share.value <= share.high <= 1
    assert share.n == count[1]


@given(counts)
def test_more_items_never_widen_the_interval(count):
    hits, n = count
    once, tenfold = stats.wilson(hits, n), stats.wilson(10 * hits, 10 * n)
    assert tenfold.high - tenfold.low <= once.high - once.low


@given(counts, counts)
def test_a_difference_changes_its_sign_with_its_sides(one, other):
    forth, back = (
        stats.difference(stats.wilson(*one), stats.wilson(*other)),
        stats.difference(stats.wilson(*other), stats.wilson(*one)),
    )
    assert forth.value == pytest.approx(-back.value)
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))


def test_the_ratio_interval_covers_the_truth_about_95_times_in_100():
    dice = random.Random(0)
    inside = 0
    for _ in range(400):
        interval = stats.ratio_interval([2.0 * math.exp(dice.gauss(0, 0.2)) for _ in range(20)])
        inside += interval.low <= 2.0 <= interval.high
    assert 365 <= inside <= 395


def test_one_ratio_claims_nothing():
    only = stats.ratio_interval([2.0])
    assert only.low == 0
    assert only.high > 1000


@pytest.mark.parametrize("ratios", [[], [1.0, 0.0], [1.0, math.nan], [-1.0]])
def test_ratios_that_are_none_are_refused(ratios):
    with pytest.raises(RequestError, match="above 0"):
        stats.ratio_interval(ratios)


@pytest.mark.parametrize("count", [(1, 0), (-1, 5), (6, 5)])
def test_shares_that_are_none_are_refused(count):
    with pytest.raises(RequestError, match="hits among items"):
        stats.wilson(*count)
