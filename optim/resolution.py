"""What gap a validation set can show, as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from . import catalog, paired, stats, words
from .facts import Fact
from .findings import Findings
from .paired import Gaps, Pairs

TYPICAL = 20
"""So many runs say how often one differs from the reference."""


def sentence(found: Findings) -> str:
    """What gap this validation set can show, as a sentence: from how often the runs here really differ."""
    reference = found.reference
    if reference is None:
        return ""
    n, many, row = reference.score.n, _pairs(found, reference), catalog.data_of(reference.run)
    variance, discordance = (median(values) if values else 0.0 for values in _spread(many))
    items = f"{n:,} validation {row.items[1]}"
    if not variance or not discordance:
        gap = words.points(stats.resolvable(reference.score))
        return f"{items} can tell gaps of about {gap}{row.goodness.of} apart (unpaired)."
    gap = words.points(paired.resolvable(n, variance)) + row.goodness.of
    return (
        f"These {items} resolve gaps of about {gap}: "
        f"a run typically differs from the reference on {words.percent(discordance)} of them."
    )


def _spread(many: Sequence[Pairs | Gaps]) -> tuple[list[float], list[float]]:
    """Of each pair of runs the variance of an item's difference, and the share of items that differ."""
    return [pairs.variance for pairs in many], [pairs.discordant / pairs.n for pairs in many]


def _pairs(found: Findings, reference: Fact) -> list[Pairs | Gaps]:
    """Of the newest runs, whatever cost is shown: so the same runs say the same."""
    if found.pairing is None:
        return []
    others = [fact for fact in found.facts if fact is not reference]
    known = sorted((run for fact in others for run in fact.runs), key=lambda run: -run.id)
    told = [found.pairing(reference.run, run) for run in known[:TYPICAL]]
    return [pairs for pairs in told if pairs is not None]
