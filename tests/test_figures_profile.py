"""What the figures of a profile claim: with intervals, and never more than these tell apart."""

from __future__ import annotations

import pytest

from optim import profile_text, time_words
from optim.figures_profile import (
    sensitivity_info,
    sensitivity_plot,
    sensitivity_rows,
    staircase_finding,
    staircase_info,
    staircase_plot,
    staircase_rows,
)  # fmt: skip
from optim.results import Interval
from optim.stats import difference, wilson
from tests import profile_factory

PROFILE = profile_factory.a_profile()
NAME = "s2.sum"
N = 800


def scored(hits):
    """The profile with every group's half at these hits of 800, dense at 720."""
    dense = wilson(720, N)
    groups = []
    for group, found in zip(PROFILE.groups, hits, strict=True):
        curve = group.sensitivity["l2"]
        shares = (*(wilson(found, N) for _ in curve.widths[:-1]), dense)
        groups.append(group.with_(sensitivity={"l2": curve.with_(accuracy=shares)}))
    return PROFILE.with_(groups=tuple(groups), dense_accuracy=dense)


def flat(times):
    """The profile with these FP32 times for one group, widest last."""
    groups = tuple(g.with_(fp32_ms=tuple(times(g.widths))) if g.name == NAME else g for g in PROFILE.groups)
    return PROFILE.with_(groups=groups)


def test_what_a_step_buys_has_its_interval():
    group = PROFILE.group(NAME)
    times = dict(zip(group.widths, group.fp32_ms, strict=True))
    gap = difference(times[64], times[56])
    told = staircase_finding(PROFILE, NAME, "fp32")
    assert f"from 64 to 56 buys {time_words.short_span(gap)}" in told


def test_times_that_differ_by_microseconds_have_digits_that_tell_them_apart():
    def short(widths):
        return [Interval(value=t, low=t - 1e-4, high=t + 1e-4) for t in (0.01 + 0.0002 * w for w in widths)]

    tiny = flat(short)
    told = staircase_finding(tiny, NAME, "fp32")
    assert "from 64 to 59 buys 1 µs (0.859 to 1.14), to 56 1.6 µs (1.46 to 1.74)" in told
    assert "FP32 pays at 64 (22.8 µs), 59 (21.8 µs), 56 (21.2 µs)" in profile_text.text(tiny)
    assert staircase_rows(staircase_info(tiny, NAME, "fp32", 32))[0]["FP32"] == "22.8 µs (22.7 to 22.9)"


def test_steps_that_intervals_do_not_tell_apart_are_not_called_faster():
    noisy = flat(lambda widths: [Interval(value=1 - 0.001 * (64 - w), low=0.9, high=1.1) for w in widths])
    assert "no width below 64 is measurably faster" in staircase_finding(noisy, NAME, "fp32")


def test_staircase_table_shows_intervals():
    rows = staircase_rows(staircase_info(PROFILE, NAME, "fp32", 32))
    dense = PROFILE.dense_fp32_ms
    assert rows[0]["width"] == "64"
    assert rows[0]["FP32"] == time_words.ms_span(dense.value, dense.low, dense.high)


def test_sensitivity_curves_and_table_show_wilson_intervals():
    info = sensitivity_info(PROFILE, "l2")
    share = PROFILE.groups[0].sensitivity["l2"].accuracy[0]
    assert info.curves[0].minus[0] == pytest.approx(100 * (share.value - share.low))
    assert info.curves[0].plus[0] == pytest.approx(100 * (share.high - share.value))
    rows = sensitivity_rows(info)
    assert all(" to " in row["accuracy"] for row in rows)
    assert f"{info.n:,} images" in info.alt


def test_the_dearest_group_is_named_only_where_intervals_tell_it():
    count = len(PROFILE.groups)
    far = sensitivity_info(scored([400, *[700] * (count - 1)]), "l2").title
    assert "40.0 points (35.9 to 43.9)" in far
    assert "half of" in far
    near = sensitivity_info(scored([600, *[595] * (count - 1)]), "l2").title
    assert "not told apart" in near
    nothing = sensitivity_info(scored([719] * count), "l2").title
    assert "nothing measurable" in nothing
    assert all("before anything is trained again" in title for title in (far, near, nothing))


def test_the_plots_draw_the_intervals():
    assert all(line.error_y.array for line in sensitivity_plot(sensitivity_info(PROFILE, "l2"), "light").data)
    assert all(line.error_y.array for line in staircase_plot(staircase_info(PROFILE, NAME, "fp32", 32), "light").data)
