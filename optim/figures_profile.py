"""The figures of a profile: the staircase of a group, what pruning each group costs, and estimates against runs."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from . import catalog, estimate, time_words, words
from .profiles import PRECISIONS, Precision, Profile, Staircase
from .results import Interval, Share
from .stats import difference, told_apart
from .theme import ORANGE, colors, series, template

HEIGHT = 300
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")


class Stairs(NamedTuple):
    """One precision of one group; times in milliseconds."""

    precision: Precision
    widths: tuple[int, ...]
    ms: tuple[float, ...]
    minus: tuple[float, ...]
    plus: tuple[float, ...]
    edges: tuple[int, ...]


class StaircaseInfo(NamedTuple):
    title: str
    """The finding."""
    label: str
    size: int
    lines: tuple[Stairs, ...]
    width: int
    """The width the sliders ask for now."""
    alt: str


def staircase_info(profile: Profile, group: str, precision: Precision, width: int) -> StaircaseInfo:
    """Time over the width of one group, all others dense; the title speaks of this precision."""
    found = profile.group(group)
    title = staircase_finding(profile, group, precision)
    lines = tuple(_stairs(profile, found, side) for side in PRECISIONS)
    alt = f"{title}. Measured time over {words.plural(len(found.widths), 'width')} of {found.label}, all else dense."
    return StaircaseInfo(title, found.label, found.size, lines, width, alt)


def staircase_finding(profile: Profile, group: str, precision: Precision) -> str:
    """What the first step down buys, with its interval, and whether the next width buys any more.

    For example: `Stage 2 sum from 64 to 48 buys 0.11 ms (0.1 to 0.12), to 40 nothing more that shows`.
    """
    found = profile.group(group)
    times = dict(zip(found.widths, found.times(precision), strict=True))
    paying = sorted(estimate.edges(profile, group, precision), reverse=True)
    name = found.label[:1].upper() + found.label[1:]
    if len(paying) < 2:
        return f"{name}: no width below {found.size} is measurably faster as {precision.upper()}"
    first = paying[1]
    bought = {width: time_words.short_span(difference(times[found.size], times[width])) for width in paying[1:]}
    told = f"{name} from {found.size} to {first} buys {bought[first]}"
    flat = next((width for width in sorted(times, reverse=True) if width < first and width not in paying), None)
    further = [width for width in paying[2:] if flat is None or width > flat]
    if flat is not None and not further:
        return f"{told}, to {flat} nothing more that shows"
    return f"{told}, to {further[0]} {bought[further[0]]}" if further else told


def _stairs(profile: Profile, found: Staircase, side: Precision) -> Stairs:
    times = found.times(side)
    return Stairs(
        side, found.widths, tuple(t.value for t in times), tuple(t.value - t.low for t in times),
        tuple(t.high - t.value for t in times), estimate.edges(profile, found.name, side),
    )  # fmt: skip


def staircase_rows(info: StaircaseInfo) -> list[dict[str, str]]:
    """The points as a table, from wide to narrow."""
    sides = {line.precision: _told(line) for line in info.lines}
    edges = {line.precision: set(line.edges) for line in info.lines}
    return [
        {
            "width": str(width),
            **{p.upper(): sides[p][width] for p in sides},
            "pays as": ", ".join(p.upper() for p in sides if width in edges[p]) or "nothing",
        }
        for width in sorted(info.lines[0].widths, reverse=True)
    ]


def _told(line: Stairs) -> dict[int, str]:
    rows = zip(line.widths, line.ms, line.minus, line.plus, strict=True)
    return {
        width: time_words.short_span(Interval(value=ms, low=ms - minus, high=ms + plus))
        for width, ms, minus, plus in rows
    }


def staircase_plot(info: StaircaseInfo, theme: str) -> go.Figure:
    """A line per precision with thin intervals; edges are filled, other widths hollow, the slider's width a line."""
    c = colors(theme)
    figure = go.Figure(layout={"template": template(theme), "height": HEIGHT})
    for line, tone, symbol in zip(info.lines, (c.front, ORANGE), ("circle", "diamond"), strict=True):
        fills = [tone if width in line.edges else c.background for width in line.widths]
        figure.add_scatter(
            x=line.widths, y=line.ms, name=f"{line.precision.upper()}, filled where it pays", mode="lines+markers",
            line={"width": 1.6, "color": tone, "dash": "solid" if line.precision == "fp32" else "dot"},
            marker={"symbol": symbol, "size": 9, "color": fills, "line": {"width": 1.6, "color": tone}},
            error_y={"array": line.plus, "arrayminus": line.minus, "thickness": 1, "width": 0, "color": tone},
        )  # fmt: skip
    if info.width != info.size:
        figure.add_vline(x=info.width, line={"width": 1, "dash": "dash", "color": c.muted})
    figure.update_xaxes(title={"text": f"width of {info.label}"}, rangemode="tozero")
    figure.update_yaxes(title={"text": "ms per call"}, rangemode="tozero")
    return figure


