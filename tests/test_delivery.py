"""Promise against delivery: the factors' product is the measured ratio, whatever the profiles say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim import delivery, figures_compare
from optim.operators import Operator, Operators
from optim.results import Interval
from tests import factories

times = st.floats(0.01, 1e4)
channels = st.integers(1, 64)


@st.composite
def operators_(draw, names=("stem", "a", "b", "head")):
    found = [
        Operator(name=name, kind="Conv", role="arithmetic", us=draw(times), macs=draw(st.integers(1, 10**7)),
                 inputs=draw(channels), outputs=draw(channels))
        for name in draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    ]  # fmt: skip
    for role, kind in (("memory", "Add"), ("conversion", "QuantizeLinear")):
        found += [Operator(name=kind, kind=kind, role=role, us=draw(times)) for _ in range(draw(st.integers(0, 2)))]
    return Operators(file_sha256="0", fingerprint_id="f", calls=10, call_us=draw(times), operators=tuple(found),
                     empty_us=draw(st.none() | times))  # fmt: skip


@given(operators_(), operators_(), st.integers(1, 10**8), st.integers(1, 10**8), st.floats(0.01, 100), st.booleans())
def test_the_product_of_the_factors_is_the_measured_ratio(run, reference, macs, reference_macs, measured, int8):
    found = delivery.delivery(
        run, reference, macs=macs, reference_macs=reference_macs, measured=exact(measured), int8=int8
    )
    product = math.prod(factor.value for factor in found.factors)
    assert math.isclose(product, measured, rel_tol=1e-9)
    assert found.promise == reference_macs / macs
    assert all(factor.value > 0 for factor in found.factors)


def exact(ratio):
    return Interval(value=ratio, low=ratio, high=ratio)


def profile(*rows, call_us=0.0):
    found = [
        Operator(name=name, kind=kind, role=role, us=us, macs=macs, inputs=width, outputs=width)
        for name, kind, role, us, macs, width in rows
    ]
    rest = call_us - sum(one.us for one in found)
    return Operators(file_sha256="0", fingerprint_id="f", calls=9, call_us=call_us, operators=tuple(found),
                     empty_us=rest if rest > 0 else None)  # fmt: skip


DENSE = profile(("a", "Conv", "arithmetic", 100.0, 1000, 64), call_us=110)


def factors(run, measured=1.0, reference=DENSE, macs=250, **more):
    found = delivery.delivery(run, reference, macs=macs, reference_macs=1000, measured=exact(measured), **more)
    return {factor.name: round(factor.value, 3) for factor in found.factors}


def test_a_file_against_itself_loses_nothing():
    assert set(factors(DENSE, macs=1000).values()) == {1.0}


def test_an_odd_width_is_blamed_for_what_its_layer_lost():
    odd = factors(profile(("a", "Conv", "arithmetic", 50.0, 250, 30), call_us=60), 110 / 60)
    even = factors(profile(("a", "Conv", "arithmetic", 50.0, 250, 32), call_us=60), 110 / 60)
    assert odd["Odd widths"] == 0.5 and odd["Narrower layers"] == 1
    assert even["Odd widths"] == 1 and even["Narrower layers"] == 0.5


def test_each_loss_has_its_own_name():
    rows = [("a", "Conv", "arithmetic", 25.0, 250, 32)]
    memory = factors(profile(*rows, ("m", "MaxPool", "memory", 25.0, 0, 0), call_us=50))
    assert memory["Memory-bound operators"] == 0.5
    converted = factors(profile(*rows, ("q", "QuantizeLinear", "conversion", 25.0, 0, 0), call_us=50), int8=True)
    assert converted["Conversions"] == 0.5 and "8-bit arithmetic" in converted
    slow_call = factors(profile(*rows, call_us=55))
    assert slow_call["Overhead per call"] == 0.5


def told_by(low, high, **more):
    run = profile(("a", "Conv", "arithmetic", 50.0, 250, 30), call_us=60)
    measured = Interval(value=110 / 60, low=low, high=high)
    return delivery.delivery(run, DENSE, macs=250, reference_macs=1000, measured=measured, **more)


def test_the_sentence_names_the_worst():
    worst = "The most was lost to: odd widths (x0.5)."
    assert (
        delivery.sentence(told_by(1.8, 1.9)) == f"4.0x less arithmetic became 1.83x less time (1.80 to 1.90). {worst}"
    )
    times = [factories.a_latency(ms).with_(low_ms=0.98 * ms, high_ms=1.02 * ms) for ms in (0.06, 0.11)]
    ms = delivery.milliseconds(*times)
    assert ms == "0.06 ms (0.0588 to 0.0612) instead of 0.11 ms (0.108 to 0.112)"
    assert f"less time (1.80 to 1.90): {ms}. {worst}" in delivery.sentence(told_by(1.8, 1.9, ms=ms))
    assert delivery.milliseconds(times[0], None) == ""
    slower = delivery.delivery(DENSE, DENSE, macs=1000, reference_macs=1000, measured=exact(0.5))
    assert "became 2.0x more time." in delivery.sentence(slower)


def test_the_measured_interval_stands_at_the_last_factor_and_in_the_picture():
    found = told_by(1.75, 1.92)
    *causes, last = found.factors
    assert all(one.interval is None for one in causes), "turns were not kept"
    assert (last.name, last.told) == ("Not explained", "x1 (0.955 to 1.05)")
    line = figures_compare.delivery_info({"run 5": found}).lines[0]
    assert (line.low[-1], line.high[-1]) == (1.75, 1.92)
    assert line.low[:-1] == line.high[:-1] == line.ys[:-1]


def turned(profile, spread):
    """The same profile with its times in six turns, each off by chance."""
    random = np.random.default_rng(3)
    off = np.exp(spread * random.standard_normal((len(profile.operators) + 1, 6)))
    many = tuple(one.with_(turns_us=tuple(one.us * off[place])) for place, one in enumerate(profile.operators))
    empty = tuple(profile.empty_us * off[-1])
    return profile.with_(operators=many, turns_us=tuple(profile.call_us * off[-1]), empty_turns_us=empty)


RUN = profile(("a", "Conv", "arithmetic", 50.0, 250, 30), ("m", "MaxPool", "memory", 10.0, 0, 0), call_us=70)


@pytest.mark.parametrize("spread", [0.0, 0.02])
def test_each_cause_has_an_interval_over_the_turns(spread):
    found = delivery.delivery(
        turned(RUN, spread), turned(DENSE, spread), macs=250, reference_macs=1000, measured=exact(1.5)
    )
    promise, *causes, _ = found.factors
    assert promise.interval is None, "arithmetic is counted, not measured"
    assert all(one.interval.low <= one.value <= one.interval.high for one in causes)
    widths = [one.interval.high / one.interval.low for one in causes]
    assert max(widths) > (1.08 if spread else 1.01), "whole microseconds and other sessions are in them"
    assert [one.value for one in causes] == [one.value for one in unturned().factors[1:-1]]


def unturned():
    return delivery.delivery(RUN, DENSE, macs=250, reference_macs=1000, measured=exact(1.5))


def test_what_is_not_explained_is_as_unsure_as_both_measurements():
    sure, plain = turned(RUN, 0.0), unturned().factors[-1].interval
    shaky = [
        delivery.delivery(turned(RUN, s), turned(DENSE, s), macs=250, reference_macs=1000, measured=exact(1.5))
        for s in (0.0, 0.05)
    ]
    low, high = (one.factors[-1].interval for one in shaky)
    assert sure.turns() == 6 and plain.low == plain.high
    assert low.high / low.low > 1.02 and high.high / high.low > 1.05 * low.high / low.low


def test_a_profile_without_turns_is_read_as_ever():
    assert Operators.from_json(RUN.to_json()).turns() == 0


def test_the_overhead_is_told_from_an_empty_call_or_not_at_all():
    def overhead(run, reference=DENSE, **more):
        found = delivery.delivery(run, reference, macs=250, reference_macs=1000, measured=exact(1.5), **more)
        return next(one for one in found.factors if one.name == delivery.OVERHEAD), found

    told, _ = overhead(RUN)
    assert told.known and told.why == "10 µs of each call is in no operator; a call of an empty graph takes 10 µs."
    older = RUN.with_(empty_us=None)
    for run, reference in ((older, DENSE), (RUN, DENSE.with_(empty_us=None))):
        told, found = overhead(run, reference)
        assert (told.told, told.value) == ("not known", 1) and "No empty call was timed" in told.why
        assert math.prod(one.value for one in found.factors) == pytest.approx(1.5)
    shaky = RUN.with_(empty_turns_us=(0.1, 40.0, 0.1))
    assert overhead(shaky)[0].told == "not known" and "too little" in overhead(shaky)[0].why


def test_the_cost_of_the_profiler_is_no_overhead_and_needs_no_second_timing():
    """Each of twelve operators is charged 2 us: more together than the call takes."""
    rows = [(f"c{at}", "Conv", "arithmetic", 3.0, 100, 32) for at in range(12)]
    run = profile(*rows, call_us=15.0).with_(empty_us=3.0)
    found = delivery.delivery(run, DENSE, macs=250, reference_macs=1000, measured=exact(110 / 15))
    overhead, left = found.factors[-2:]
    assert overhead.value == pytest.approx((110 / 15) / (100 / 12)) and left.value == pytest.approx(1)
    assert "time both files again" not in delivery.sentence(found)
