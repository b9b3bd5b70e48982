"""The table under the Pareto plot: the same facts as its marks."""

from __future__ import annotations

from collections import Counter
from statistics import geometric_mean

from . import findings, recipes
from .facts import Fact, Findings
from .paired import Loss, unpaired_loss

ALL_PAIRED_UP_TO = 100
"""With more runs, only those at the front are compared item by item: that reads a file of each."""


def pareto_rows(found: Findings) -> list[dict[str, object]]:
    """One row a fact, in the findings' order; the columns that matter most stand first, where a phone shows them."""
    usual = usual_model(found)
    return [
        {
            "run": fact.run.id,
            "recipe": _recipe(fact, usual),
            "latency": _p50(fact),
            "accuracy": 100 * fact.score.value,
            "lost": findings.lost_alone(loss) if (loss := _loss(found, fact)) is not None else "",
            "verdict": fact.verdict,
            "times": fact.gain.value,
            "plus_minus": 50 * (fact.score.high - fact.score.low),
            "size": fact.run.result.file.size_bytes / 1e3 if fact.run.result else None,
            "macs": fact.run.result.file.macs / 1e6 if fact.run.result else None,
            "params": fact.run.result.file.params / 1e3 if fact.run.result else None,
        }
        for fact in found.facts
    ]


def usual_model(found: Findings) -> str:
    """The model of most rows, `resnet8:2`, which they need not name; the reference's where that is as frequent."""
    counts = Counter(fact.run.recipe.model_ref for fact in found.facts)
    own = found.facts[0].run.project.reference if found.facts else ""
    return max(counts, key=lambda ref: (counts[ref], ref == own), default=own)


def notes(found: Findings) -> list[str]:
    """What the columns do not say themselves, one sentence each."""
    usual, told = usual_model(found), []
    if found.facts and usual != found.facts[0].run.project.reference:
        told.append(f"Where no model is named, it is {usual.replace(':', ' at width ')}.")
    losses = [loss for fact in found.facts if (loss := _loss(found, fact)) is not None]
    if alone := sum(not loss.paired for loss in losses):
        who = "All" if alone == len(losses) else f"{alone} of {len(losses)}"
        told.append(f"{who} losses come from two scores alone (unpaired), which makes their intervals wider.")
    return told


def _recipe(fact: Fact, usual: str) -> str:
    brief = recipes.brief(fact.run.recipe, usual)
    return f"{brief}, {len(fact.members)} seeds" if fact.members else brief


def _loss(found: Findings, fact: Fact) -> Loss | None:
    """Against the reference, item by item where that is known and asked for; None for the reference itself."""
    near = fact.verdict in (findings.FRONT, findings.TIED) or len(found.facts) <= ALL_PAIRED_UP_TO
    if found.reference is None or fact is found.reference or near:
        return findings.lost(found, fact)
    return unpaired_loss(found.reference.score, fact.score)


def _p50(fact: Fact) -> float | None:
    """Milliseconds; of several seeds their geometric mean."""
    times = [run.latency.p50_ms for run in fact.runs if run.latency]
    return geometric_mean(times) if times else None
