"""The front of one search as it grows: points lost against dense over the speed ratio, computed and then drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from . import catalog, findings, pareto, search_views, words
from .facts import COSTS, file_of
from .figures import log_ticks
from .pareto import Point
from .recipes import brief
from .search_answer import Judged, upper_bound
from .search_views import Sight
from .theme import CATEGORIES, ORANGE, VERMILION, colors, template

ON_FRONT, BEHIND, CONTROL, DENSE = "on the front", "behind it", "control", "dense"
HEIGHT, FAR = 400, 2.5
"""The view reaches so many times as far down as what matters; runs further below are counted, not drawn."""
NEAR = 0.07
"""Names closer than this share of the height stand on different sides of their marks."""
VIOLET = CATEGORIES[3]


class Spot(NamedTuple):
    """One run: how many times faster than dense, and the points that it loses."""

    run_id: int
    x: float
    y: float
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    """Of the loss, with the goal's confidence on each side."""
    kind: str
    accuracy: float
    """On validation, percent."""
    precision: str
    name: str
    hover: str


class SearchInfo(NamedTuple):
    title: str
    spots: tuple[Spot, ...]
    front_x: tuple[float, ...]
    front_y: tuple[float, ...]
    goal: float
    goal_text: str
    rule: str
    """When a run qualifies, as it shows in the plot."""
    chosen: int | None
    chosen_text: str
    ring: str  # what the one around it means: found, or nearest where nothing qualifies
    ticks: tuple[float, ...]
    y_range: tuple[float, float]
    """From top to bottom: what loses least stands highest."""
    below: int
    """How many runs lie under the view."""
    not_valid: int
    """How many runs are left off, because their time is not valid."""
    not_drawn: tuple[str, ...]
    """Controls without a mark, and why."""
    alt: str


def search_info(seen: Sight) -> SearchInfo:
    """What the plot of a search shows."""
    goal, valid = seen.search.goal, [one for one in seen.tried if search_views.is_valid(one)]
    points = [Point.exact(one.run.id, 1 / one.ratio.value, -100 * one.loss.value) for one in valid]
    best = pareto.front([*points, Point.exact(0, 1.0, 0.0)]) if seen.reference is not None else ()
    ids = {point.id for point in best}
    spots = [_spot(seen, one, ON_FRONT if one.run.id in ids else BEHIND) for one in valid]
    for control, _, one in seen.controls:
        if one is not None and search_views.is_valid(one):
            spots.append(_spot(seen, one, CONTROL, control.name))
    xs, ys = pareto.steps(best)
    chosen, view = seen.chosen, _view(spots, goal.max_loss)
    most = search_views.most(goal)
    title = headline(seen)
    return SearchInfo(
        title=title,
        spots=tuple(spots),
        front_x=tuple(1 / x for x in xs),
        front_y=tuple(0.0 - y for y in ys),
        goal=goal.max_loss,
        goal_text=f"at most {most} lost",
        rule=f"A run qualifies when its whole bar lies above the line: then it loses less than {most} with "
        f"{words.sure(goal.confidence)} confidence.",
        chosen=chosen.run.id if chosen else None,
        chosen_text=f"run {chosen.run.id}" if chosen else "",
        ring="found" if seen.told.run_id else "nearest",
        ticks=log_ticks([1.0, *(spot.x for spot in spots)]),
        y_range=view,
        below=sum(spot.y > view[1] for spot in spots),
        not_valid=len(seen.tried) - len(valid),
        not_drawn=search_views.not_drawn(seen),
        alt=f"{title}. Points lost over how many times faster: {words.plural(len(valid), 'run')} of the search "
        f"or before it, {len(ids - {0})} on its front, {words.plural(len(spots) - len(valid), 'control')}.",
    )


