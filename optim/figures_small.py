"""The smaller figures, computed and drawn like those of `figures.py`: layer widths, softened probabilities, curves.

Sliders and live runs draw them often: each is made whole at once, which Plotly does five times faster than piecewise.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from . import words
from .records import Event
from .results import Group
from .theme import ORANGE, colors, template

SMALL = 260


class LayersInfo(NamedTuple):
    labels: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    alt: str


def layers_info(groups: Sequence[Group]) -> LayersInfo:
    """The width of each group before and after, in the network's order."""
    before, after = (tuple(getattr(group, side) for group in groups) for side in ("before", "after"))
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    alt = f"Width of each group before and after: {changed} of {words.plural(len(groups), 'group')} get narrower."
    return LayersInfo(tuple(group.label for group in groups), before, after, alt)


def layers_plot(info: LayersInfo, theme: str) -> go.Figure:
    """Bars lie flat so that the labels can be read; the number stands at each bar's end."""
    c = colors(theme)
    common = {"y": info.labels, "orientation": "h", "textposition": "outside", "cliponaxis": False}
    outline = {"color": c.grid, "line": {"width": 1, "color": c.dominated}}
    before = go.Bar(x=info.before, name="before", marker=outline, text=info.before, **common)
    after = go.Bar(x=info.after, name="after", marker={"color": c.front}, text=info.after, **common)
    layout = {
        "template": template(theme),
        "height": 90 + 46 * len(info.labels),
        "barmode": "group",
        "bargap": 0.25,
        "xaxis": {"range": [0, max(info.before, default=1) * 1.12], "title": {"text": "width"}},
        "yaxis": {"autorange": "reversed", "showgrid": False},
        "margin": {"l": 10, "r": 20, "t": 28, "b": 44},
    }
    return go.Figure([before, after], layout)


MANY, FIRST = 40, 12
"""Of more answers than this only the first ones have a bar, and bars lie flat."""
LONGEST = 38
"""Characters of an answer beside a flat bar; the table has them all."""


class SoftInfo(NamedTuple):
    classes: tuple[str, ...]
    """All of them in their order; of many the first ones, best first."""
    plain: tuple[float, ...]
    """The teacher's probabilities in percent as they are (temperature 1)."""
    soft: tuple[float, ...]
    """The same at the chosen temperature."""
    temperature: float
    others: int
    """How many more there are: what is missing to 100 % is theirs."""
    alt: str


def softmax(logits: Sequence[float], temperature: float = 1.0) -> tuple[float, ...]:
    """Probabilities of `logits / temperature`; a high temperature flattens them, and their order stays.

    >>> [round(p, 3) for p in softmax([2.0, 0.0], temperature=2)]
    [0.731, 0.269]
    """
    top = max(logits)
    raised = [math.exp((logit - top) / temperature) for logit in logits]
    total = sum(raised)
    return tuple(value / total for value in raised)


def soft_info(logits: Sequence[float], classes: Sequence[str], temperature: float) -> SoftInfo:
    """What the student is shown of one item: the teacher's probabilities as they are, and softened."""
    plain, soft = (tuple(100 * p for p in softmax(logits, heat)) for heat in (1.0, temperature))
    order = sorted(range(len(soft)), key=lambda i: -plain[i])
    best, second = order[:2]
    alt = (
        f"At temperature {temperature:g} the teacher gives {_percent(soft[best])} to its first choice, "
        f"{classes[best]}, and {_percent(soft[second])} to {classes[second]}, its second."
    )
    if len(classes) > MANY:
        first = order[:FIRST]
        plain, soft = (tuple(side[i] for i in first) for side in (plain, soft))
        alt += (
            f" The first {FIRST} have {_percent(sum(plain))} together at temperature 1 and {_percent(sum(soft))} at "
            f"{temperature:g}; {len(classes) - FIRST:,} others share the rest."
        )
        return SoftInfo(tuple(classes[i] for i in first), plain, soft, temperature, len(classes) - FIRST, alt)
    return SoftInfo(tuple(classes), plain, soft, temperature, 0, alt)


def soft_rows(info: SoftInfo) -> list[dict[str, str]]:
    """The bars as a table, and what is left for the others."""
    heads = ("T = 1", f"softened, T = {info.temperature:g}")
    sides = list(zip(info.classes, info.plain, info.soft, strict=True))
    sides += [(f"{info.others:,} others", 100 - sum(info.plain), 100 - sum(info.soft))] * bool(info.others)
    name = "answer" if info.others else "class"
    return [{name: one, heads[0]: _percent(plain), heads[1]: _percent(soft)} for one, plain, soft in sides]


