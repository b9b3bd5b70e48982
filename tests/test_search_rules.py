"""The laws of a search: what it tries, what it trains on, what it may claim. Pure functions, invented numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim import (
    catalog,
    recipes,
    search_answer,
    search_jobs,
    search_rules,
    search_sampler,
    search_space,
    search_wishes,
    searches,
)
from optim.errors import RequestError, UnknownName
from optim.paired import Pairs, paired_loss
from optim.records import Project, Recipe
from optim.results import Interval
from optim.search_answer import Judged, answer, more_items, upper_bound
from optim.search_rules import FIRST_LOOK, TELLING_LOOK, Tried
from optim.search_space import RUNGS
from optim.searches import Goal, Search, Wish
from optim.store import Store
from tests import factories
from tests.search_simulation import TAUGHT

BASE = Recipe(dataset="fashion-mnist", model="resnet8", width=2.0)
USUAL = search_sampler.first_shares({"importance": "l2", "teacher": "dense", **TAUGHT}, strides=True)
GOAL = Goal(max_loss=1.0)


def tried(number, loss, ratio, rung=0):
    shape = {**USUAL[0], "sparsity": 0.3 + 0.01 * number}
    return Tried(shape, rung, loss, loss + 0.5, ratio, (loss,) * (rung + 1))


MANY = st.lists(st.tuples(st.floats(-2, 20), st.floats(0.5, 12), st.integers(0, RUNGS - 1)), max_size=12).map(
    lambda rows: [tried(n, *row) for n, row in enumerate(rows)]
)


@given(MANY, st.floats(0, 5))
def test_what_is_trained_on_is_faster_than_the_best_and_not_at_the_last_rung(many, max_loss):
    moves = search_rules.moves(many, max_loss, confidence=0.95, items=4000)
    best = search_rules.best_of(many, max_loss)
    assert [move.rung for move in moves if move.shape is None] == [0], "a new shape is one of them"
    for move in moves:
        if move.shape is None:
            continue
        one = next(t for t in many if t.shape == move.shape)
        assert len(many) >= FIRST_LOOK
        assert move.rung == one.rung + 1 < RUNGS
        assert best is None or one.ratio > best.ratio
        assert one.upper > max_loss, "what qualifies already needs no more training"


@given(MANY)
def test_the_best_qualifies_and_no_faster_one_does(many):
    best = search_rules.best_of(many, 1.0)
    fast = [one.ratio for one in many if one.upper <= 1.0]
    assert (best is None) == (not fast)
    assert best is None or best.ratio == max(fast)


@given(MANY)
def test_in_place_of_what_misses_the_goal_after_the_longest_training_a_slower_one_is_tried(many):
    found = search_rules.slower(many, 1.0, confidence=0.95, items=4000)
    longest = [one for one in many if one.rung + 1 == RUNGS and one.ratio > 1]
    assert (found is None) == (not longest or search_rules.best_of(many, 1.0) is not None)
    if found is not None:
        near, ratio = found
        assert near in longest and near.ratio**0.49 < ratio < near.ratio**0.86
        assert near.upper <= min(one.upper for one in longest) + 0.2


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("start", ["resnet8:2", "resnet8:1"])
def test_each_rung_trains_the_same_small_network_longer(start, precision):
    shape = {**USUAL[0], "start": start}
    for rung in range(1, RUNGS):
        before, after = (search_space.recipe(BASE, shape, r, "fp32").steps for r in (rung - 1, rung))
        assert after[:-1] == before[:-1], "what is cut stays in the cache"
        assert int(after[-1].knobs["epochs"]) > int(before[-1].knobs["epochs"])
    made = search_space.recipe(BASE, shape, 1, precision)
    assert (made.steps[-1].technique == "quantize-int8") == (precision == "int8")
    assert made.model_ref == start
    teachers = {step.knobs["teacher"] for step in made.steps if step.technique == "distill"}
    assert teachers == {"dense" if start == BASE.model_ref else BASE.model_ref}, "the dense network teaches"


def test_each_kind_of_data_has_trainings_of_its_own_length():
    for row in catalog.DATASETS.values():
        assert list(row.rungs) == sorted(row.rungs) and len(row.rungs) == RUNGS, row.name
    assert catalog.dataset("names").rungs[2] >= catalog.dataset("names").epochs


@pytest.mark.parametrize("name", ["names/lstm", "movielens-small/matrix-factorization", "fashion-mnist/resnet8"])
def test_a_trial_is_trained_with_the_pull_that_its_model_needs(name):
    dataset, model = name.split("/")
    base, row = recipes.complete(Recipe(dataset=dataset, model=model, width=1.0)), catalog.model(model)
    shape = {"sparsity": 0.5, "allocation": "uniform", "importance": "l2", "temperature": 4.0, "alpha": 0.9}
    (trained,) = (s for s in search_space.recipe(base, shape, 1, "fp32").steps if s.technique == "distill")
    assert (trained.knobs["weight_decay"], trained.knobs["label_smoothing"]) == (row.weight_decay, row.label_smoothing)


def test_as_long_as_nobody_knows_what_longer_training_gains_the_most_promising_tells():
    many = [tried(n, loss, ratio) for n, (loss, ratio) in enumerate([(3.0, 9.0), (2.4, 8.0), (2.6, 7.0), (8.0, 12.0)])]
    ask = {"confidence": 0.95, "items": 4000}
    assert search_rules.moves(many, 1.0, **ask)[0].shape == many[1].shape, "its final loss is the smallest"
    told = [*many, tried(9, 2.5, 6.0, rung=1)._replace(losses=(2.6, 2.5))]
    assert search_rules.moves(told, 1.0, **ask)[0].shape is None, "training on was seen to gain next to nothing"
    far = [tried(n, 9.0 + n, 5.0) for n in range(TELLING_LOOK - 1)]
    assert search_rules.moves(far, 1.0, **ask)[0].shape is None
    far.append(tried(20, 9.5, 8.0))
    told = search_rules.moves(far, 1.0, **ask)[0]
    assert (told.shape, told.rung) == (far[-1].shape, 1), "it loses least for its speed"
    far[-1] = far[-1]._replace(rung=1, losses=(9.5, 8.0), loss=8.0)
    told = search_rules.moves(far, 1.0, **ask)[0]
    assert (told.shape, told.rung) == (far[-1].shape, 2), "nobody knows what the last rung gains"
    far[-1] = far[-1]._replace(rung=2, losses=(9.5, 8.0, 7.0), loss=7.0)
    assert search_rules.moves(far, 1.0, **ask)[0].shape is None


def test_of_two_that_may_qualify_with_luck_the_one_of_more_speed_is_trained_on():
    """As seen on Fashion-MNIST: 0.2 points, within the noise, sent 60 s to a shape of half the speed."""
    many = [tried(n, *row)._replace(upper=row[0] + 0.75) for n, row in enumerate([(0.9, 5.2), (1.1, 10.5)])]
    many += [tried(n, *row)._replace(upper=row[0] + 0.9) for n, row in ((2, (2.1, 13.0)), (3, (4.0, 16.6)))]
    order = [move.shape for move in search_rules.moves(many, 1.0, confidence=0.95, items=4000)]
    assert order[:2] == [many[1].shape, many[0].shape]


def test_a_loss_that_fell_below_the_noise_says_nothing_of_a_large_one():
    """As seen on Fashion-MNIST: 0.8 points became a gain of 0.1, and sent 55 epochs to a shape that had lost 2.9."""
    many = [tried(0, -0.1, 8.7, rung=1)._replace(losses=(0.8, -0.1), upper=0.6), tried(1, 2.9, 15.2)]
    left = search_rules.gains(many)
    assert left[0] >= search_rules.GAIN[0] * search_rules.LEAST_LEFT
    assert search_rules.final_loss(many[1], left) > 1.0 - search_rules.margin(many, 0.95, 4000)


def test_where_nothing_qualifies_the_nearest_is_trained_longer_and_not_one_more_is_tried():
    """One was trained to the end and missed; so wide a bound of first looks is not that of a longer training."""
    one = tried(0, 0.27, 9.0, rung=2)._replace(upper=1.04, losses=(1.03, 0.47, 0.27))
    many = [one, *(tried(n, 0.9 + n / 10, 8.0)._replace(upper=1.9 + n / 10) for n in range(1, 8))]
    assert search_rules.margin(many, 0.95, 4000) == pytest.approx(0.77)
    moved = search_rules.moves(many, 1.0, confidence=0.95, items=4000)[0]
    assert (moved.shape, moved.rung) == (many[1].shape, 1)


def test_a_start_that_is_narrow_enough_is_not_pruned():
    shape = {**TAUGHT, "importance": "l2", "start": "resnet8:1", "widths": "", "latency_target": 0.2}
    assert [step.technique for step in search_space.recipe(BASE, shape, 0, "fp32").steps] == ["distill"]


def test_equal_widths_are_the_same_network_however_they_were_found():
    shape = {**TAUGHT, "importance": "l2", "widths": "stage1:8", "latency_target": 0.2}
    assert search_space.substance(shape) == search_space.substance({**shape, "latency_target": 0.3})
    assert search_space.substance(shape) != search_space.substance({**shape, "widths": "stage1:16"})
    assert search_space.substance(USUAL[0]) != search_space.substance(USUAL[1])
    whole = {**shape, "widths": ""}
    assert search_space.substance(whole) == search_space.substance({**whole, "importance": "bn"}), "nothing is chosen"


def test_new_shapes_are_new_until_there_are_none():
    space = {"sparsity": (0.5, 0.6), "round_to": (1, 8), "importance": ("l2",), "temperature": (4.0,), "alpha": (0.9,)}
    known: list[str] = []
    while (shape := search_sampler.propose([], known, space, dict, seed=0)) is not None:
        assert search_space.substance(shape) not in known
        known.append(search_space.substance(shape))
    assert len(known) == 4


def test_only_targets_that_promise_more_speed_are_left():
    space = {"latency_target": (0.1, 0.2, 0.5), "alpha": (0.9,)}
    assert search_sampler.faster(space, 4.0)["latency_target"] == (0.1, 0.2)
    assert search_sampler.propose([], [], search_sampler.faster(space, 20.0), dict, seed=0) is None


def judged(number, lost, gained, p50_ms, n=4000):
    run = factories.done(number, accuracy=0.9, p50_ms=p50_ms, kb=50)
    loss = paired_loss(Pairs(lost, gained, n))
    return Judged(run, loss, upper_bound(loss, GOAL.confidence))


def test_the_answer_is_the_fastest_that_qualifies():
    many = [judged(1, 30, 25, 0.1), judged(2, 30, 25, 0.05), judged(3, 300, 25, 0.01)]
    told = answer(many, GOAL)
    assert told.run_id == 2
    assert "Run 2 is" in told.sentence
    assert "95 % confidence" in told.sentence


def test_where_none_qualifies_the_nearest_is_named_and_what_it_would_take():
    told = answer([judged(1, 100, 70, 0.1), judged(2, 300, 70, 0.05)], GOAL)
    assert (told.run_id, told.nearest_id) == (None, 1)
    assert "None qualifies" in told.sentence
    assert "more images" in told.sentence
    hopeless = answer([judged(2, 300, 70, 0.05)], GOAL)
    assert "however many" in hopeless.sentence


def test_what_reaches_below_the_goal_is_not_called_hopeless():
    told = answer([judged(2, 82, 40, 0.05)], GOAL).sentence  # loses 1.05 points (0.5 to 1.6)
    assert "may lie on either side of 1" in told and "however many" not in told


@pytest.mark.parametrize(("ratio", "said"), [(0.5, "2.0x slower"), (1.01, "as fast as the reference")])
def test_what_keeps_the_loss_but_is_not_faster_does_not_qualify_and_asks_for_no_images(ratio, said):
    one = judged(3, 30, 25, 0.1)
    time = one.run.latency.with_(ratio=Interval(value=ratio, low=0.98 * ratio, high=1.02 * ratio))
    run = one.run.with_(result=one.run.result.with_(latency=time))
    told = answer([one._replace(run=run)], GOAL)
    assert (told.run_id, told.nearest_id) == (None, 3)
    assert "keeps the loss, but nothing that does is faster" in told.sentence and said in told.sentence
    assert "more images" not in told.sentence


def test_a_slower_run_is_called_slower():
    slow = Interval(value=0.7, low=0.68, high=0.72)
    assert search_answer.short_speed(slow, " than it") == "1.4x slower than it"


@given(st.integers(10, 200), st.integers(0, 190))
def test_with_the_items_it_asks_for_it_would_qualify(lost, gained):
    loss = paired_loss(Pairs(lost, gained, 4000))
    more = more_items(judged(1, lost, gained, 0.1), GOAL)
    if more is None:
        assert loss.value >= GOAL.max_loss / 100
        return
    grown = (4000 + more) / 4000
    bigger = paired_loss(Pairs(round(lost * grown), round(gained * grown), 4000 + more))
    assert upper_bound(bigger, GOAL.confidence) <= GOAL.max_loss + 0.08


def test_no_run_no_answer():
    assert answer([], GOAL).run_id is None


# -- the record --------------------------------------------------------------------------------------------------------


def a_search(**changes):
    project = Project(id=1, dataset="fashion-mnist", reference="resnet8:2")
    return Search(id=0, base=BASE, project=project, goal=GOAL, budget_s=600, **changes)


def test_searches_are_numbered_kept_and_listed(home):
    one, two = searches.create(home, a_search()), searches.create(home, a_search(seed=3))
    assert (one.id, two.id) == (1, 2)
    assert searches.load(home, 2) == two
    assert [search.id for search in searches.all_searches(home)] == [2, 1]
    with pytest.raises(UnknownName):
        searches.load(home, 3)


def test_a_wish_is_taken_once(home):
    made = searches.create(home, a_search())
    searches.wish(home, made.id, Wish(state="paused"))
    assert searches.has_wish(home, made.id)
    assert searches.take_wish(home, made.id) == Wish(state="paused")
    assert searches.take_wish(home, made.id) is None
    with pytest.raises(UnknownName):
        searches.wish(home, 9, Wish(state="paused"))


@pytest.mark.parametrize(
    ("one", "two", "both"),
    [
        (Wish(state="paused"), Wish(state="running", more_s=600), Wish(state="paused", more_s=600)),
        (Wish(state="running", more_s=600), Wish(state="paused"), Wish(state="paused", more_s=600)),
        (Wish(state="running", more_s=600), Wish(state="running", more_s=600), Wish(state="running", more_s=1200)),
        (Wish(state="paused"), Wish(state="running"), Wish(state="running")),
    ],
)
def test_two_wishes_before_the_driver_looks_are_both_granted(home, one, two, both):
    made = searches.create(home, a_search())
    searches.wish(home, made.id, one)
    searches.wish(home, made.id, two)
    assert searches.take_wish(home, made.id) == both
    after = search_wishes.granted(Store(home), made, both)
    assert (after.state, after.budget_s) == (both.state, 600 + both.more_s)


def test_a_seed_that_no_recipe_takes_is_refused_before_the_search_begins(home):
    ask = {"dataset": "fashion-mnist", "model": "resnet8", "width": 2.0, "max_loss": 1.0, "confidence": 0.95}
    with pytest.raises(RequestError, match="seed"):
        search_jobs.search_for(home, **ask, budget_s=600.0, seed=-1)
    assert searches.numbers(home) == []


@pytest.mark.parametrize("wrong", [(-1, 0.95, 600), (1, 0.4, 600), (1, 0.95, 1), (float("nan"), 0.95, 600)])
def test_a_goal_that_cannot_be_is_refused(wrong):
    with pytest.raises(RequestError):
        searches.checked_goal(*wrong)


@pytest.mark.parametrize("paired", [True, False])
def test_a_loss_that_is_none_for_sure_says_so_and_how_it_was_compared(paired):
    one = judged(3, 25, 30, 0.05)
    told = answer([one._replace(loss=one.loss._replace(paired=paired))], GOAL).sentence
    assert "gains 0.1 points (" in told and f"{'' if paired else ', unpaired'}), not distinguishable on 4,000" in told
    assert "not distinguishable" not in answer([judged(2, 100, 70, 0.1)], GOAL).sentence