def headline(seen: Sight) -> str:
    """The finding: `Run 12 is 6.1x faster and loses 0.3 points`, or which run is nearest."""
    chosen, told, done = seen.chosen, seen.told, seen.search.state == "done"
    if chosen is None:
        gone = told.run_id or told.nearest_id
        return f"Run {gone}, which it found, is deleted" if gone else "No run with a valid time" + " yet" * (not done)
    if told.run_id is None:
        return f"Nothing qualifies{'' if done else ' yet'}; run {chosen.run.id} is nearest"
    ratio, lost = chosen.ratio, chosen.loss.value
    times = words.times(max(ratio.value, 1 / ratio.value))
    speed = (
        "as fast as dense" if ratio.low <= 1 <= ratio.high else f"{times} {'faster' if ratio.value > 1 else 'slower'}"
    )
    so_far, of = "" if done else ", so far", catalog.data_of(chosen.run).goodness.of
    return (
        f"Run {chosen.run.id} is {speed} and {'loses' if lost >= 0 else 'gains'} {words.points(abs(lost))}{of}{so_far}"
    )


def search_rows(info: SearchInfo) -> list[dict[str, object]]:
    """The marks as a table: the run that was found first, then from fast to slow."""
    order = sorted(info.spots, key=lambda spot: (spot.run_id != info.chosen, -spot.x))
    return [
        {
            "run": spot.run_id,
            "recipe": spot.name,
            "times": spot.x,
            "accuracy": spot.accuracy,
            "lost": f"{spot.y:.1f} ({spot.y_low:.1f} to {spot.y_high:.1f})".replace("-", words.MINUS),
            "verdict": spot.kind,
            "precision": spot.precision.upper(),
        }
        for spot in order
    ]


def _spot(seen: Sight, one: Judged, kind: str, control: str = "") -> Spot:
    run, ratio, confidence = one.run, one.ratio, seen.search.goal.confidence
    file, data = file_of(run), catalog.data_of(run)
    precision, share = file.precision, file.score.validation
    name = control or brief(run.recipe, seen.search.project.reference)
    lines = (
        f"<b>Run {run.id}</b> · {name}",
        findings.gain_words(ratio, COSTS["latency"]),
        f"{findings.loss_words(one.loss, data)}, {words.score(share, data)}",
        f"{precision.upper()}, {kind}",
    )
    return Spot(
        run.id, ratio.value, 100 * one.loss.value, ratio.low, ratio.high,
        -upper_bound(one.loss.turned(), confidence), one.upper, kind, 100 * share.value, precision, name,
        "<br>".join(lines),
    )  # fmt: skip


def _view(spots: Sequence[Spot], goal: float) -> tuple[float, float]:
    """From above the best to below the goal and the front; far losers may lie outside."""
    kept = [spot for spot in spots if spot.kind == ON_FRONT and spot.y <= FAR * max(goal, 1.0)]
    high = min([0.0, *(spot.y_low for spot in spots)])
    low = max([goal, *(spot.y_high for spot in kept)])
    reach = FAR * (low - high)
    low = max([low, *(min(spot.y_high, reach) for spot in spots if spot.y < reach)])
    pad = max(0.07 * (low - high), 0.1)
    return (high - pad, low + pad)


def search_plot(info: SearchInfo, theme: str) -> go.Figure:
    """Front as a stepped line, shape = precision, a cross in it = control, dense as a star, the found run in a ring."""
    c = colors(theme)
    figure = go.Figure(layout={"template": template(theme), "height": HEIGHT})
    _add(figure, info, BEHIND, {"size": 8, "color": c.dominated}, c.dominated)
    line = {"width": 1.8, "color": c.front}
    figure.add_scatter(x=info.front_x, y=info.front_y, mode="lines", name="front", line=line, hoverinfo="skip")
    _add(figure, info, ON_FRONT, {"size": 12, "color": c.front, "line": {"width": 1.2, "color": c.text}}, c.text)
    _add(figure, info, CONTROL, {"size": 12, "color": VIOLET, "line": {"width": 2, "color": VIOLET}}, VIOLET)
    star = {"size": 17, "color": VERMILION, "symbol": "star"}
    figure.add_scatter(x=[1], y=[0], mode="markers", name=DENSE, marker=star, hovertext="Dense", hoverinfo="text")
    _names(figure, info, c.text)
    _found(figure, info)
    _goal(figure, info, c.goal_fill, c.goal)
    _axes(figure, info)
    return figure