class Curve(NamedTuple):
    label: str
    kept: tuple[float, ...]
    """Percent of the group's channels."""
    accuracy: tuple[float, ...]
    """Percent."""
    minus: tuple[float, ...]
    """Down to the lower end of the interval, in points."""
    plus: tuple[float, ...]
    widths: tuple[int, ...]


class SensitivityInfo(NamedTuple):
    title: str
    curves: tuple[Curve, ...]
    dense: float
    n: int
    metric: str
    alt: str


def sensitivity_info(profile: Profile, importance: str) -> SensitivityInfo:
    """The score right after pruning one group, by the share of its channels that stays."""
    curves = []
    for group in profile.groups:
        found = group.sensitivity[importance]
        kept = tuple(100 * width / group.size for width in found.widths)
        right = tuple(100 * share.value for share in found.accuracy)
        minus = tuple(100 * (share.value - share.low) for share in found.accuracy)
        plus = tuple(100 * (share.high - share.value) for share in found.accuracy)
        curves.append(Curve(group.label, kept, right, minus, plus, found.widths))
    dense, data = profile.dense_accuracy, catalog.dataset(profile.dataset)
    label = data.goodness.label
    title = f"{_sensitive(profile, importance)}, before anything is trained again"
    alt = f"{title}. Validation {label} on {data.count(dense.n)} after pruning one group, with 95 % intervals."
    return SensitivityInfo(title, tuple(curves), 100 * dense.value, dense.n, label, alt)


def _sensitive(profile: Profile, importance: str) -> str:
    """Which group's half is dearest, and which one's is cheapest, as far as the intervals tell them apart."""
    dense, data = profile.dense_accuracy, catalog.dataset(profile.dataset)
    halves = {group.label: _halved(group, importance) for group in profile.groups}
    worst, best = (pick(halves, key=lambda name: halves[name].value) for pick in (min, max))
    if not told_apart(halves[worst], dense):
        return f"Half of any one group costs nothing measurable on {data.count(dense.n)}"
    dear = f"Half of {worst} costs {_points(difference(dense, halves[worst]))}"
    if len(halves) == 1:
        return dear
    if not told_apart(halves[best], halves[worst]):
        return f"{dear}; on {data.count(dense.n)} the groups are not told apart"
    if not told_apart(halves[best], dense):
        return f"{dear}, half of {best} nothing measurable"
    return f"{dear}, half of {best} only {_points(difference(dense, halves[best]))}"


def _halved(group: Staircase, importance: str) -> Share:
    found = group.sensitivity[importance]
    near = min(range(len(found.widths)), key=lambda number: abs(found.widths[number] / group.size - 0.5))
    return found.accuracy[near]


def _points(loss: Interval) -> str:
    percents = Interval(value=100 * loss.value, low=100 * loss.low, high=100 * loss.high)
    return f"{words.points(loss.value)} ({words.between(percents)})"


def sensitivity_rows(info: SensitivityInfo) -> list[dict[str, str]]:
    """One row per group and width, from wide to narrow, with intervals."""
    return [
        {
            "group": c.label,
            "width": str(width),
            info.metric: f"{right:.1f} % ({right - down:.1f} to {right + up:.1f})",
        }
        for c in info.curves
        for width, right, down, up in sorted(zip(c.widths, c.accuracy, c.minus, c.plus, strict=True), reverse=True)
    ]


def sensitivity_plot(info: SensitivityInfo, theme: str) -> go.Figure:
    """A curve per group; dash and shape tell them apart beside colour."""
    c = colors(theme)
    lines = [
        go.Scatter(
            x=curve.kept, y=curve.accuracy, name=curve.label, mode="lines+markers",
            line={"width": 1.6, "color": series(theme, i), "dash": DASHES[i % len(DASHES)]},
            marker={"size": 7, "symbol": SYMBOLS[i % len(SYMBOLS)]},
            error_y={"array": curve.plus, "arrayminus": curve.minus, "thickness": 1, "width": 0},
        )
        for i, curve in enumerate(info.curves)
    ]  # fmt: skip
    layout = {
        "template": template(theme),
        "height": HEIGHT + 60,
        "xaxis": {"title": {"text": "width that stays, %"}, "range": [0, 103]},
        "yaxis": {"title": {"text": f"validation {info.metric}, %"}},
        "margin": {"l": 58, "r": 8, "t": 28, "b": 48},
    }
    figure = go.Figure(lines, layout)
    figure.add_hline(y=info.dense, line={"width": 1, "dash": "dot", "color": c.muted})
    return figure
