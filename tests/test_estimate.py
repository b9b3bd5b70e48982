"""Laws of the estimates, on a profile whose times follow a known staircase."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optim import catalog, estimate, estimate_accuracy, estimates, figures_estimate, profile_plans
from optim.errors import RequestError
from optim.estimate_accuracy import Recovered
from optim.linear import nonnegative
from optim.profiles import PRECISIONS, RECOVERY_ITEMS, Profile
from optim.records import State
from optim.results import Group, Interval
from tests import factories, profile_factory
from tests.profile_factory import HALF, SIZES, law_accuracy, law_ms

PROFILE = profile_factory.a_profile()
WIDTHS = st.fixed_dictionaries({name: st.integers(1, size) for name, size in SIZES.items()})


def test_a_profile_survives_json():
    assert Profile.from_json(PROFILE.to_json()) == PROFILE


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_dense_estimate_is_the_measured_time_within_its_band(precision):
    band = estimate.latency_ms(PROFILE, {}, precision)
    assert band.low <= PROFILE.dense_ms(precision).value <= band.high
    assert band.value == pytest.approx(PROFILE.dense_ms(precision).value, rel=0.02)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_plans_that_were_never_timed_are_estimated_well(precision):
    plans = profile_plans.random_plans(SIZES, 40, seed=99)
    errors = [abs(estimate.latency_ms(PROFILE, plan, precision).value / law_ms(plan, precision) - 1) for plan in plans]
    assert np.median(errors) <= 0.08


@settings(max_examples=30, deadline=None)
@given(widths=WIDTHS)
def test_a_band_holds_its_value_and_is_positive(widths):
    band = estimate.latency_ms(PROFILE, widths, "fp32")
    assert 0 < band.low < band.value < band.high


@settings(max_examples=30, deadline=None)
@given(widths=WIDTHS, name=st.sampled_from(sorted(SIZES)))
def test_more_channels_never_lower_the_parameters(widths, name):
    wider = {**widths, name: min(widths[name] + 1, SIZES[name])}
    assert profile_factory.params(wider) >= profile_factory.params(widths)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", sorted(SIZES))
def test_an_edge_is_faster_than_every_wider_width(name, precision):
    group = PROFILE.group(name)
    times = dict(zip(group.widths, group.times(precision), strict=True))
    edges = estimate.edges(PROFILE, name, precision)
    assert group.size in edges
    assert all(times[edge].high < times[w].low for edge in edges for w in times if w > edge)
    assert all(edge % 8 == 0 for edge in edges), "the law's steps are 8 wide"


def test_a_width_that_is_not_faster_is_never_an_edge():
    group = PROFILE.group("s2.sum")
    flat = tuple(Interval(value=1, low=0.99, high=1.01) for _ in group.widths)
    same = PROFILE.with_(groups=tuple(g.with_(fp32_ms=flat) if g is group else g for g in PROFILE.groups))
    assert estimate.edges(same, "s2.sum", "fp32") == (64,)


def test_an_allocator_gets_edges_times_and_the_dense_time():
    speed = estimate.speed_of(PROFILE, "fp32")
    plans = [SIZES, {**SIZES, "s1.sum": 8}, {"s1.sum": 8}]
    assert set(speed.edges) == set(SIZES)
    assert speed.time_ms(SIZES) == pytest.approx(speed.dense_ms, rel=0.02)
    assert speed.time_ms(plans[1]) < speed.dense_ms
    assert speed.many_ms(plans) == pytest.approx([speed.time_ms(one) for one in plans])
    assert speed.time_ms(plans[1]) == pytest.approx(speed.time_ms(plans[2])), "groups left out are dense"


def test_an_allocator_s_target_means_the_dense_fp32_file_at_any_precision():
    assert estimate.speed_of(PROFILE, "int8").dense_ms == PROFILE.dense_fp32_ms.value
    assert estimate.speed_of(PROFILE, "int8").time_ms(SIZES) < 0.8 * PROFILE.dense_fp32_ms.value


def test_the_same_profile_gives_the_same_speed_and_one_timed_anew_another():
    speed = estimate.speed_of(PROFILE, "fp32")
    assert estimate.speed_of(PROFILE.with_(), "fp32") is speed
    scored = estimate.speed_of(PROFILE.with_(made_at=PROFILE.made_at + 1), "fp32")
    assert scored.digest == speed.digest != estimate.speed_of(PROFILE, "int8").digest
    slower = PROFILE.with_(dense_fp32_ms=Interval(value=9, low=8, high=10))
    assert estimate.speed_of(slower, "fp32").digest != speed.digest


def test_least_squares_without_negative_coefficients_matches_scipy():
    from scipy.optimize import nnls

    random = np.random.default_rng(3)
    matrix, target = random.normal(size=(40, 12)), random.normal(size=40)
    assert nonnegative(matrix, target) == pytest.approx(nnls(matrix, target)[0], abs=1e-8)


def test_the_accuracy_of_a_measured_width_is_found_again():
    plan = {**SIZES, "s2.sum": 32}
    band = estimate.accuracy(PROFILE, plan)
    assert band.low <= law_accuracy(plan) <= band.high
    assert estimate.accuracy(PROFILE, {}).value == PROFILE.whole_accuracy.value


def test_losses_of_several_groups_add_up():
    assert estimate.accuracy(PROFILE, HALF).value == pytest.approx(law_accuracy(HALF), abs=0.02)


def test_recovery_gives_back_most_and_own_runs_scale_it():
    alone = estimate_accuracy.recovered(PROFILE, HALF)
    assert estimate.accuracy(PROFILE, HALF).value < alone.value < PROFILE.whole_accuracy.value
    taught = estimate_accuracy.recovered(PROFILE, HALF, [Recovered(HALF, 0.7)] * 10)
    assert taught.value < alone.value
    assert estimate_accuracy.recovered(PROFILE, {}).value == pytest.approx(0.9)


MOMENT = RECOVERY_ITEMS
WHOLE = PROFILE.whole_accuracy.value


def after(items, own=()):
    return estimate_accuracy.recovered(PROFILE, HALF, own, items=items)


def test_longer_training_leaves_less_to_lose():
    """From the profile's moment on by a power of the items; nobody is promised more than the dense network has."""
    values = [after(items).value for items in (0, MOMENT, 3 * MOMENT, 12 * MOMENT, 160 * MOMENT)]
    assert values[0] == values[1] and sorted(values) == values and values[-1] < WHOLE
    left = (WHOLE - values[3]) / (WHOLE - values[1])
    assert left == pytest.approx(12**-estimate_accuracy.LONGER)


