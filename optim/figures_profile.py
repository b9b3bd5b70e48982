"""The figures of a profile: the staircase of a group, what pruning each group costs, and estimates against runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from . import estimate, words
from .profiles import PRECISIONS, Precision, Profile, Staircase
from .theme import CATEGORIES, ORANGE, colors, template

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
    """What the first step down buys, and whether the next width buys any more.

    For example: `Stage 2 sum from 64 to 48 channels buys 0.11 ms, to 40 nothing more`.
    """
    found = profile.group(group)
    times = {width: one.value for width, one in zip(found.widths, found.times(precision), strict=True)}
    paying = sorted(estimate.edges(profile, group, precision), reverse=True)
    name = found.label[:1].upper() + found.label[1:]
    if len(paying) < 2:
        return f"{name}: no width below {found.size} channels buys any time as {precision.upper()}"
    first = paying[1]
    bought = words.ms(times[found.size] - times[first])
    told = f"{name} from {found.size} to {first} channels buys {bought}"
    flat = next((width for width in sorted(times, reverse=True) if width < first and width not in paying), None)
    further = [width for width in paying[2:] if flat is None or width > flat]
    if flat is not None and not further:
        return f"{told}, to {flat} nothing more"
    return f"{told}, to {further[0]} {words.ms(times[found.size] - times[further[0]])}" if further else told


def _stairs(profile: Profile, found: Staircase, side: Precision) -> Stairs:
    times = found.times(side)
    return Stairs(
        side, found.widths, tuple(t.value for t in times), tuple(t.value - t.low for t in times),
        tuple(t.high - t.value for t in times), estimate.edges(profile, found.name, side),
    )  # fmt: skip


def staircase_rows(info: StaircaseInfo) -> list[dict[str, str]]:
    """The points as a table, from wide to narrow."""
    sides = {line.precision: dict(zip(line.widths, line.ms, strict=True)) for line in info.lines}
    edges = {line.precision: set(line.edges) for line in info.lines}
    return [
        {
            "channels": str(width),
            **{p.upper(): words.ms(sides[p][width]) for p in sides},
            "pays as": ", ".join(p.upper() for p in sides if width in edges[p]) or "nothing",
        }
        for width in sorted(info.lines[0].widths, reverse=True)
    ]


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
    figure.update_xaxes(title={"text": f"channels of {info.label}"}, rangemode="tozero")
    figure.update_yaxes(title={"text": "ms per call"}, rangemode="tozero")
    return figure


class Curve(NamedTuple):
    label: str
    kept: tuple[float, ...]
    """Percent of the group's channels."""
    accuracy: tuple[float, ...]
    """Percent."""
    widths: tuple[int, ...]


class SensitivityInfo(NamedTuple):
    title: str
    curves: tuple[Curve, ...]
    dense: float
    n: int
    alt: str


def sensitivity_info(profile: Profile, importance: str) -> SensitivityInfo:
    """Accuracy right after pruning one group, by the share of its channels that stays."""
    curves = []
    for group in profile.groups:
        found = group.sensitivity[importance]
        kept = tuple(100 * width / group.size for width in found.widths)
        right = tuple(100 * share.value for share in found.accuracy)
        curves.append(Curve(group.label, kept, right, found.widths))
    dense = 100 * profile.dense_accuracy.value
    title, n = _sensitive(curves, dense), profile.dense_accuracy.n
    alt = f"{title}. Validation accuracy on {n:,} images after pruning one group, nothing trained."
    return SensitivityInfo(title, tuple(curves), dense, n, alt)


def _sensitive(curves: Sequence[Curve], dense: float) -> str:
    """Which group's half is dearest, and which one's is cheapest."""
    halves = {c.label: dense - _halved(c) for c in curves}
    worst, best = max(halves, key=halves.__getitem__), min(halves, key=halves.__getitem__)
    if worst == best:
        return f"Half of {worst} costs {words.points(halves[worst] / 100)}, before anything is trained again"
    dear, cheap = (words.points(max(halves[name], 0) / 100) for name in (worst, best))
    return f"Half of {worst} costs {dear}, half of {best} only {cheap}, before anything is trained again"


def _halved(curve: Curve) -> float:
    return min(zip(curve.kept, curve.accuracy, strict=True), key=lambda point: abs(point[0] - 50))[1]


def sensitivity_rows(info: SensitivityInfo) -> list[dict[str, str]]:
    """One row per group and width, from wide to narrow."""
    return [
        {"group": c.label, "channels": str(width), "accuracy": f"{right:.1f} %"}
        for c in info.curves
        for width, right in sorted(zip(c.widths, c.accuracy, strict=True), reverse=True)
    ]


def sensitivity_plot(info: SensitivityInfo, theme: str) -> go.Figure:
    """A curve per group; dash and shape tell them apart beside colour."""
    c = colors(theme)
    lines = [
        go.Scatter(
            x=curve.kept, y=curve.accuracy, name=curve.label, mode="lines+markers",
            line={"width": 1.6, "color": CATEGORIES[i % len(CATEGORIES)], "dash": DASHES[i % len(DASHES)]},
            marker={"size": 7, "symbol": SYMBOLS[i % len(SYMBOLS)]},
        )
        for i, curve in enumerate(info.curves)
    ]  # fmt: skip
    layout = {
        "template": template(theme),
        "height": HEIGHT + 60,
        "xaxis": {"title": {"text": "channels that stay, %"}, "range": [0, 103]},
        "yaxis": {"title": {"text": "validation accuracy, %"}},
        "margin": {"l": 58, "r": 8, "t": 28, "b": 48},
    }
    figure = go.Figure(lines, layout)
    figure.add_hline(y=info.dense, line={"width": 1, "dash": "dot", "color": c.muted})
    return figure
