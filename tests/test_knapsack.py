"""Laws of the latency allocation, over staircases that hypothesis makes up and a time that couples groups."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim import recipes
from optim.errors import KnobError
from optim.knapsack import Speed, _edges, bought, within_time
from optim.plan import Anatomy, ChannelGroup, Layer, cost, prune_plan
from optim.plan_search import PlanSearch


class Case(NamedTuple):
    scores: dict[str, np.ndarray]
    speed: Speed

    @property
    def sizes(self) -> dict[str, int]:
        return {name: len(values) for name, values in self.scores.items()}

    def lost(self, widths: dict[str, int]) -> float:
        return sum(float(np.sort(values)[: len(values) - widths[name]].sum()) for name, values in self.scores.items())


def staircase(names: list[str], blocks: list[int], prices: list[float]) -> Callable[[dict[str, int]], float]:
    """Layers between neighbouring groups cost their products of blocks; widths off a multiple of 4 cost more."""

    def steps(name: str, widths: dict[str, int]) -> float:
        width, block = widths[name], blocks[names.index(name)]
        return -(-width // block) * (1.0 if width % 4 == 0 or width < 4 else 1.5)

    def time_ms(widths: dict[str, int]) -> float:
        pairs = zip(pairwise(names), prices, strict=False)
        coupled = sum(price * steps(a, widths) * steps(b, widths) for (a, b), price in pairs)
        return 0.01 + 0.02 * steps(names[0], widths) + 0.01 * steps(names[-1], widths) + coupled

    return time_ms


@st.composite
def cases(draw) -> Case:
    sizes = draw(st.lists(st.sampled_from([4, 6, 8, 12, 16]), min_size=1, max_size=4))
    names = [f"g{number}" for number in range(len(sizes))]
    random = np.random.default_rng(draw(st.integers(0, 99)))
    blocks = draw(st.lists(st.sampled_from([2, 4, 8]), min_size=len(sizes), max_size=len(sizes)))
    edges = {
        n: tuple(draw(st.sets(st.integers(1, size + 4), max_size=5))) for n, size in zip(names, sizes, strict=True)
    }
    time_ms = staircase(names, blocks, [float(price) for price in random.uniform(0.005, 0.05, len(sizes))])
    dense = time_ms(dict(zip(names, sizes, strict=True)))
    scores = {name: random.random(size) for name, size in zip(names, sizes, strict=True)}
    return Case(scores, Speed(edges, time_ms, dense))


TARGETS = st.integers(1, 20).map(lambda twentieths: twentieths / 20)


@given(cases(), TARGETS)
def test_never_above_the_target_and_never_off_an_edge(case, target):
    try:
        widths = within_time(case.scores, case.speed, target)
    except KnobError as refusal:
        least = float(refusal.allowed.split()[2])
        assert target < least
        assert within_time(case.scores, case.speed, least), "the fraction it names can be reached"
        return
    assert case.speed.time_ms(widths) <= target * case.speed.dense_ms * (1 + 1e-6)
    for name, width in widths.items():
        assert width == case.sizes[name] or width in case.speed.edges[name]
        assert 1 <= width <= case.sizes[name]


@given(cases(), TARGETS, TARGETS)
def test_more_time_never_loses_more(case, one, other):
    less, more = sorted((one, other))
    try:
        tight = within_time(case.scores, case.speed, less)
    except KnobError:
        return
    assert case.lost(within_time(case.scores, case.speed, more)) <= case.lost(tight) + 1e-12


@given(cases())
def test_everything_stays_at_target_one(case):
    assert within_time(case.scores, case.speed, 1.0) == case.sizes


@given(cases(), TARGETS)
def test_no_channel_goes_that_buys_no_time(case, target):
    try:
        widths = within_time(case.scores, case.speed, target)
    except KnobError:
        return
    now = case.speed.time_ms(widths)
    for name, size in case.sizes.items():
        for wider in {edge for edge in case.speed.edges[name] if widths[name] < edge < size} | {size} - {widths[name]}:
            assert case.speed.time_ms({**widths, name: wider}) > now
    for name, gain in bought(case.scores, case.speed, widths).items():
        assert gain.ms > 0
        assert 0 <= gain.lost <= 1
        assert widths[name] < case.sizes[name]


@given(cases(), TARGETS)
def test_where_plans_are_few_it_is_the_best_there_is(case, target):
    """Against every plan on the edges within the target: none of them loses less."""
    choices = [sorted({e for e in case.speed.edges[n] if e < size} | {size}) for n, size in case.sizes.items()]
    plans = [dict(zip(case.sizes, widths, strict=True)) for widths in product(*choices)]
    limit = target * case.speed.dense_ms
    fits = [case.lost(plan) for plan in plans if case.speed.time_ms(plan) <= limit]
    if fits:
        assert case.lost(within_time(case.scores, case.speed, target)) <= min(fits) + 1e-9


@given(cases())
def test_where_plans_are_too_many_the_search_comes_close(case):
    """For each plan of the exact front a found one that loses no more and takes at most a tenth longer."""
    edges = _edges(case.sizes, case.speed)
    lost = [np.concatenate([np.cumsum(np.sort(values))[::-1], [0.0]]) for values in case.scores.values()]
    many = lambda plans: [case.speed.time_ms(widths) for widths in plans]  # noqa: E731
    exact, searched = PlanSearch(many, edges, lost), PlanSearch(many, edges, lost)
    searched.search()
    found = searched.thinned(searched.undominated())
    for choice in exact.front():
        near = [plan for plan in found if searched.time(plan) <= 1.1 * choice.time]
        assert min(map(searched.lost, near)) <= choice.lost + 1e-9


def an_anatomy(case: Case) -> Anatomy:
    groups = tuple(
        ChannelGroup(name=name, label=name, size=len(values), importance={"taylor": tuple(values.tolist())})
        for name, values in case.scores.items()
    )
    layers = tuple(
        Layer(name=g.name, into=g.name, out_of="", outputs=g.size, inputs=1, kernel=9, positions=4) for g in groups
    )
    return Anatomy(dataset="digits", model="cnn", width=1.0, groups=groups, layers=layers)


@given(cases(), TARGETS)
def test_the_plan_carries_it_out_and_says_what_it_bought(case, target):
    anatomy, knobs = an_anatomy(case), recipes.parse_step("prune-channels:importance=taylor,allocation=latency").knobs
    try:
        plan = prune_plan(anatomy, {**knobs, "latency_target": target}, 0, case.speed)
    except KnobError:
        return
    assert plan.widths == within_time(case.scores, case.speed, target)
    assert {name for name, width in plan.widths.items() if width < case.sizes[name]} == set(plan.bought)
    assert (plan.params, plan.macs) == cost(anatomy, plan.widths)


@given(cases())
def test_without_a_profile_it_is_refused_with_the_command_that_makes_one(case):
    knobs = recipes.parse_step("prune-channels:importance=taylor,allocation=latency").knobs
    with pytest.raises(KnobError, match="optim profile --dataset digits --model cnn --width 1"):
        prune_plan(an_anatomy(case), knobs)
