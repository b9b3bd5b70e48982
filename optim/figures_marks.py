"""The marks of the Pareto plot and the bands that tied ones share, in the units of its axes, ready to be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from . import catalog, disturbed, findings, time_words, words
from .findings import DOMINATED, FRONT, REFERENCE, TIED, UNSURE, Fact, Findings

NO_CONTROLS: Mapping[int, str] = {}


class Mark(NamedTuple):
    """One point, in the units of the axes."""

    run_id: int
    x: float
    y: float
    x_minus: float
    x_plus: float
    y_minus: float
    y_plus: float
    verdict: str
    precision: str
    sparsity: float
    hover: str
    members: tuple[int, ...] = ()
    """Run numbers of a mean over seeds."""
    control: str = ""
    """What it is a control of; empty for most runs."""


def _hover(found: Findings, fact: Fact) -> str:
    """Recipe, score with interval, time with interval, the cost in its own words, the loss near the front, verdict."""
    cost, latency = found.cost, fact.run.latency
    lines = [f"<b>{_name(fact)}</b> · {fact.label}", score_words(fact)]
    if latency and not fact.members:
        lines.append(time_words.ms_span(latency.p50_ms, latency.low_ms, latency.high_ms))
    elif cost.name == "latency":
        span = time_words.ms_span(fact.point.cost, fact.point.cost_low, fact.point.cost_high)
        lines.append(f"{span}, over {len(fact.members)} seeds")
    if cost.name != "latency":
        lines.append(f"{cost.axis}: {words.three(fact.point.cost / cost.unit)}")
    if fact.verdict != REFERENCE:
        lines.append(findings.gain_words(fact.gain, cost))
    if fact.verdict in (FRONT, TIED) and (loss := findings.lost(found, fact)) is not None:
        lines.append(findings.loss_words(loss, catalog.data_of(fact.run)))
    why = [disturbed.said([latency])] if latency and fact.verdict == UNSURE else []
    return "<br>".join([*lines, f"{fact.precision.upper()}, {fact.verdict}", *why])


def _name(fact: Fact) -> str:
    if not fact.members:
        return f"Run {fact.run.id}"
    return f"Mean of {len(fact.members)} seeds, runs {', '.join(str(run.id) for run in fact.members)}"


def score_words(fact: Fact) -> str:
    """The score with its interval: of one file on so many items, or of a recipe over so many seeds."""
    if not fact.members:
        return words.score(fact.score, catalog.data_of(fact.run))
    low, high = 100 * fact.score.low, 100 * fact.score.high
    return f"{words.percent(fact.score.value)} ({low:.1f} to {high:.1f}, over {len(fact.members)} seeds)"


def mark(found: Findings, fact: Fact, controls: Mapping[int, str] = NO_CONTROLS) -> Mark:
    """Where the fact stands, how far its intervals reach, and what is said about it."""
    p, unit = fact.point, found.cost.unit
    control = next((controls[run.id] for run in fact.runs if run.id in controls), "") if controls else ""
    return Mark(
        run_id=fact.run.id,
        x=p.cost / unit,
        y=100 * p.accuracy,
        x_minus=(p.cost - p.cost_low) / unit,
        x_plus=(p.cost_high - p.cost) / unit,
        y_minus=100 * (p.accuracy - p.accuracy_low),
        y_plus=100 * (p.accuracy_high - p.accuracy),
        verdict=fact.verdict,
        precision=fact.precision,
        sparsity=100 * fact.sparsity,
        hover=_hover(found, fact) + (f"<br>{control}" if control else ""),
        members=tuple(run.id for run in fact.members),
        control=control,
    )


class Band(NamedTuple):
    """The marks that cannot be told apart from one point of the front, and the corners of what they cover."""

    run_ids: tuple[int, ...]
    left: float
    right: float
    bottom: float
    top: float


def bands(found: Findings) -> tuple[Band, ...]:
    """One for each group of tied marks; a cost in the axis's unit, accuracy in percent."""
    at = {fact.run.id: fact.point for fact in found.facts}
    made = []
    for ids in found.bands:
        costs = [at[run_id].cost / found.cost.unit for run_id in ids]
        heights = [100 * at[run_id].accuracy for run_id in ids]
        made.append(Band(ids, min(costs), max(costs), min(heights), max(heights)))
    return tuple(made)


def tied_words(found: Findings) -> str:
    """How many runs share how many bands, to follow a sentence; empty if none do."""
    count = len({run_id for band in found.bands for run_id in band})
    return f"; {count} share {words.plural(len(found.bands), 'band')} of ties" if count else ""


def dominated_words(found: Findings) -> str:
    """What dominated means in this plot; empty if nothing is."""
    if not any(fact.verdict == DOMINATED for fact in found.facts):
        return ""
    cost, metric = found.cost, found.metric
    higher = f"measurably higher in {metric.label}"
    return f"Dominated: surely {cost.loss} and not {higher}, or surely lower and not measurably {cost.gain}."


def control_words(marks: Sequence[Mark]) -> str:
    """How many of the marks are controls, to follow a sentence; empty if none is."""
    count = sum(bool(mark.control) for mark in marks)
    return f"; {words.plural(count, 'control')} of a search" if count else ""
