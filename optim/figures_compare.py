"""The Compare page's figures, computed and drawn like those of `figures.py`. A run keeps its colour, dash and shape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from . import words
from .catalog_data import Dataset
from .delivery import Delivery
from .figures import log_ticks
from .figures_small import CurvesInfo
from .results import Group
from .theme import colors, series, template
from .who_pays import Paid

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "cross", "star")
HEIGHT = 330


class Line(NamedTuple):
    """One run's line: its name, and what stands at each place."""

    name: str
    place: int
    """Among the runs of the page: decides its colour, dash and shape."""
    xs: tuple
    ys: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


class LinesInfo(NamedTuple):
    lines: tuple[Line, ...]
    alt: str


def curves_info(curves: Mapping[str, CurvesInfo], metric: str) -> LinesInfo:
    """Validation score over the epochs, a line per run that was trained."""
    lines = tuple(
        Line(name, place, one.validated, one.validation)
        for place, (name, one) in enumerate(curves.items())
        if one.validated
    )
    best = max(((max(line.ys), line.name) for line in lines), default=(0.0, ""))
    if len(lines) == 1:
        return LinesInfo(lines, f"Validation {metric} over the epochs of {best[1]}; it reached {best[0]:.1f} %.")
    told = f"; {best[1]} reached most, {best[0]:.1f} %" if lines else ""
    return LinesInfo(lines, f"Validation {metric} over the epochs of {words.plural(len(lines), 'run')}{told}.")


def curves_plot(info: LinesInfo, theme: str, metric: str) -> go.Figure:
    """One line a run, told apart by colour, dash and shape."""
    traces = [
        go.Scatter(x=line.xs, y=line.ys, name=line.name, mode="lines+markers", **_look(theme, line.place, size=7))
        for line in info.lines
    ]
    axes = {"xaxis": {"title": {"text": "epoch"}}, "yaxis": {"title": {"text": f"validation {metric}, %"}}}
    return go.Figure(traces, {"template": template(theme), "height": HEIGHT, **axes})


class WidthsInfo(NamedTuple):
    labels: tuple[str, ...]
    """All layer groups of all runs, in the network's order."""
    bars: tuple[tuple[str, tuple[int | None, ...]], ...]
    """Per run its name and its widths; None where it has no such group."""
    alt: str


def widths_info(groups: Mapping[str, Sequence[Group]], dense: str) -> WidthsInfo:
    """The width of each layer group; `dense` is the name of what stood before, which is drawn first."""
    labels = tuple(dict.fromkeys(group.label for one in groups.values() for group in one))
    before = {group.label: group.before for one in groups.values() for group in one}
    bars: list[tuple[str, tuple[int | None, ...]]] = []
    if labels:
        bars.append((dense, tuple(before[label] for label in labels)))
    for name, one in groups.items():
        after = {group.label: group.after for group in one}
        bars.append((name, tuple(after.get(label) for label in labels)))
    alt = f"Width of each layer group of {words.plural(len(groups), 'run')} beside the dense model."
    return WidthsInfo(labels, tuple(bars), alt)


def widths_rows(info: WidthsInfo) -> list[dict[str, str]]:
    """The bars as a table."""
    return [
        {"group": label, **{name: "–" if values[at] is None else str(values[at]) for name, values in info.bars}}
        for at, label in enumerate(info.labels)
    ]


def widths_plot(info: WidthsInfo, theme: str) -> go.Figure:
    """Bars lie flat so that the labels can be read; the dense model is an outline."""
    c, traces = colors(theme), []
    for place, (name, values) in enumerate(info.bars):
        color = {"color": c.grid, "line": {"width": 1, "color": c.dominated}} if place == 0 else {}
        look = color or {"color": series(theme, place - 1)}
        traces.append(
            go.Bar(x=values, y=info.labels, name=name, orientation="h", marker=look, text=values,
                   textposition="outside", cliponaxis=False)
        )  # fmt: skip
    layout = {
        "template": template(theme),
        "height": 110 + 19 * len(info.labels) * len(info.bars),
        "barmode": "group",
        "bargap": 0.25,
        "xaxis": {"title": {"text": "width"}, "rangemode": "tozero"},
        "yaxis": {"autorange": "reversed", "showgrid": False},
        "margin": {"l": 10, "r": 30, "t": 28, "b": 44},
    }
    return go.Figure(traces, layout)


