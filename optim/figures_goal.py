"""The goal of the Pareto plot: a pale band and a line that says what it is."""

from __future__ import annotations

import math
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
    at = [math.log(max(m.x, 1e-9)) if info.log else m.x for m in info.marks]
    low, high = min(at), max(at)
    places = [
        (x - low) / ((high - low) or 1.0)
        for x, m in zip(at, info.marks, strict=True) if -reach / 2 < m.y - info.goal < reach
    ]  # fmt: skip
    left, right = sum(place < LABEL_WIDE for place in places), sum(place > 1 - LABEL_WIDE for place in places)
    return "left" if left < right else "right"