@pytest.mark.parametrize("power", [0.3, 0.6, 0.9])
def test_the_band_holds_what_learns_slower_and_what_learns_faster(power):
    band = after(12 * MOMENT)
    found = WHOLE - (WHOLE - after(MOMENT).value) * 12**-power
    assert band.low <= found <= band.high


def test_own_runs_count_by_how_long_they_were_trained():
    soon, found = WHOLE - after(MOMENT).value, WHOLE - after(12 * MOMENT).value
    as_told = Recovered(HALF, WHOLE - found, 12 * MOMENT)
    assert after(12 * MOMENT, [as_told]).value == pytest.approx(WHOLE - found)
    assert after(MOMENT, [as_told]).value == pytest.approx(WHOLE - soon), "a longer run is not taken for a short one"
    assert after(12 * MOMENT, [as_told] * 9).low > after(12 * MOMENT).low, "the more runs, the surer"


def test_a_recipe_tells_how_many_items_it_trains_on():
    recipe = factories.a_recipe("prune-channels:sparsity=0.5", "fine-tune:epochs=2", "distill:epochs=3")
    assert estimates._items(recipe) == 5 * catalog.dataset(recipe.dataset).sizes["train"]
    assert estimates._items(factories.a_recipe("prune-channels:sparsity=0.5")) == 0


def groups(widths):
    return tuple(Group(name=n, label=n, before=size, after=widths[n]) for n, size in SIZES.items())


def a_run(number, widths, ms, accuracy, *steps):
    run = factories.done(number, *steps, accuracy=accuracy, p50_ms=ms, kb=100)
    result = run.result.with_(groups=groups(widths), fingerprint=PROFILE.fingerprint)
    return run.with_(result=result, state=State.DONE)


def test_own_runs_are_compared_with_their_estimates():
    runs = [a_run(1, HALF, 1.1 * law_ms(HALF, "fp32"), 0.89, "prune-channels:sparsity=0.5", "distill:epochs=3")]
    (told,) = estimates.outcomes(PROFILE, runs)
    assert told.error == pytest.approx(1 / 1.1 - 1, abs=0.05)
    assert "1 measured run" in estimates.error_line([told])


def test_runs_of_another_machine_take_no_part():
    run = a_run(1, HALF, 1.0, 0.89, "prune-channels", "distill")
    elsewhere = PROFILE.fingerprint.with_(processor="another")
    assert not estimates.outcomes(PROFILE, [run.with_(result=run.result.with_(fingerprint=elsewhere))])