def _percent(share: float) -> str:
    """Of thousands of answers none has a percent: two digits that count, where one place shows none.

    >>> _percent(16.12), _percent(0.083)
    ('16.1 %', '0.083 %')
    """
    return f"{share:.1f} %" if share >= 1 or not share else f"{share:.2g} %"


def soft_plot(info: SoftInfo, theme: str) -> go.Figure:
    """The softened bars filled, the plain ones as outlines behind them; flat where the answers' names are long."""
    c, flat = colors(theme), bool(info.others)
    outline = {"color": "rgba(0,0,0,0)", "line": {"width": 1.4, "color": c.muted}}
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in info.classes]

    def bars(shares: Sequence[float], heat: float, marker: dict) -> go.Bar:
        sides = {"x": shares, "y": list(range(len(names))), "orientation": "h"} if flat else {"x": names, "y": shares}
        return go.Bar(name=f"T = {heat:g}", marker=marker, **sides)

    turned = {"tickangle": -40 if max(map(len, names)) > 2 else 0}
    shares = {"title": {"text": "probability, %"}, "nticks": 5, "rangemode": "tozero"}
    layout = {
        "template": template(theme),
        "height": 90 + 26 * len(names) if flat else SMALL,
        "barmode": "overlay",
        "margin": {"l": 50, "r": 8, "t": 28, "b": 44 if flat else 24},
        "xaxis": shares if flat else {"type": "category", "showgrid": False, **turned},
        "yaxis": {"tickvals": list(range(len(names))), "ticktext": names, "autorange": "reversed", "showgrid": False}
        if flat
        else {**shares, "range": [0, 103]},
    }
    return go.Figure([bars(info.plain, 1.0, outline), bars(info.soft, info.temperature, {"color": c.front})], layout)


class CurvesInfo(NamedTuple):
    epochs: tuple[float, ...]
    loss: tuple[float, ...]
    validated: tuple[float, ...]
    """Epochs at which the validation score is known."""
    validation: tuple[float, ...]
    """Percent."""
    alt: str


def curves_info(events: Sequence[Event]) -> CurvesInfo:
    """Training loss and validation score over the epochs of the newest training stage."""
    told = [event for event in events if "epoch" in event.metrics]
    stage = told[-1].stage if told else ""
    told = [event for event in told if event.stage == stage]
    loss = {event.metrics["epoch"]: event.metrics["loss"] for event in told if "loss" in event.metrics}
    right = {
        event.metrics["epoch"]: 100 * event.metrics["validation"] for event in told if "validation" in event.metrics
    }
    last = f", the last one at {right[max(right)]:.1f} % on validation" if right else ""
    alt = f"{stage or 'Training'}: {words.plural(len(right), 'epoch')} finished{last}."
    return CurvesInfo(tuple(loss), tuple(loss.values()), tuple(right), tuple(right.values()), alt)


def curves_rows(info: CurvesInfo, metric: str) -> list[dict[str, str]]:
    """One row per finished epoch: the last training loss known by then, and the validation score."""
    rows, told = [], sorted(zip(info.epochs, info.loss, strict=True))
    for epoch, right in zip(info.validated, info.validation, strict=True):
        last = bisect_right(told, epoch, key=lambda pair: pair[0])
        loss = words.three(told[last - 1][1]) if last else ""
        rows.append({"epoch": f"{epoch:g}", "training loss": loss, f"validation {metric}": f"{right:.1f} %"})
    return rows


def curves_plot(info: CurvesInfo, theme: str, metric: str) -> go.Figure:
    """Loss on the left axis, validation score on the right one; dash and shape tell them apart."""
    loss = go.Scatter(
        x=info.epochs, y=info.loss, name="training loss", mode="lines", line={"width": 1.8, "color": ORANGE}
    )
    validation = go.Scatter(
        x=info.validated, y=info.validation, name=f"validation {metric}", mode="lines+markers", yaxis="y2",
        line={"width": 1.8, "dash": "dot", "color": colors(theme).front}, marker={"size": 8},
    )  # fmt: skip
    right = {"title": {"text": "validation, %"}, "overlaying": "y", "side": "right", "showgrid": False}
    layout = {
        "template": template(theme),
        "height": SMALL,
        "xaxis": {"title": {"text": "epoch"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": "loss"}, "rangemode": "tozero"},
        "yaxis2": {**right, "tickmode": "auto", "nticks": 5, "tickformat": "~g"},
        "margin": {"l": 58, "r": 58, "t": 28, "b": 44},
    }
    return go.Figure([loss, validation], layout)
