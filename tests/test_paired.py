"""The paired statistics hold what they promise, on synthetic answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_1samp

from optim import paired, stats
from optim.errors import RequestError
from optim.paired import Pairs
from optim.results import Interval

counts = st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 4000)).map(
    lambda c: Pairs(c[0], c[1], max(c[0] + c[1] + c[2], 1))
)


@given(counts)
def test_the_exact_test_is_the_binomial_one(pairs):
    lost, gained, _ = pairs
    known = binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
    assert paired.mcnemar(lost, gained) == pytest.approx(known, rel=1e-9)


def test_the_exact_test_survives_many_pairs():
    assert paired.mcnemar(3000, 2800) == pytest.approx(binomtest(3000, 5800).pvalue, rel=1e-6)
    assert paired.mcnemar(9000, 0) == pytest.approx(0)


@given(counts)
def test_exchanging_the_sides_turns_everything(pairs):
    forth, back = paired.paired_loss(pairs), paired.paired_loss(pairs.turned())
    assert forth == back.turned()
    assert paired.mcnemar(pairs.lost, pairs.gained) == paired.mcnemar(pairs.gained, pairs.lost)
    assert paired.told_apart(pairs) == paired.told_apart(pairs.turned())


@given(counts)
def test_the_interval_holds_the_value_and_stays_possible(pairs):
    for told in (paired.bootstrap(*pairs), paired.analytic(*pairs)):
        assert -1 <= told.low <= told.value <= told.high <= 1
        assert told.low < told.high


@given(counts)
def test_bootstrap_and_formula_agree(pairs):
    drawn, written = paired.bootstrap(*pairs), paired.analytic(*pairs)
    width = written.high - written.low
    assert abs(drawn.low - written.low) < 0.12 * width + 1 / pairs.n
    assert abs(drawn.high - written.high) < 0.12 * width + 1 / pairs.n


def test_drawing_from_a_multinomial_is_resampling_the_items():
    random, (lost, gained, n) = np.random.default_rng(1), (40, 25, 1000)
    items = np.repeat([1, -1, 0], [lost + 1, gained + 1, n - lost - gained])
    drawn = random.choice(items, size=(2000, len(items))).mean(1)
    told = paired.bootstrap(lost, gained, n)
    assert (told.low, told.high) == pytest.approx(tuple(np.quantile(drawn, (0.025, 0.975))), abs=1e-3)


@pytest.mark.parametrize("n", [1, 10, 500, 10_000])
def test_no_discordance_claims_no_difference_and_no_certainty(n):
    told = paired.paired_loss(Pairs(0, 0, n))
    assert (told.value, told.p_value, told.told) == (0, 1, False)
    assert told.low == -told.high
    assert 0 < told.high < 5 / n + 1e-9


def test_few_items_tell_nothing():
    assert not paired.told_apart(Pairs(5, 0, 5))
    assert paired.told_apart(Pairs(6, 0, 2000))


@pytest.mark.parametrize(("n", "lost", "gained"), [(100, 0.04, 0.02), (500, 0.025, 0.015), (4000, 0.025, 0.015)])
def test_the_intervals_cover_the_truth_about_95_times_in_100(n, lost, gained):
    random = np.random.default_rng(0)
    drawn = random.multinomial(n, (lost, gained, 1 - lost - gained), size=1000)
    for interval in (paired.bootstrap, paired.analytic):
        told = [interval(int(b), int(c), n) for b, c, _ in drawn]
        inside = sum(one.low <= lost - gained <= one.high for one in told)
        assert 930 <= inside <= 985


def test_of_equal_models_at_most_one_in_twenty_is_told_apart():
    random = np.random.default_rng(0)
    drawn = random.multinomial(2000, (0.02, 0.02, 0.96), size=1000)
    assert sum(paired.told_apart(Pairs(int(b), int(c), 2000)) for b, c, _ in drawn) <= 60


@pytest.mark.parametrize(("n", "seen"), [(500, 0.12), (2000, 0.61), (5000, 0.93)])
def test_a_gap_of_one_point_at_4_percent_discordance_is_seen_as_often_as_is_known(n, seen):
    drawn = np.random.default_rng(0).multinomial(n, (0.025, 0.015, 0.96), size=1000)
    told = np.mean([paired.told_apart(Pairs(int(b), int(c), n)) for b, c, _ in drawn])
    assert told == pytest.approx(seen, abs=0.05)


def test_a_gap_that_is_just_resolved_is_seen_every_second_time():
    n, discordance = 4000, 0.04
    gap = paired.resolvable(n, discordance)
    assert gap == pytest.approx(0.0062, abs=1e-4)
    shares = ((discordance + gap) / 2, (discordance - gap) / 2, 1 - discordance)
    drawn = np.random.default_rng(0).multinomial(n, shares, size=1000)
    assert 0.4 < np.mean([paired.told_apart(Pairs(int(b), int(c), n)) for b, c, _ in drawn]) < 0.6


def test_pairs_are_counted_item_by_item():
    random = np.random.default_rng(0)
    one, two = random.random((2, 300)) < 0.9
    pairs = paired.pair(one, two)
    assert (pairs.lost - pairs.gained) / pairs.n == pytest.approx(one.mean() - two.mean())
    assert paired.pair(two, one) == pairs.turned()
    assert paired.pair(one, one) == Pairs(0, 0, 300)


def test_answers_to_other_items_are_refused():
    with pytest.raises(RequestError, match="same items"):
        paired.pair(np.ones(3, bool), np.ones(4, bool))
    for counts_ in ((-1, 0, 5), (3, 3, 5), (0, 0, 0)):
        with pytest.raises(RequestError):
            paired.bootstrap(*counts_)
    with pytest.raises(RequestError):
        paired.mcnemar(-1, 2)


def test_unpaired_is_wider_and_has_no_p_value():
    reference, other = stats.wilson(3640, 4000), stats.wilson(3600, 4000)
    wide, narrow = paired.unpaired_loss(reference, other), paired.paired_loss(Pairs(100, 60, 4000))
    assert wide.value == pytest.approx(narrow.value)
    assert wide.high - wide.low > narrow.high - narrow.low
    assert (wide.paired, wide.p_value, narrow.paired) == (False, None, True)
    assert narrow.told and not wide.told


def test_the_mean_over_seeds_is_never_surer_than_students_nor_than_the_items():
    losses = [paired.paired_loss(Pairs(lost, 60, 4000)) for lost in (100, 90, 120, 80, 110)]
    values = [loss.value for loss in losses]
    told, known = paired.mean_loss(losses), ttest_1samp(values, 0)
    interval = known.confidence_interval()
    assert (told.seeds, told.paired, told.n) == (5, True, 4000)
    assert told.p_value > known.pvalue
    assert told.low < interval.low and told.high > interval.high
    assert told.high - told.low > min(loss.high - loss.low for loss in losses)
    alone = [Interval(value=value, low=value, high=value) for value in values]
    assert stats.mean_is_zero(alone) == pytest.approx(known.pvalue, abs=1e-9)


@given(st.lists(st.tuples(st.floats(-0.1, 0.1), st.floats(1e-4, 0.05)), min_size=2, max_size=6))
def test_the_p_value_over_seeds_says_what_the_interval_says(drawn):
    each = [Interval(value=value, low=value - half, high=value + half) for value, half in drawn]
    told, p_value = stats.mean_over_seeds(each), stats.mean_is_zero(each)
    assert 0 <= p_value <= 1
    if abs(p_value - 0.05) > 1e-6:
        assert (p_value < 0.05) == (told.low > 0 or told.high < 0)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_another_seed_on_other_items_lies_in_the_interval_as_often_as_it_says(seeds):
    """Two items in three are hard or easy for every seed, and each seed moves the true rate: both luck is covered."""
    dice, inside, trials = np.random.default_rng(seeds), 0, 400
    for _ in range(trials):
        common = dice.random(1000)
        rates = 0.9 + dice.normal(0, 0.005, seeds)
        hits = [np.where(np.arange(1000) % 3 > 0, common, dice.random(1000)) < rate for rate in rates]
        told = stats.mean_over_seeds([stats.wilson(int(one.sum()), 1000) for one in hits])
        inside += told.low <= 0.9 <= told.high
    assert inside / trials >= 0.94


def test_the_t_interval_covers_the_truth_about_95_times_in_100():
    random = np.random.default_rng(0)
    told = [stats.mean_interval(list(random.normal(0.9, 0.01, 5))) for _ in range(1000)]
    assert 930 <= sum(one.low <= 0.9 <= one.high for one in told) <= 970


@pytest.mark.parametrize("values", [[], [0.9], [0.9, math.nan]])
def test_a_mean_of_one_has_no_interval(values):
    with pytest.raises(RequestError, match="at least two"):
        stats.mean_interval(values)


def test_seeds_that_are_all_alike_are_as_sure_as_one_of_them():
    one = stats.wilson(900, 1000)
    told = stats.mean_over_seeds([one, one])
    assert (told.low, told.high) == (pytest.approx(one.low), pytest.approx(one.high))
    loss = paired.paired_loss(Pairs(12, 10, 1000))
    mean = paired.mean_loss([loss, loss])
    assert (mean.low, mean.high, mean.told) == (pytest.approx(loss.low), pytest.approx(loss.high), False)
    assert mean.p_value is not None and 0.4 < mean.p_value < 1
    nothing = Interval(value=0.0, low=-0.01, high=0.01)
    assert stats.mean_is_zero([nothing, nothing]) == 1
