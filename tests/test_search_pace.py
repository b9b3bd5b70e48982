"""Where the budget of a search goes, in an invented world: long training of fast shapes, and no slow ones."""

from __future__ import annotations

from statistics import mean, median

import pytest

from optim.search_rules import CLEARLY
from tests import search_simulation
from tests.search_simulation import World

SEEDS = range(6)


@pytest.fixture(scope="module")
def outcomes():
    return [search_simulation.search(World(seed)) for seed in SEEDS]


def test_no_shape_slower_than_the_best_that_qualifies_is_tried(outcomes):
    """Targets are what a profile promises; the time is up to a tenth off."""
    assert all(ratio > 0.85 * best for one in outcomes for ratio, _, best in one.asked)


def test_shapes_clearly_slower_than_hopeful_ones_do_not_use_up_the_budget(outcomes):
    """Plain shapes around 5x are asked for where those with an early stride failed, not before they were trained."""
    for one in outcomes:
        longer = [place for place, (_, rung, _) in enumerate(one.asked) if rung > 0]
        assert longer, "something was trained longer"
        assert sum(ratio < CLEARLY * 9 for ratio, _, _ in one.asked[: longer[0]]) == 0
    assert mean(sum(ratio < 7 for ratio, _, _ in one.asked) for one in outcomes) <= 1


def test_what_is_left_is_spent_and_buys_speed(outcomes):
    assert median(one.best for one in outcomes) >= 11
    assert all(one.spent_s > 390 for one in outcomes)


class Boastful(World):
    """Its profile promises more than any file keeps, as a target between two edges of the staircase does."""

    def ratio(self, shape):
        return 0.88 / float(shape["latency_target"])


def test_no_network_that_is_known_to_be_too_slow_is_tried_in_another_teaching():
    """As seen on Fashion-MNIST: the widths of the best were taught in ten other ways, and could not be faster."""
    for seed in SEEDS:
        met: dict[str, float] = {}
        for network, ratio, best in search_simulation.search(Boastful(seed)).first_looks:
            assert network not in met or met[network] > best, "it was timed, and is no faster"
            met[network] = ratio


def test_where_longer_training_gains_little_slower_shapes_are_tried():
    """With 40 to 70 % of the loss left after 15 epochs, half an hour still finds one that qualifies."""
    assert search_simulation.search(World(1, left=(0.4, 0.7)), budget_s=1800.0).best > 1


def test_around_what_just_misses_wider_networks_are_tried():
    """As seen on names: a GRU of half the width lost 0.7 points and just missed the goal; only narrower ones followed.

    Here 60 to 90 % of the loss are left after 15 epochs. Without this 2 of 8 searches found one that qualifies.
    """
    found = [search_simulation.search(World(seed, left=(0.6, 0.9)), budget_s=900.0).best for seed in range(8)]
    assert sum(best > 1 for best in found) >= 5
