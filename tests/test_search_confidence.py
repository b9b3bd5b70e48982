"""The bound on the fastest of many candidates holds for all of them, and costs no more than it must."""

import numpy as np
import pytest

from optim.search_confidence import confidence_each
from optim.stats import normal_quantile

ITEMS = 4000


def losses(count, mean, seed, *, shared=0.5, rate=0.06):
    """`count` candidates that lose `mean` in truth; a share of what they lose and gain is the same for all."""
    random = np.random.default_rng(seed)
    common, own = random.random(ITEMS), random.random((count, ITEMS))
    drawn = np.where(random.random((1, ITEMS)) < shared, common, own)
    return (drawn < (rate + mean) / 2).astype(float) - (drawn > 1 - (rate - mean) / 2)


def test_one_candidate_needs_what_was_asked_for():
    assert confidence_each(losses(1, 0.01, 0), 0.01, 0.95) == 0.95
    assert confidence_each(np.zeros((0, 1)), 0.01, 0.95) == 0.95


def test_candidates_far_beyond_the_limit_cost_nothing():
    near, far = losses(1, 0.01, 0), losses(9, 0.05, 1)
    assert confidence_each(np.vstack([near, far]), 0.01, 0.95) == 0.95


def test_the_same_network_again_costs_nothing():
    one = losses(1, 0.01, 0)
    assert confidence_each(np.vstack([one] * 8), 0.01, 0.95) == pytest.approx(0.95, abs=0.004)


def test_more_candidates_need_more_and_never_more_than_bonferroni():
    needed = [confidence_each(losses(count, 0.01, 3), 0.01, 0.95) for count in (1, 2, 5, 20)]
    assert needed == sorted(needed)
    assert all(have <= 1 - 0.05 / count + 0.002 for have, count in zip(needed, (1, 2, 5, 20), strict=True))


@pytest.mark.parametrize("count", [5, 20])
def test_no_candidate_at_the_limit_seems_to_qualify_more_often_than_was_said(count):
    false, looks = 0, 120
    for seed in range(looks):
        rows = losses(count, 0.01, seed)
        bound = normal_quantile(2 * confidence_each(rows, 0.01, 0.95) - 1)
        upper = rows.mean(axis=1) + bound * rows.std(axis=1) / ITEMS**0.5
        false += bool((upper <= 0.01).any())
    assert false / looks <= 0.05 + 2 * (0.05 * 0.95 / looks) ** 0.5
