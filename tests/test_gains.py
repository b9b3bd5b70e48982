"""The report of what pruning bought: told by runs that made one, absent in all others, and kept with the run."""

import math

import numpy as np
import pytest

from optim import gains, knapsack
from optim.cache import read_network, write_network
from optim.cli_text import run_text
from optim.knapsack import Bought, Speed
from optim.results import Group, Result
from optim.store import Store
from optim.techniques.fine_tune import fine_tune
from optim.techniques.prune_channels import prune_channels
from tests import factories
from tests.heavy import a_context, a_network

GROUPS = (
    Group(name="a", label="the stem", before=16, after=8, bought_ms=0.01, importance_lost=0.02),
    Group(name="b", label="stage 2", before=32, after=16, bought_ms=0.05, importance_lost=0.1),
    Group(name="c", label="stage 3", before=64, after=64),
)


def test_what_bought_most_stands_first_and_what_stayed_is_left_out():
    assert [row["group"] for row in gains.rows(GROUPS)] == ["stage 2", "the stem"]
    assert gains.rows(GROUPS)[0]["width"] == "32 to 16"
    assert gains.rows(GROUPS)[0]["time bought, estimated"] == "about 0.05 ms"
    assert "an estimate and not measured" in gains.MEANING
    assert gains.rows(GROUPS[2:]) == []


def test_the_time_it_bought_has_a_band_where_the_estimates_have_one():
    banded = GROUPS[1].with_(bought_half_ms=0.02)
    assert gains.rows((banded,))[0]["time bought, estimated"] == "about 0.05 ms (0.03 to 0.07)"
    wide = gains.rows((banded.with_(bought_half_ms=0.2),))[0]["time bought, estimated"]
    assert wide == "about 0.05 ms (−0.15 to 0.25)"
    assert Group.from_json(banded.to_json()) == banded


def test_what_bought_nothing_is_told_as_a_cost_inside_its_band():
    lost = GROUPS[1].with_(bought_ms=-0.02)
    assert gains.rows((lost,))[0]["time bought, estimated"] == "costs about 0.02 ms"
    banded = gains.rows((lost.with_(bought_half_ms=0.05),))[0]["time bought, estimated"]
    assert banded == "costs about 0.02 ms (−0.03 to 0.07)"


def test_the_band_follows_those_of_both_estimates():
    scores = {"a": np.ones(8), "b": np.ones(8)}

    def time_ms(widths):
        return float(widths["a"] + widths["b"])

    plain = Speed({}, time_ms, 16.0)
    assert knapsack.bought(scores, plain, {"a": 4, "b": 8})["a"] == Bought(ms=4.0, lost=0.25)
    banded = plain._replace(half=lambda widths: 0.1)
    gain = knapsack.bought(scores, banded, {"a": 4, "b": 8})["a"]
    assert gain.half_ms == pytest.approx(math.hypot(1.6, 1.2)), "a tenth of 16 ms and of 12 ms"


def test_a_result_of_an_earlier_version_makes_no_report():
    result = factories.a_result(0.9, 0.1, 1000, "fp32")
    assert gains.rows(Result.from_json(result.to_json()).groups) == []


def test_the_command_line_tells_it(home):
    run = factories.done(1, "prune-channels", accuracy=0.9, p50_ms=0.1, kb=100)
    told = run_text(run.with_(result=run.result.with_(groups=GROUPS)), Store(home))
    assert "bought      stage 2, 32 to 16: about 0.05 ms (estimated, not measured), for 10.0 % of importance" in told


def test_the_report_outlives_training_and_the_cache(home):
    """A fake staircase of one step per four channels."""
    ctx = a_context(home)
    network = a_network(ctx, "cnn", 0.5)
    edges = {name: tuple(range(4, size, 4)) for name, size in network.widths.items() if name.startswith("stage")}

    def time_ms(widths):
        return 0.01 + sum(-(-width // 4) for name, width in widths.items())

    ctx.speed = Speed(edges, time_ms, time_ms({name: network.widths[name] for name in network.labels}))
    pruned = prune_channels(network, ctx, allocation="latency", latency_target=0.5, importance="taylor")
    assert time_ms({name: pruned.widths[name] for name in pruned.labels}) <= 0.5 * ctx.speed.dense_ms
    assert pruned.bought and all(gain.ms > 0 for gain in pruned.bought.values())
    trained = fine_tune(pruned, ctx, epochs=2, learning_rate=0.05)
    home.mkdir(parents=True, exist_ok=True)
    write_network(home, trained)
    assert read_network(home, network).bought == pruned.bought
    assert all(type(gain) is Bought for gain in read_network(home, network).bought.values())