def _add(figure: go.Figure, info: SearchInfo, kind: str, look: dict, bar: str) -> None:
    spots = [spot for spot in info.spots if spot.kind == kind]
    if not spots:
        return
    ending = "-x-open" if kind == CONTROL else ""
    thin = {"thickness": 1, "width": 0, "color": bar}
    figure.add_scatter(
        x=[s.x for s in spots], y=[s.y for s in spots], mode="markers", name=kind,
        marker={"symbol": [("diamond" if s.precision == "int8" else "circle") + ending for s in spots], **look},
        error_x={**thin, "array": [s.x_high - s.x for s in spots], "arrayminus": [s.x - s.x_low for s in spots]},
        error_y={**thin, "array": [s.y_high - s.y for s in spots], "arrayminus": [s.y - s.y_low for s in spots]},
        customdata=[[s.run_id] for s in spots], hovertext=[s.hover for s in spots], hoverinfo="text",
        selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
    )  # fmt: skip


def _names(figure: go.Figure, info: SearchInfo, color: str) -> None:
    """Each control's number beside its mark, as names would overlap in a narrow window; of two close, one right."""
    spots = sorted((s for s in info.spots if s.kind == CONTROL and s.y <= info.y_range[1]), key=lambda spot: spot.y)
    sides, last, gap = [], -math.inf, NEAR * (info.y_range[1] - info.y_range[0])
    for spot in spots:
        left = not sides or spot.y - last > gap or sides[-1] != "middle left"
        sides.append("middle left" if left else "middle right")
        last = spot.y
    figure.add_scatter(
        x=[s.x for s in spots], y=[s.y for s in spots], mode="text", textposition=sides,
        text=[f"  run {spot.run_id}  " for spot in spots],
        textfont={"size": 12, "color": color}, showlegend=False, hoverinfo="skip", cliponaxis=False,
    )  # fmt: skip


def _found(figure: go.Figure, info: SearchInfo) -> None:
    spot = next((spot for spot in info.spots if spot.run_id == info.chosen and spot.kind != CONTROL), None)
    if spot is None:
        return
    ring = {"size": 25, "color": ORANGE, "symbol": "circle-open", "line": {"width": 2.4, "color": ORANGE}}
    figure.add_scatter(
        x=[spot.x], y=[spot.y], mode="markers+text", name=info.ring, marker=ring, text=[f"<b>{info.chosen_text}</b>"],
        textposition="top left", customdata=[[spot.run_id]], hovertext=[spot.hover], hoverinfo="text",
        cliponaxis=False,
    )  # fmt: skip


def _goal(figure: go.Figure, info: SearchInfo, fill: str, line: str) -> None:
    figure.add_hrect(y0=info.goal, y1=info.y_range[0] - 5, fillcolor=fill, line_width=0, layer="below")
    figure.add_hline(y=info.goal, line={"width": 1.2, "dash": "dot", "color": line})
    figure.add_annotation(
        x=1, xref="paper", y=1, yref="paper", text=info.goal_text, showarrow=False, xanchor="right", yanchor="top",
        font={"size": 12, "color": line},
    )  # fmt: skip


def _axes(figure: go.Figure, info: SearchInfo) -> None:
    reach = [1.0, *(spot.x_low for spot in info.spots), *(spot.x_high for spot in info.spots)]
    low, high = math.log10(min(reach)), math.log10(max(reach))
    pad = max(0.07 * (high - low), 0.03)
    figure.update_xaxes(
        type="log", title={"text": "times faster than dense (log)"}, range=[low - pad, high + pad],
        tickvals=info.ticks, ticktext=[f"{words.three(tick)}x" for tick in info.ticks],
    )  # fmt: skip
    figure.update_yaxes(title={"text": "points lost on validation"}, range=[info.y_range[1], info.y_range[0]])
