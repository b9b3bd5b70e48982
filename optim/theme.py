"""Colours and the one Plotly template of the app, as `.streamlit/config.toml` has them. Okabe-Ito and viridis."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import plotly.graph_objects as go


class Colors(NamedTuple):
    """What a figure takes from the page around it."""

    text: str
    muted: str
    grid: str
    background: str
    primary: str
    front: str
    dominated: str
    goal_fill: str
    goal: str
    on_primary: str
    """Text on a button of the primary colour."""
    band: str = "rgba(0,114,178,0.13)"
    """Behind marks that cannot be told apart."""


COLORS = {
    "light": Colors(
        "#1B2430",
        "#5A6675",
        "#E6EAEF",
        "#FFFFFF",
        "#0B6BCB",
        "#0072B2",
        "#A9B2BD",
        "rgba(0,158,115,0.07)",
        "#00735A",
        "#FFFFFF",
    ),
    "dark": Colors(
        "#E6EBF1",
        "#A0ABB8",
        "#232D39",
        "#10151C",
        "#5AA9F5",
        "#56B4E9",
        "#65717F",
        "rgba(0,158,115,0.10)",
        "#3CC9A0",
        "#10151C",
        "rgba(86,180,233,0.17)",
    ),
}
CATEGORIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7A7A7A")
ORANGE, VERMILION = CATEGORIES[1], CATEGORIES[5]
FONT = "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def colors(theme: str) -> Colors:
    """The page's colours; an unknown theme is light."""
    return COLORS.get(theme, COLORS["light"])


def series(theme: str, place: int) -> str:
    """The colour of one of several lines or marks. On dark ground light blue comes first: the dark one is hard to see.

    >>> series("light", 0), series("dark", 0), series("dark", 8)
    ('#0072B2', '#56B4E9', '#E69F00')
    """
    order = (4, 1, 2, 3, 0, 5, 6) if theme == "dark" else range(len(CATEGORIES))
    return CATEGORIES[order[place % len(CATEGORIES)]]


@cache
def template(theme: str) -> go.layout.Template:
    """Transparent, thin grid, no zero line, legend on top."""
    c = colors(theme)
    axis = {
        "gridcolor": c.grid,
        "linecolor": c.grid,
        "zeroline": False,
        "ticks": "",
        "tickfont": {"size": 13},
        "title": {"font": {"size": 13}, "standoff": 12},
        "automargin": True,
    }
    layout = {
        "font": {"family": FONT, "size": 13, "color": c.text},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": [series(theme, place) for place in range(len(CATEGORIES))],
        "xaxis": axis,
        "yaxis": axis,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom", "font": {"size": 13}},
        "margin": {"l": 58, "r": 16, "t": 28, "b": 48},
        "hoverlabel": {"bgcolor": c.background, "bordercolor": c.muted, "font": {"color": c.text, "size": 13}},
        "hovermode": "closest",
    }
    return go.layout.Template(layout=layout)
