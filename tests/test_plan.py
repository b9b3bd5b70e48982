"""Laws of the channel plan, over networks that hypothesis makes up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from optim import recipes
from optim.catalog_knobs import join_widths
from optim.errors import KnobError
from optim.plan import Anatomy, ChannelGroup, Layer, cost, prune_plan, pruned


@st.composite
def anatomies(draw) -> Anatomy:
    """A chain of convolutions and a classifier; some stages couple their sums with the one before."""
    sizes = draw(st.lists(st.integers(1, 40), min_size=1, max_size=4))
    seed = draw(st.integers(0, 99))
    random = np.random.default_rng(seed)
    groups, layers, before, inputs = [], [], "", 1
    for number, size in enumerate(sizes):
        name = f"g{number}"
        importance = {method: tuple(random.random(size).tolist()) for method in ("l1", "l2")}
        groups.append(ChannelGroup(name=name, label=f"stage {number}", size=size, importance=importance))
        positions = draw(st.integers(1, 64))
        layer = Layer(name=name, into=name, out_of=before, outputs=size, inputs=inputs, kernel=9, positions=positions)
        layers.append(layer)
        if draw(st.booleans()):
            layers.append(layer.with_(name=f"{name}b", out_of=name, inputs=size))
        before, inputs = name, size
    layers.append(Layer(name="fc", into="", out_of=before, outputs=10, inputs=inputs, kernel=1, positions=1))
    return Anatomy(dataset="digits", model="cnn", width=1.0, groups=tuple(groups), layers=tuple(layers))


def knobs(**chosen) -> dict:
    settings = ",".join(f"{name}={value}" for name, value in chosen.items())
    return recipes.parse_step(f"prune-channels:{settings}").knobs


SHARES = st.integers(0, 19).map(lambda twentieths: twentieths / 20)
HOW = st.fixed_dictionaries(
    {"importance": st.sampled_from(["l1", "l2", "random"]), "allocation": st.sampled_from(["uniform", "global"])}
)


def feasible(anatomy, **chosen):
    """The plan; examples in which a layer would be left empty do not count."""
    try:
        return prune_plan(anatomy, knobs(**chosen))
    except KnobError:
        reject()


@given(anatomies(), HOW, st.integers(1, 32))
def test_sparsity_zero_keeps_all(anatomy, how, multiple):
    plan = prune_plan(anatomy, knobs(sparsity=0, round_to=multiple, **how))
    assert plan.widths == anatomy.sizes()
    assert all(np.array_equal(kept, np.arange(len(kept))) for kept in plan.kept.values())
    assert (plan.params, plan.macs) == cost(anatomy, anatomy.sizes())


@given(anatomies(), HOW, SHARES, SHARES, st.integers(1, 16))
def test_more_sparsity_never_means_more(anatomy, how, one, other, multiple):
    less, more = (feasible(anatomy, sparsity=s, round_to=multiple, **how) for s in sorted((one, other)))
    assert more.params <= less.params
    assert more.macs <= less.macs
    for name, kept in more.kept.items():
        assert set(kept) <= set(less.kept[name]), "what stays at more sparsity also stays at less"


@given(anatomies(), HOW, SHARES, st.integers(1, 16))
def test_kept_channels_are_sorted_distinct_and_as_many_as_the_width(anatomy, how, share, multiple):
    plan = feasible(anatomy, sparsity=share, round_to=multiple, **how)
    for group in anatomy.groups:
        kept = plan.kept[group.name]
        assert len(kept) == plan.widths[group.name] >= 1
        assert np.all(np.diff(kept) > 0)
        assert kept[0] >= 0
        assert kept[-1] < group.size


@given(anatomies(), HOW, SHARES.filter(bool), st.integers(2, 16))
def test_widths_are_multiples_where_the_layer_has_as_many(anatomy, how, share, multiple):
    plan = feasible(anatomy, sparsity=share, round_to=multiple, **how)
    for group in anatomy.groups:
        width = plan.widths[group.name]
        assert width % multiple == 0 or width == group.size


@given(anatomies(), st.sampled_from(["l1", "l2"]), SHARES)
def test_the_weakest_channels_go(anatomy, importance, share):
    plan = feasible(anatomy, sparsity=share, importance=importance)
    for group in anatomy.groups:
        score = np.array(group.importance[importance])
        gone = np.setdiff1d(np.arange(group.size), plan.kept[group.name])
        assert gone.size == 0 or score[gone].max() <= score[plan.kept[group.name]].min()


@given(anatomies(), st.floats(0.5, 0.99))
def test_no_layer_dies_under_global_allocation(anatomy, share):
    plan = feasible(anatomy, sparsity=share, allocation="global")
    for group in anatomy.groups:
        assert plan.widths[group.name] >= max(1, round(0.1 * group.size))


@given(anatomies(), SHARES, st.integers(0, 5))
def test_random_importance_keeps_its_seed(anatomy, share, seed):
    chosen = knobs(sparsity=min(share, 0.5), importance="random")
    assume(all(group.size > 1 for group in anatomy.groups))
    one, other = prune_plan(anatomy, chosen, seed), prune_plan(anatomy, chosen, seed)
    assert all(np.array_equal(one.kept[name], other.kept[name]) for name in one.kept)


@pytest.mark.parametrize("allocation", ["uniform", "global"])
def test_a_layer_left_empty_is_refused_with_the_range_that_works(allocation):
    group = ChannelGroup(name="g", label="the stem", size=4, importance={"l2": (1.0, 2.0, 3.0, 4.0)})
    layer = Layer(name="fc", into="", out_of="g", outputs=10, inputs=4, kernel=1, positions=1)
    anatomy = Anatomy(dataset="digits", model="cnn", width=1.0, groups=(group,), layers=(layer,))
    with pytest.raises(KnobError, match=r"from 0 to 0\.87") as refusal:
        prune_plan(anatomy, knobs(sparsity=0.95, allocation=allocation))
    assert "the stem" in str(refusal.value)
    assert prune_plan(anatomy, knobs(sparsity=0.87, allocation=allocation)).widths == {"g": 1}


@given(anatomies(), HOW, SHARES)
def test_what_is_left_weighs_what_the_plan_says(anatomy, how, share):
    first = feasible(anatomy, sparsity=share, **how)
    left = pruned(anatomy, first)
    assert left.sizes() == first.widths
    assert cost(left, left.sizes()) == (first.params, first.macs)


def by_hand(widths: dict[str, int]) -> dict:
    return recipes.parse_step(f"prune-channels:allocation=manual,widths={join_widths(widths)}").knobs


@given(anatomies(), st.data())
def test_widths_by_hand_are_the_widths(anatomy, data):
    wished = {group.name: data.draw(st.integers(1, group.size)) for group in anatomy.groups if data.draw(st.booleans())}
    plan = prune_plan(anatomy, by_hand(wished))
    assert plan.widths == {**anatomy.sizes(), **wished}
    assert {name: len(kept) for name, kept in plan.kept.items()} == plan.widths
    assert (plan.params, plan.macs) == cost(anatomy, plan.widths)


@given(anatomies())
def test_the_dense_sizes_by_hand_keep_all(anatomy):
    named, unnamed = prune_plan(anatomy, by_hand(anatomy.sizes())), prune_plan(anatomy, by_hand({}))
    for plan in (named, unnamed):
        assert plan.widths == anatomy.sizes()
        assert all(np.array_equal(kept, np.arange(len(kept))) for kept in plan.kept.values())


@given(anatomies(), st.sampled_from([0, 41]), st.sampled_from(["g0", "stage9"]))
def test_a_width_that_cannot_be_is_refused_with_the_groups_there_are(anatomy, width, name):
    assume(name != "g0" or not 1 <= width <= anatomy.sizes()["g0"])
    with pytest.raises(KnobError, match=f"{name}:{width}") as refusal:
        prune_plan(anatomy, by_hand({name: width}))
    assert all(f"{name} {size}" in refusal.value.allowed for name, size in anatomy.sizes().items())


def test_cost_by_hand():
    """Two convolutions of 3x3 on 8x8 and a classifier, halved: every number from the definition."""
    groups = tuple(
        ChannelGroup(name=name, label=name, size=size, importance={"l2": tuple(map(float, range(size)))})
        for name, size in (("a", 4), ("b", 8))
    )
    layers = (
        Layer(name="one", into="a", out_of="", outputs=4, inputs=1, kernel=9, positions=64),
        Layer(name="two", into="b", out_of="a", outputs=8, inputs=4, kernel=9, positions=16),
        Layer(name="fc", into="", out_of="b", outputs=10, inputs=8, kernel=1, positions=1),
    )
    anatomy = Anatomy(dataset="digits", model="cnn", width=1.0, groups=groups, layers=layers)
    plan = prune_plan(anatomy, knobs(sparsity=0.5))
    assert plan.widths == {"a": 2, "b": 4}
    assert plan.kept["b"].tolist() == [4, 5, 6, 7]
    assert plan.params == (9 * 2 + 2) + (9 * 2 * 4 + 4) + (4 * 10 + 10)
    assert plan.macs == 9 * 2 * 64 + 9 * 2 * 4 * 16 + 4 * 10
