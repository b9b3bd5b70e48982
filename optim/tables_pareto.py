"""The table under the Pareto plot: the same facts as its marks."""

from __future__ import annotations

from statistics import geometric_mean

from . import findings, recipes, words
from .findings import Fact, Findings


def pareto_rows(found: Findings) -> list[dict[str, object]]:
    """One row a fact, in the findings' order; the columns that matter most stand first, where a phone shows them."""
    return [
        {
            "run": fact.run.id,
            "recipe": _recipe(fact),
            "latency": _p50(fact),
            "accuracy": 100 * fact.score.value,
            "lost": _lost(found, fact),
            "times": fact.gain.value,
            "verdict": fact.verdict,
            "plus_minus": 50 * (fact.score.high - fact.score.low),
            "size": fact.run.result.file.size_bytes / 1e3 if fact.run.result else None,
            "macs": fact.run.result.file.macs / 1e6 if fact.run.result else None,
            "params": fact.run.result.file.params / 1e3 if fact.run.result else None,
        }
        for fact in found.facts
    ]


def _recipe(fact: Fact) -> str:
    brief = recipes.brief(fact.run.recipe, fact.run.project.reference)
    return f"{brief}, {len(fact.members)} seeds" if fact.members else brief


def _lost(found: Findings, fact: Fact) -> str:
    """Points lost against the reference; with the interval at the front, where runs are compared item by item."""
    if found.reference is None or fact is found.reference:
        return ""
    if fact.verdict in (findings.FRONT, findings.TIED) and (loss := findings.lost(found, fact)) is not None:
        low, high = 100 * loss.low, 100 * loss.high
        return f"{100 * loss.value:.1f} ({low:.1f} to {high:.1f})".replace("-", words.MINUS)
    return f"{100 * (found.reference.score.value - fact.score.value):.1f}".replace("-", words.MINUS)


def _p50(fact: Fact) -> float | None:
    """Milliseconds; of several seeds their geometric mean."""
    times = [run.latency.p50_ms for run in fact.runs if run.latency]
    return geometric_mean(times) if times else None
