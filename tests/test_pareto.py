"""Laws of the front."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from optim import pareto
from optim.pareto import Point

numbers = st.integers(1, 12)


@st.composite
def clouds(draw, smallest=1):
    pairs = draw(st.lists(st.tuples(numbers, numbers), min_size=smallest, max_size=25))
    return [Point.exact(i, float(cost), accuracy / 20) for i, (cost, accuracy) in enumerate(pairs)]


def ids(points):
    return {point.id for point in points}


@given(clouds())
def test_the_front_is_exactly_what_nothing_dominates(points):
    free = {p.id for p in points if not any(pareto.dominates(other, p) for other in points)}
    assert ids(pareto.front(points)) == free


@given(clouds(), numbers, numbers)
def test_a_dominated_run_never_moves_the_front(points, cost, accuracy):
    new = Point.exact(999, float(cost), accuracy / 20)
    before = pareto.front(points)
    if any(pareto.dominates(point, new) for point in points):
        assert pareto.front([*points, new]) == before


@given(clouds(), st.randoms(use_true_random=False))
def test_the_order_of_the_runs_does_not_matter(points, dice):
    shuffled = list(points)
    dice.shuffle(shuffled)
    assert pareto.front(shuffled) == pareto.front(points)


@given(clouds())
def test_along_the_front_both_rise(points):
    best = pareto.front(points)
    for left, right in pairwise(best):
        assert (left.cost, left.accuracy) == (right.cost, right.accuracy) or (
            left.cost < right.cost and left.accuracy < right.accuracy
        )


@given(clouds())
def test_the_stepped_line_never_falls_and_passes_through_every_point_of_the_front(points):
    best = pareto.front(points)
    xs, ys = pareto.steps(best)
    assert xs == sorted(xs)
    assert ys == sorted(ys)
    assert {(p.cost, p.accuracy) for p in best} <= set(zip(xs, ys, strict=True))


@given(clouds(), st.floats(0, 60))
def test_the_fastest_within_is_within_and_nothing_within_is_faster(points, lost):
    reference = points[0]
    found = pareto.fastest_within(points, reference, lost)
    assert found is not None, "the reference itself is within"
    assert found.accuracy >= reference.accuracy - lost / 100 - 1e-9
    assert not any(p.cost < found.cost and p.accuracy >= reference.accuracy - lost / 100 for p in points)


@given(clouds(), st.floats(0, 30), st.floats(0, 30))
def test_accepting_more_loss_is_never_slower(points, lost, more):
    first = pareto.fastest_within(points, points[0], lost)
    second = pareto.fastest_within(points, points[0], lost + more)
    assert first is not None
    assert second is not None
    assert second.cost <= first.cost


@given(clouds())
def test_exact_points_are_never_tied_with_what_beats_them(points):
    assert not pareto.tied(points)


def test_overlap_in_both_makes_a_tie_and_overlap_in_one_does_not():
    best = Point(1, 1.0, 0.90, 0.9, 1.1, 0.89, 0.91)
    near = Point(2, 1.05, 0.895, 0.95, 1.15, 0.885, 0.905)
    slow = Point(3, 2.0, 0.895, 1.9, 2.1, 0.885, 0.905)
    assert ids(pareto.tied([best, near, slow])) == {2}