def classes_info(paid: Mapping[str, Sequence[Paid]], row: Dataset) -> LinesInfo:
    """Points gained or lost per class (or group of users) and run, with intervals; who pays most stands first."""
    lines = []
    for place, (name, every) in enumerate(paid.items()):
        change = {one.name: one.change for one in every}
        order = [one.name for one in next(iter(paid.values()))]
        found = [change[label] for label in order]
        values = (tuple(100 * getattr(one, side) for one in found) for side in ("value", "low", "high"))
        lines.append(Line(name, place, tuple(order), *values))
    per = "group of users" if row.ranks else "class"
    runs = words.plural(len(lines), "run")
    alt = f"Change of {row.goodness.label} per {per} of {runs} against the reference, in points."
    return LinesInfo(tuple(lines), alt)


def classes_plot(info: LinesInfo, theme: str, row: Dataset) -> go.Figure:
    """A dot with its interval for each class and run; left of the line is lost."""
    c, traces = colors(theme), []
    for line in info.lines:
        reach = zip(line.ys, line.low, line.high, strict=True)
        plus, minus = zip(*((high - value, value - low) for value, low, high in reach), strict=True)
        look = _look(theme, line.place, size=9)
        bars = {"thickness": 1.2, "width": 0, "array": plus, "arrayminus": minus}
        places = [at + 0.8 * (line.place + 0.5) / len(info.lines) - 0.4 for at in range(len(line.xs))]
        traces.append(go.Scatter(x=line.ys, y=places, name=line.name, mode="markers", error_x=bars, **look))
    labels = info.lines[0].xs if info.lines else ()
    layout = {
        "template": template(theme),
        "height": 110 + (16 + 14 * len(info.lines)) * len(labels),
        "xaxis": {
            "title": {"text": f"{row.goodness.label} gained, points"},
            "zeroline": True,
            "zerolinecolor": c.muted,
        },
        "yaxis": {"tickvals": list(range(len(labels))), "ticktext": labels, "autorange": "reversed"},
        "margin": {"l": 10, "r": 16, "t": 28, "b": 44},
    }
    return go.Figure(traces, layout)


def delivery_info(found: Mapping[str, Delivery]) -> LinesInfo:
    """The ratio after each factor, from the promise to what was measured with its interval, a line per run."""
    lines = []
    for place, (name, one) in enumerate(found.items()):
        values = [factor.value for factor in one.factors]
        reached = tuple(math.prod(values[: at + 1]) for at in range(len(values)))
        names = [factor.name if factor.name not in TOLD_ALIKE else "Width or 8 bits" for factor in one.factors]
        low, high = ((*reached, end) for end in (one.measured.low, one.measured.high))
        lines.append(Line(name, place, (*names, "Measured"), (*reached, one.measured.value), low, high))
    told = "; ".join(
        f"{name} from {words.times(one.promise)} to {words.ratio(one.measured)}" for name, one in found.items()
    )
    return LinesInfo(tuple(lines), f"How many times less, from arithmetic to measured time: {told}.")


TOLD_ALIKE = ("Narrower layers", "8-bit arithmetic")
"""Two names of one place on the axis: which one it is, the table says."""


def delivery_plot(info: LinesInfo, theme: str) -> go.Figure:
    """Steps on a log axis: a step down is time that the arithmetic had promised and that was not delivered."""
    traces = []
    for line in info.lines:
        look = _look(theme, line.place, size=8)
        look["line"] |= {"shape": "hv"}
        text = [words.times(line.ys[0]), *[""] * (len(line.ys) - 2), words.times(line.ys[-1])]
        plus, minus = line.high[-1] - line.ys[-1], line.ys[-1] - line.low[-1]
        bar = {"array": [*[0.0] * (len(line.ys) - 1), plus], "arrayminus": [*[0.0] * (len(line.ys) - 1), minus]}
        traces.append(
            go.Scatter(x=line.xs, y=line.ys, name=line.name, mode="lines+markers+text", text=text,
                       textposition="top center", cliponaxis=False, error_y={"thickness": 1.2, "width": 0, **bar},
                       **look)
        )  # fmt: skip
    ticks = log_ticks([value for line in info.lines for value in line.ys])
    axis = {"type": "log", "tickvals": ticks, "ticktext": [f"{words.three(tick)}x" for tick in ticks]}
    layout = {
        "template": template(theme),
        "height": HEIGHT + 70,
        "xaxis": {"tickangle": -30, "showgrid": False},
        "yaxis": {"title": {"text": "times less than the reference"}, **axis},
    }
    return go.Figure(traces, layout)


def _look(theme: str, place: int, *, size: int) -> dict:
    color = series(theme, place)
    at = place % len(DASHES)
    return {"line": {"width": 1.8, "color": color, "dash": DASHES[at]}, "marker": {"size": size, "color": color,
            "symbol": SYMBOLS[at]}}  # fmt: skip
