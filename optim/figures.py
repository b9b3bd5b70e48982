"""Compute, then draw: `x_info(records)` is a plain tuple that tests compare, `x_plot(info, theme)` a figure of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from . import figures_goal, pareto, words
from .figures_marks import NO_CONTROLS, Band, Mark, bands, control_words, mark, tied_words
from .findings import DOMINATED, FRONT, REFERENCE, TIED, UNSURE, Findings
from .theme import CATEGORIES, ORANGE, VERMILION, colors, template

ERROR_BARS_UP_TO = 150
"""With more points than this, only the front keeps its error bars: the rest would be a grey mist."""
HEIGHT = 470
BAND_PAD = 0.022
"""How far a band reaches beyond its outermost marks, as a share of the axis."""
CONTROLS_REACH = 3
"""Controls are drawn down to this many heights of the front below it."""
TICKS = (1, 1.5, 2, 3, 4, 5, 7)

CONTROL = CATEGORIES[3]


class ParetoInfo(NamedTuple):
    marks: tuple[Mark, ...]
    front_x: tuple[float, ...]
    front_y: tuple[float, ...]
    goal: float | None
    goal_text: str
    reference_text: str
    x_title: str
    log: bool
    ticks: tuple[float, ...]
    y_range: tuple[float, float]
    below: int
    """How many marks lie under the view."""
    not_valid: int
    """How many runs are kept off the plot, because their time is not valid."""
    focused: tuple[int, ...]
    alt: str
    bands: tuple[Band, ...] = ()
    """Marks in one band cannot be told apart."""
    metric: str = "accuracy"


def pareto_info(
    found: Findings, *, log: bool = True, focused: Sequence[int] = (), controls: Mapping[int, str] = NO_CONTROLS
) -> ParetoInfo:
    """What the Pareto plot shows: percent upwards, the cost's own unit to the right.

    `controls`: runs that the answer of a search had to beat, and what each is.
    """
    marks = tuple(mark(found, fact, controls) for fact in found.facts if fact.verdict != UNSURE)
    best = pareto.front([fact.point for fact in found.facts if fact.verdict != UNSURE])
    xs, ys = pareto.steps(best)
    goal = 100 * found.reference.point.accuracy - found.accept if found.reference else None
    y_range = _view(marks, goal)
    return ParetoInfo(
        marks=marks,
        front_x=tuple(x / found.cost.unit for x in xs),
        front_y=tuple(100 * y for y in ys),
        goal=goal,
        goal_text=f"{words.three(found.accept)} point{'s' * (found.accept != 1)}{found.metric.of} below",
        reference_text=found.reference.run.project.reference if found.reference else "",
        x_title=found.cost.axis + (" (log)" if log else ""),
        log=log,
        ticks=log_ticks([mark.x for mark in marks]) if log else (),
        y_range=y_range,
        below=sum(mark.y < y_range[0] for mark in marks),
        not_valid=len(found.facts) - len(marks),
        focused=tuple(focused),
        alt=f"{found.title}. {found.metric.axis} against {found.cost.axis} of {words.plural(len(marks), 'run')}, "
        f"{len(best)} of them on the front{tied_words(found)}"
        f"{control_words(marks)}.",
        bands=bands(found),
        metric=found.metric.label,
    )


def _view(marks: Sequence[Mark], goal: float | None) -> tuple[float, float]:
    """From just under the front and the goal to just above the best; far losers may lie outside."""
    kept = [mark for mark in marks if mark.verdict in (FRONT, REFERENCE, TIED)] or list(marks)
    if not kept:
        return (0.0, 100.0)
    low = min([mark.y - mark.y_minus for mark in kept] + ([goal] if goal is not None else []))
    high = max(mark.y + mark.y_plus for mark in kept)
    others = [mark.y - mark.y_minus for mark in marks if mark.y - mark.y_minus >= low - (high - low)]
    others += [m.y - m.y_minus for m in marks if m.control and m.y - m.y_minus >= low - CONTROLS_REACH * (high - low)]
    low = min([low, *others])
    pad = max(0.06 * (high - low), 0.1)
    return (max(low - pad, -1.0), min(high + pad, 101.0))


def log_ticks(values: Sequence[float]) -> tuple[float, ...]:
    """Hand-set ticks that fit the data: 0.05, 0.07, 0.1 ... Fewer where the range is wide.

    >>> log_ticks([0.06, 0.3])
    (0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4)
    """
    positive = [value for value in values if value > 0]
    if not positive:
        return ()
    low, high = min(positive), max(positive)
    steps = TICKS if high / low < 12 else (1, 2, 5) if high / low < 120 else (1,)
    every = [round(step * 10.0**power, 12) for power in range(math.floor(math.log10(low)) - 1, 10) for step in steps]
    inside = [tick for tick in every if low / 1.25 <= tick <= high * 1.4]
    return tuple(inside)


def pareto_plot(info: ParetoInfo, theme: str) -> go.Figure:
    """Accuracy over cost: front as a stepped line, shape = precision, colour = sparsity, reference as a star."""
    c = colors(theme)
    figure = go.Figure(layout={"template": template(theme), "height": HEIGHT})
    few = len(info.marks) <= ERROR_BARS_UP_TO
    _bands(figure, info, c.band)
    for verdict, name, look in (
        (DOMINATED, "dominated", {"size": 8, "color": c.dominated}),
        (TIED, "tied with it", {"size": 9, "color": c.background, "line": {"width": 1.6, "color": c.muted}}),
    ):
        marks = [m for m in info.marks if m.verdict == verdict]
        _add(figure, marks, name, look, c.dominated, bars=few)
    line = {"width": 1.8, "color": c.front}
    figure.add_scatter(x=info.front_x, y=info.front_y, mode="lines", name="front", line=line, hoverinfo="skip")
    edge = {"width": 1.2, "color": c.text}
    for precision, name in (("fp32", "FP32"), ("int8", "INT8")):
        marks = [m for m in info.marks if m.verdict == FRONT and m.precision == precision]
        shades = {"color": [m.sparsity for m in marks], "coloraxis": "coloraxis"}
        _add(figure, marks, f"front, {name}", {"size": 12, "line": edge, **shades}, c.text)
    star = [m for m in info.marks if m.verdict == REFERENCE]
    _add(figure, star, "reference", {"size": 17, "color": VERMILION, "symbol": "star"}, VERMILION)
    _controls(figure, info)
    _seed_counts(figure, info, c.muted)
    ring = {"size": 25, "color": ORANGE, "symbol": "circle-open", "line": {"width": 2.4, "color": ORANGE}}
    _add(
        figure,
        [m for m in info.marks if {m.run_id, *m.members} & set(info.focused)],
        "selected",
        ring,
        ORANGE,
        bars=False,
    )
    figures_goal.draw(figure, info, c.goal_fill, c.goal)
    _axes(figure, info)
    return figure


def _add(figure: go.Figure, marks: Sequence[Mark], name: str, look: dict, bar: str, *, bars: bool = True) -> None:
    """The shape says the precision, whatever the verdict."""
    if not marks:
        return
    symbols = ["diamond" if mark.precision == "int8" else "circle" for mark in marks]
    figure.add_scatter(
        x=[m.x for m in marks],
        y=[m.y for m in marks],
        mode="markers",
        name=name,
        marker={"symbol": symbols, **look},
        error_x=_whiskers([(m.x_plus, m.x_minus) for m in marks], bar) if bars else None,
        error_y=_whiskers([(m.y_plus, m.y_minus) for m in marks], bar) if bars else None,
        customdata=[[m.run_id] for m in marks],
        hovertext=[m.hover for m in marks],
        hoverinfo="text",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _controls(figure: go.Figure, info: ParetoInfo) -> None:
    """A cross in the mark of each control; the shape still says the precision."""
    marks = [m for m in info.marks if m.control]
    if marks:
        symbols = [f"{'diamond' if m.precision == 'int8' else 'circle'}-x-open" for m in marks]
        look = {"symbol": symbols, "size": 12, "color": CONTROL, "line": {"width": 2, "color": CONTROL}}
        figure.add_scatter(
            x=[m.x for m in marks], y=[m.y for m in marks], mode="markers", name="control", marker=look,
            customdata=[[m.run_id] for m in marks], hovertext=[m.hover for m in marks], hoverinfo="text",
        )  # fmt: skip


def _bands(figure: go.Figure, info: ParetoInfo, fill: str) -> None:
    """A pale patch behind each group of marks that cannot be told apart; one trace, so that patches do not add up."""
    if not info.bands:
        return
    high = info.y_range[1] - info.y_range[0]
    reach = [m.x for m in info.marks]
    wide = (max(reach) / max(min(reach), 1e-9)) ** BAND_PAD if info.log else BAND_PAD * max(reach)
    xs: list[float | None] = []
    ys: list[float | None] = []
    for band in info.bands:
        left, right = (band.left / wide, band.right * wide) if info.log else (band.left - wide, band.right + wide)
        bottom, top = band.bottom - BAND_PAD * high, band.top + BAND_PAD * high
        xs += [left, right, right, left, left, None]
        ys += [bottom, bottom, top, top, bottom, None]
    figure.add_scatter(
        x=xs[:-1], y=ys[:-1], mode="none", fill="toself", fillcolor=fill, name="not told apart", hoverinfo="skip"
    )


def _seed_counts(figure: go.Figure, info: ParetoInfo, color: str) -> None:
    """How many seeds a mark is the mean of, above it."""
    many = [mark for mark in info.marks if mark.members]
    if many:
        text = [f"{len(mark.members)} seeds" for mark in many]
        figure.add_scatter(
            x=[m.x for m in many], y=[m.y for m in many], text=text, mode="text", textposition="top center",
            textfont={"size": 12, "color": color}, showlegend=False, hoverinfo="skip",
        )  # fmt: skip


def _whiskers(reach: Sequence[tuple[float, float]], color: str) -> dict[str, object]:
    """Thin, without caps; left out where they are not drawn: they weigh more than the points."""
    plus, minus = zip(*reach, strict=True)
    return {"thickness": 1, "width": 0, "color": color, "array": plus, "arrayminus": minus}


def _axes(figure: go.Figure, info: ParetoInfo) -> None:
    x_axis: dict[str, object] = {"title": {"text": info.x_title}}
    if info.log and info.ticks:
        x_axis |= {"type": "log", "tickvals": info.ticks, "ticktext": [words.three(tick) for tick in info.ticks]}
        reach = [m.x - m.x_minus for m in info.marks] + [m.x + m.x_plus for m in info.marks]
        low, high = min(x for x in reach if x > 0), max(reach)
        x_axis["range"] = [math.log10(low / 1.12), math.log10(high * 1.12)]
    else:
        x_axis["rangemode"] = "tozero"
    figure.update_xaxes(x_axis)
    figure.update_yaxes(title={"text": f"validation {info.metric}, %"}, range=list(info.y_range))
    bar = {
        "title": {"text": "sparsity, %", "side": "right", "font": {"size": 13}},
        "thickness": 10,
        "len": 0.6,
        "outlinewidth": 0,
    }
    figure.update_layout(
        coloraxis={"colorscale": "Viridis", "reversescale": True, "cmin": 0, "cmax": 90, "colorbar": bar}
    )