def test_an_importance_that_was_not_profiled_has_no_accuracy():
    recipe = factories.a_recipe("prune-channels:sparsity=0.5,importance=random", "distill")
    assert estimates.of_recipe(PROFILE, recipe, groups(HALF)).accuracy is None


def place(*steps, measured=()):
    recipe = factories.a_recipe(*(steps or ("prune-channels:sparsity=0.5", "distill:epochs=3")))
    guess = estimates.of_recipe(PROFILE, recipe, groups(HALF))
    run = estimates.measured(PROFILE, recipe, measured)
    return figures_estimate.place_info(PROFILE, guess, run), guess, run


def test_an_estimate_is_a_hollow_dot_with_its_band_beside_the_reference():
    info, guess, _ = place()
    dense, dot = info.spots
    assert (dense.kind, dot.kind) == ("reference", "estimate")
    assert dense.ms.value == PROFILE.dense_fp32_ms.value
    assert (dot.ms, dot.percent.value) == (guess.latency_ms, pytest.approx(100 * guess.accuracy.value))
    assert "by estimate" in info.title
    drawn = figures_estimate.place_plot(info, "light").data[1]
    assert drawn.marker.symbol == "circle-open"
    assert drawn.error_x.array
    assert drawn.error_y.array
    assert figures_estimate.place_rows(info)[1]["latency"].startswith("about ")


def test_the_measured_dot_replaces_the_estimate_and_its_error_is_said():
    steps = ("prune-channels:sparsity=0.5", "distill:epochs=3")
    run = a_run(7, HALF, 1.1 * law_ms(HALF, "fp32"), 0.86, *steps)
    info, guess, found = place(*steps, measured=[run])
    assert found == run
    assert [spot.kind for spot in info.spots] == ["reference", "measured"]
    assert info.spots[1].ms.value == run.latency.p50_ms
    assert info.spots[1].percent.value == pytest.approx(86)
    assert "Run 7 measured" in info.title
    assert figures_estimate.place_plot(info, "light").data[1].marker.symbol == "circle"
    told = estimates.error_of(guess, run)
    off = abs(guess.latency_ms.value / run.latency.p50_ms - 1)
    assert f"{100 * off:.1f} % too low" in told
    assert "points too high" in told
    assert "its 95 % band" in told


def test_another_recipe_s_run_leaves_the_estimate():
    other = a_run(7, HALF, 0.2, 0.86, "prune-channels:sparsity=0.25", "distill:epochs=3")
    assert place(measured=[other])[2] is None


def test_a_run_of_another_machine_leaves_the_estimate():
    steps = ("prune-channels:sparsity=0.5", "distill:epochs=3")
    run = a_run(7, HALF, 0.2, 0.86, *steps)
    elsewhere = PROFILE.fingerprint.with_(processor="another")
    assert place(*steps, measured=[run.with_(result=run.result.with_(fingerprint=elsewhere))])[2] is None


def test_an_estimate_without_accuracy_has_no_dot():
    info, _, _ = place("prune-channels:sparsity=0.5,importance=random", "distill")
    assert [spot.kind for spot in info.spots] == ["reference"]


@pytest.mark.parametrize("technique", ["low-rank", "early-stride"])
def test_no_time_is_estimated_of_a_network_that_was_never_timed(technique):
    recipe = factories.a_recipe(technique, "prune-channels:sparsity=0.5", "distill")
    assert "The run measures it" in estimates.refused(recipe)
    with pytest.raises(RequestError, match="No estimate: the profile timed this model without"):
        estimates.of_recipe(PROFILE, recipe, groups(HALF))


@pytest.mark.parametrize("widths", [SIZES, HALF])
def test_zeros_have_a_time_and_no_score(widths):
    steps = ["prune-channels:sparsity=0.5"] * (widths is HALF)
    guess = estimates.of_recipe(PROFILE, factories.a_recipe(*steps, "prune-weights", "fine-tune"), groups(widths))
    assert (guess.accuracy, guess.untrained) == (None, None)
    assert "; what is left of accuracy, the profile cannot tell. The run measures both." in estimates.sentence(guess)
    assert guess.latency_ms == estimate.latency_ms(PROFILE, widths, "fp32")


@pytest.mark.parametrize("technique", ["low-rank", "prune-weights", "early-stride"])
def test_runs_with_steps_that_the_profile_knows_nothing_of_take_no_part(technique):
    run = a_run(1, HALF, 1.0, 0.5, technique, "prune-channels:sparsity=0.5", "distill")
    assert not estimates.fitting(PROFILE, [run])
    assert not estimates.outcomes(PROFILE, [run])
