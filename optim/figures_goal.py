"""The goal of the Pareto plot: a pale band and a line that says what it is."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import plotly.graph_objects as go

if TYPE_CHECKING:
    from .figures import ParetoInfo

LABEL_WIDE, LABEL_HIGH = 0.4, 0.09
"""What the label takes up on a phone, as shares of the axes."""


def draw(figure: go.Figure, info: ParetoInfo, fill: str, line: str) -> None:
    """The band above the goal, its line, and what it is at that end of the line where there is room."""
    if info.goal is None:
        return
    figure.add_hrect(y0=info.goal, y1=info.y_range[1] + 5, fillcolor=fill, line_width=0, layer="below")
    figure.add_hline(y=info.goal, line={"width": 1.2, "dash": "dot", "color": line})
    side = label_side(info)
    figure.add_annotation(
        x=float(side == "right"), xref="paper", y=info.goal, text=info.goal_text, showarrow=False, xanchor=side,
        yanchor="bottom", font={"size": 12, "color": line},
    )  # fmt: skip


def label_side(info: ParetoInfo) -> Literal["left", "right"]:
    """At which end of the goal's line fewer marks stand where its label would."""
    if info.goal is None or not info.marks:
        return "right"
    reach = LABEL_HIGH * (info.y_range[1] - info.y_range[0])
    close = [mark.x for mark in info.marks if -reach / 2 < mark.y - info.goal < reach]
    ends = [mark.x for mark in info.marks]
    places = [_place(x, min(ends), max(ends), log=info.log) for x in [*close, *_crossings(info, info.goal)]]
    left, right = sum(place < LABEL_WIDE for place in places), sum(place > 1 - LABEL_WIDE for place in places)
    return "left" if left < right else "right"


def _place(x: float, low: float, high: float, *, log: bool) -> float:
    """Between the outermost marks, from 0 to 1."""
    if log:
        x, low, high = (math.log(max(value, 1e-9)) for value in (x, low, high))
    return (x - low) / ((high - low) or 1.0)


def _crossings(info: ParetoInfo, goal: float) -> list[float]:
    """Where the front steps through the goal's line."""
    steps = zip(pairwise(info.front_x), pairwise(info.front_y), strict=True)
    return [x for (x, _), (low, high) in steps if min(low, high) < goal < max(low, high)]
