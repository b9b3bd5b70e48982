"""Rankings, against an example that was computed by hand, and their laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optim import marks, ranking
from optim.catalog import METRICS
from optim.errors import RequestError

LOGITS = np.array([[0.9, 0.8, 0.7, 0.6, 0.5], [0.1, 0.2, 0.3, 0.4, 0.5], [1.0, 0.0, 0.0, 0.0, 0.0]], np.float32)
POSITIVES = np.array([[0, 1, 0, 1, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
SEEN = np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]], bool)


def test_by_hand():
    """User 0 has seen item 0: items 1, 2, 3, 4 stand in places 0 to 3, the positives in 0 and 2. User 1: in place 3."""
    ranked = ranking.places(LOGITS, POSITIVES, SEEN)
    assert ranked[0, [1, 3]].tolist() == [0, 2] and ranked[1, 0] == 3
    third = (1 + 1 / 2) / (1 + 1 / np.log2(3))  # weights 1, 0.63, 0.5; best: the first two
    assert ranking.ndcg(ranked, 3).tolist() == pytest.approx([third, 0, 0], abs=1e-6)
    assert ranking.ndcg(ranked, 4).tolist() == pytest.approx([third, 1 / np.log2(5), 0], abs=1e-6)
    assert ranking.recall(ranked, 2).tolist() == [0.5, 0, 0]
    assert ranking.recall(ranked, 4).tolist() == [1, 1, 0]


def test_without_what_was_seen_the_places_move_down():
    assert ranking.places(LOGITS, POSITIVES)[0, [1, 3]].tolist() == [1, 3]


def test_equal_scores_stand_in_the_middle_and_never_gain_by_their_order():
    level = np.zeros((1, 101), np.float32)
    for item in (0, 50, 100):
        positive = np.zeros((1, 101), bool)
        positive[0, item] = True
        assert ranking.places(level, positive)[0, item] == 50


def test_a_score_that_is_not_a_number_stands_last():
    assert ranking.places(np.array([[np.nan, -5.0, 1.0]]), np.array([[True, False, False]]))[0, 0] == 2


def test_impossible_questions_are_refused():
    with pytest.raises(RequestError, match="same users and items"):
        ranking.places(LOGITS, POSITIVES[:2])
    with pytest.raises(RequestError, match="held out and seen"):
        ranking.places(LOGITS, POSITIVES, POSITIVES)


@given(arrays(np.float32, (4, 30), elements=st.floats(-5, 5, width=32)), st.integers(0, 10_000))
def test_values_are_fractions_and_the_best_order_is_worth_one(logits, seed):
    positives = np.random.default_rng(seed).random((4, 30)) < 0.1
    for name in ("ndcg@10", "recall@10"):
        worth = marks.of(logits, positives, [name])[name]
        assert worth.dtype == np.float32 and (worth >= 0).all() and (worth <= 1).all()
        best = marks.of(positives.astype(np.float32), positives, [name])[name]
        assert best == pytest.approx(positives.any(1).astype(float), abs=1e-6)


def test_right_and_wrong_answers_are_counted_and_rankings_resampled():
    logits, labels = np.eye(4)[[0, 1, 2, 2]], np.array([0, 1, 2, 3])
    worth = marks.of(logits, labels, ["accuracy"])["accuracy"]
    assert worth.tolist() == [True, True, True, False]
    assert marks.share(worth, METRICS["accuracy"]).value == 0.75
    told = marks.share(np.array([0.0, 0.5, 1.0, 0.25], np.float32), METRICS["ndcg@10"])
    assert told.value == pytest.approx(0.4375) and told.n == 4 and 0 <= told.low < told.value < told.high <= 1
