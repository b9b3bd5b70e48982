"""The figures of estimates: where a recipe stands beside its reference, and how own runs turned out against theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import plotly.graph_objects as go

from . import catalog, estimates, time_words, words
from .estimates import Estimate, Outcome
from .profiles import Profile
from .records import Run
from .results import Interval
from .theme import VERMILION, colors, template

HEIGHT = 280


class Spot(NamedTuple):
    """One dot of the small picture of accuracy over latency."""

    kind: Literal["reference", "estimate", "measured"]
    label: str
    ms: Interval
    percent: Interval
    precision: str


class PlaceInfo(NamedTuple):
    title: str
    spots: tuple[Spot, ...]
    """The reference, then the recipe, where its accuracy is known or estimated."""
    metric: str
    alt: str


def place_info(profile: Profile, guess: Estimate, run: Run | None = None) -> PlaceInfo:
    """Where the recipe stands: as estimated, or, once a run has measured exactly this, as measured."""
    metric = catalog.dataset(profile.dataset).goodness.label
    dense = Spot("reference", "dense FP32", profile.dense_fp32_ms, _percents(profile.whole_accuracy), "fp32")
    dot = _found(guess, run) if run is not None else _guessed(guess)
    if dot is None:
        return PlaceInfo("", (dense,), metric, "")
    if dot.kind == "measured":
        title = f"{dot.label} measured {time_words.ms(dot.ms.value)} and {dot.percent.value:.1f} % for this recipe"
    else:
        low, high = (words.times(guess.dense_ms / time) for time in (dot.ms.high, dot.ms.low))
        title = f"About {low} to {high} as fast as the dense model, by estimate"
    drawn = "; ".join(f"{spot.label}: {_latency(spot)}, {_accuracy(spot)}" for spot in (dense, dot))
    return PlaceInfo(title, (dense, dot), metric, f"{title}. Validation {metric} over latency. {drawn}.")


def _found(guess: Estimate, run: Run) -> Spot:
    assert run.latency is not None
    assert run.result is not None
    time = run.latency
    ms = Interval(value=time.p50_ms, low=time.low_ms, high=time.high_ms)
    return Spot("measured", f"Run {run.id}", ms, _percents(run.result.file.score.validation), guess.precision)


def _guessed(guess: Estimate) -> Spot | None:
    if guess.accuracy is None:
        return None
    return Spot("estimate", "estimate", guess.latency_ms, _percents(guess.accuracy), guess.precision)


def _percents(share: Interval) -> Interval:
    return Interval(value=100 * share.value, low=100 * share.low, high=100 * share.high)


def place_rows(info: PlaceInfo) -> list[dict[str, str]]:
    """One row per dot, with intervals; what is estimated says "about"."""
    return [
        {"": spot.label, "latency": _latency(spot), f"validation {info.metric}": _accuracy(spot)} for spot in info.spots
    ]


def _latency(spot: Spot) -> str:
    about, ms = "about " * (spot.kind == "estimate"), spot.ms
    return f"{about}{time_words.ms_span(ms.value, ms.low, ms.high)}"


def _accuracy(spot: Spot) -> str:
    about = "about " * (spot.kind == "estimate")
    return f"{about}{spot.percent.value:.1f} % ({words.between(spot.percent)})"


def place_plot(info: PlaceInfo, theme: str) -> go.Figure:
    """The reference is a star, an estimate hollow, a measurement filled; thin bars are bands and intervals."""
    c = colors(theme)
    layout = {
        "template": template(theme),
        "height": HEIGHT,
        "xaxis": {"title": {"text": "median latency, ms"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": f"validation {info.metric}, %"}},
    }
    return go.Figure([_dot(spot, VERMILION if spot.kind == "reference" else c.front) for spot in info.spots], layout)


def _dot(spot: Spot, tone: str) -> go.Scatter:
    shape = "diamond" if spot.precision == "int8" else "circle"
    symbol = {"reference": "star", "estimate": f"{shape}-open", "measured": shape}[spot.kind]
    look = {"thickness": 1, "width": 0, "color": tone}
    x, y = spot.ms, spot.percent
    return go.Scatter(
        x=[x.value], y=[y.value], mode="markers", name=spot.label,
        marker={"symbol": symbol, "size": 17 if spot.kind == "reference" else 12, "color": tone, "line": {"width": 2}},
        error_x={"array": [x.high - x.value], "arrayminus": [x.value - x.low], **look},
        error_y={"array": [y.high - y.value], "arrayminus": [y.value - y.low], **look},
        hovertext=f"{spot.label}<br>{_latency(spot)}<br>{_accuracy(spot)}", hoverinfo="text",
    )  # fmt: skip


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
            "estimate": f"about {time_words.ms(guess)}",
            "measured": time_words.ms(found),
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
