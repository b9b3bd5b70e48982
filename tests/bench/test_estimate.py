"""What `bench estimate` reports: errors, how many plans lie in the band, and how long an estimate takes."""

from __future__ import annotations

from optim.bench import estimate as bench
from optim.bench import estimate_speed
from optim.bench.estimate import Pair
from optim.results import Interval
from tests import profile_factory
from tests.profile_factory import HALF


def pair(measured_ms, valid=True, precision="fp32"):
    return Pair(HALF, precision, Interval(value=0.2, low=0.18, high=0.22), measured_ms, valid)


def test_the_share_within_the_band_has_its_interval_and_counts_valid_plans_only():
    pairs = [pair(0.2), pair(0.21), pair(0.19), pair(0.3), pair(0.9, valid=False), pair(0.2, precision="int8")]
    told = bench._payload(pairs, [(Interval(value=0.9, low=0.88, high=0.92), 0.95)])
    assert (told["in_band"]["value"], told["in_band"]["n"]) == (0.8, 5)
    assert told["in_band"]["low"] < 0.8 < told["in_band"]["high"]
    assert told["in_band_by_precision"]["fp32"]["value"] == 0.75
    assert told["in_band_by_precision"]["int8"]["n"] == 1
    assert told["accuracy_in_band"]["value"] == 0.0
    assert (told["pairs"][0]["low_ms"], told["pairs"][0]["high_ms"]) == (0.18, 0.22)


def test_a_precision_without_a_valid_time_says_so():
    told = bench._payload([pair(0.2), pair(0.2, valid=False, precision="int8")], [(pair(0.2).estimated, 0.2)])
    assert told["in_band_by_precision"]["int8"] is None
    assert told["latency_error_by_precision"]["int8"] is None


def test_a_first_and_a_warm_estimate_are_timed():
    told = estimate_speed.speed(profile_factory.a_profile(), starts=2)
    assert told["first_ms"]["n"] == 2
    assert told["warm_ms"]["n"] == 2 * estimate_speed.FOLLOWING
    assert told["warm_ms"]["value"] < told["first_ms"]["value"] <= told["slowest_first_ms"]
