"""The figure of how estimates turned out: estimated against measured latency of the user's own runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from . import estimates, words
from .estimates import Outcome
from .theme import colors, template

HEIGHT = 280


class OutcomesInfo(NamedTuple):
    title: str
    measured: tuple[float, ...]
    """Milliseconds."""
    estimated: tuple[float, ...]
    minus: tuple[float, ...]
    plus: tuple[float, ...]
    runs: tuple[int, ...]
    errors: tuple[float, ...]
    """Relative."""
    alt: str


def outcomes_info(told: Sequence[Outcome]) -> OutcomesInfo:
    """One point per run."""
    guesses = [one.estimated_ms for one in told]
    inside = sum(g.low <= one.measured_ms <= g.high for g, one in zip(guesses, told, strict=True))
    title = estimates.error_line(told)
    return OutcomesInfo(
        title,
        tuple(one.measured_ms for one in told),
        tuple(guess.value for guess in guesses),
        tuple(guess.value - guess.low for guess in guesses),
        tuple(guess.high - guess.value for guess in guesses),
        tuple(one.run_id for one in told),
        tuple(one.error for one in told),
        f"{title} {inside} of {words.plural(len(told), 'measurement')} lie inside the estimate's band.",
    )


def outcomes_rows(info: OutcomesInfo) -> list[dict[str, str]]:
    """One row per run."""
    return [
        {
            "run": str(run),
            "estimate": f"about {words.ms(guess)}",
            "measured": words.ms(found),
            "off by": words.percent(off),
        }
        for run, guess, found, off in zip(info.runs, info.estimated, info.measured, info.errors, strict=True)
    ]


def outcomes_plot(info: OutcomesInfo, theme: str) -> go.Figure:
    """Hollow points with their bands; on the diagonal the estimate was right."""
    c = colors(theme)
    top = 1.08 * max([*info.measured, *(g + p for g, p in zip(info.estimated, info.plus, strict=True))], default=1.0)
    right = go.Scatter(
        x=[0, top], y=[0, top], mode="lines", name="as estimated", line={"width": 1, "dash": "dot", "color": c.muted}
    )
    points = go.Scatter(
        x=info.estimated, y=info.measured, mode="markers", name="own runs",
        marker={"size": 9, "color": c.background, "line": {"width": 1.6, "color": c.front}},
        error_x={"array": info.plus, "arrayminus": info.minus, "thickness": 1, "width": 0, "color": c.front},
        hovertext=[f"Run {run}" for run in info.runs], hoverinfo="text+x+y",
    )  # fmt: skip
    layout = {
        "template": template(theme),
        "height": HEIGHT,
        "xaxis": {"title": {"text": "estimated, ms"}, "range": [0, top]},
        "yaxis": {"title": {"text": "measured, ms"}, "range": [0, top]},
    }
    return go.Figure([right, points], layout)
