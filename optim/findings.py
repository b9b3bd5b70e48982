"""From runs to what they say: the finding as a title and a sentence, and one run against the reference.

Pages and the command line show these; nothing here draws. The nouns stand in `facts.py`; `judging.py` tells who beats
whom.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import catalog, disturbed, judging, pareto, words
from .catalog import Dataset
from .facts import COSTS, DOMINATED, FRONT, REFERENCE, TIED, UNSURE, Cost, Fact, Findings, file_of
from .outcomes import Pairing, loss_of
from .paired import Loss
from .records import Run
from .results import Interval

__all__ = [  # noqa: RUF022 - the nouns first
    "COSTS", "DOMINATED", "FRONT", "REFERENCE", "TIED", "UNSURE", "Cost", "Fact", "Findings",
    "change", "compare", "evidence", "find", "gain_words", "lost", "lost_alone", "loss_words", "measured",
]  # fmt: skip

SMALLEST_P = 0.001
"""Smaller p values are not spelled out."""

FAR_POINTS = 10
"""Whoever loses so much does not ask whether a whole point was passed."""
MOST_PLACES = 4
"""Decimals of a loss in points; an end of an interval that leaves out 0 is not rounded to it."""


def measured(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The runs that have a file and a time."""
    return tuple(run for run in runs if run.result is not None)


def find(
    runs: Sequence[Run],
    *,
    cost: str = "latency",
    accept: float = 1.0,
    precisions: Sequence[str] = (),
    pairing: Pairing | None = None,
    test: Pairing | None = None,
) -> Findings:
    """What these runs of one project and one machine say. The reference counts whatever its precision.

    `pairing` compares two runs item by item (`outcomes.pairing`); without it intervals alone decide. `test`: the same
    on the test set, which is heard where it was opened and contradicts.
    """
    row = COSTS[cost]
    shown = [r for r in measured(runs) if not precisions or judging.is_reference(r) or _is_of(r, precisions)]
    dense = next((run for run in shown if judging.is_reference(run)), None)
    facts, bands = judging.judge(shown, dense, row, pairing)
    reference = next((fact for fact in facts if fact.run is dense), None)
    best = _best([fact for fact in facts if fact.verdict != UNSURE], reference, accept)
    found = Findings(row, facts, reference, best, accept, "", "", pairing, bands)
    return found._replace(title=_title(found) + _contradicted(found, test), sentence=_sentence(found))


def _is_of(run: Run, precisions: Sequence[str]) -> bool:
    return file_of(run).precision in precisions


def _best(facts: Sequence[Fact], reference: Fact | None, accept: float) -> Fact | None:
    if reference is None:
        return None
    found = pareto.fastest_within([fact.point for fact in facts], reference.point, accept)
    return next((fact for fact in facts if found is not None and fact.run.id == found.id), None)


def lost(found: Findings, fact: Fact) -> Loss | None:
    """What this fact loses against the reference; None for the reference itself, or without one."""
    if found.reference is None or fact.run is found.reference.run:
        return None
    return judging.loss(fact, found.reference, found.pairing)


def _title(found: Findings) -> str:
    best, reference, cost = found.best, found.reference, found.cost
    if not found.facts:
        return "No run is measured yet"
    if found.nothing_valid:
        return "No valid time yet: the machine was busy"
    if reference is None:
        return "The reference is not measured yet"
    if len(found.facts) == 1:
        return "Only the reference is measured yet"
    loss = lost(found, best) if best is not None else None
    if best is None or loss is None or best.gain.low <= 1:
        return f"No run yet is measurably {cost.lack} within {_within(found)}"
    return f"{words.ratio_alone(best.gain)} {cost.gain}, {_loss_in_title(loss, catalog.data_of(best.run))}"


def _within(found: Findings) -> str:
    """`1 point`, and of what, where that does not go without saying."""
    return f"{words.three(found.accept)} point{'s' * (found.accept != 1)}{found.metric.of}"


def _loss_in_title(loss: Loss, row: Dataset) -> str:
    if not loss.told:
        return "nothing measurable lost on validation"
    told = f"{words.points(abs(loss.value), _places(loss))}{row.goodness.of}"
    return f"{told} {'lost' if loss.value > 0 else 'gained'} on validation"


def _contradicted(found: Findings, test: Pairing | None) -> str:
    """That the best loses on the opened test set what validation does not show, for the end of a title; or nothing."""
    best, reference = found.best, found.reference
    if test is None or best is None or reference is None or best.members or best.gain.low <= 1:
        return ""
    loss, seen = lost(found, best), loss_of(reference.run, best.run, test(reference.run, best.run), "test")
    if loss is None or seen is None or not seen.told or seen.value <= 0 or (loss.told and loss.value > 0):
        return ""
    return f", but {words.points(seen.value, _places(seen))}{found.metric.of} lost on test"


def _sentence(found: Findings) -> str:
    """`Fastest within x points of the reference`, answered."""
    best, reference = found.best, found.reference
    if found.nothing_valid:
        return f"{disturbed.said(run.latency for run in found.unsure if run.latency)} {disturbed.REMEDY}"
    if reference is None:
        return "The reference has no valid measurement yet, so nothing can be compared with it."
    if best is None or best is reference:
        return (
            f"Nothing is {found.cost.lack} than the reference and within {_within(found)} of it. Prune less, train "
            "longer, or accept more loss."
        )
    return f"{compare(found, best)} {_certainty(found, best)}".rstrip()


def _certainty(found: Findings, best: Fact) -> str:
    """That the loss of the best may lie beyond what is accepted, and which run's does not; what it was chosen among.

    The fastest of many is chosen because its loss looks small, so its interval promises too much. A search corrects
    for that (`search_confidence.py`); here it is said.
    """
    loss, accepted = lost(found, best), found.accept / 100
    count = sum(fact.gain.low > 1 and fact.verdict != UNSURE for fact in found.facts)
    chosen = f"not corrected for choosing among {count} runs" if count > 1 else ""
    if loss is None or loss.high <= accepted:
        return f"Its interval is {chosen}." if loss is not None and chosen else ""
    reach, shown = 100 * loss.high, _places(loss)
    while round(reach, shown) <= found.accept and shown < MOST_PLACES:
        shown += 1
    told = f"Its interval reaches {reach:.{shown}f} points"
    whole = f"stays within {_within(found)} with its whole interval"
    sure = f"{whole}, {chosen}" if chosen else whole
    near = [fact for fact in found.facts if fact.verdict in (FRONT, TIED) and fact.gain.low > 1]
    for fact in sorted(near, key=lambda one: one.point.cost):
        known = lost(found, fact)
        if known is not None and known.high <= accepted:
            return f"{told}; run {fact.run.id} {sure}: {gain_words(fact.gain, found.cost)}."
    return f"{told}; no {found.cost.lack} run {whole}."


def compare(found: Findings, fact: Fact) -> str:
    """One run against the reference: gain with its interval, loss with its interval, and whether it can be told."""
    loss, cost = lost(found, fact), found.cost
    who = f"Run {fact.run.id}" + (f", the mean of {len(fact.members)} seeds," if fact.members else "")
    gain = f"{who} {cost.verb} **{gain_words(fact.gain, cost)}**"
    row = catalog.data_of(fact.run)
    return f"{gain} and {loss_words(loss, row)}{_not_told(loss, row)}." if loss is not None else f"{gain}."


def loss_words(loss: Loss, row: Dataset) -> str:
    """`loses 0.4 points (-0.1 to 0.9)`, of what where that does not go without saying; it says so when
    the two were not compared item by item.
    """
    verb, amount = ("loses", loss) if loss.value >= 0 else ("gains", loss.turned())
    hundred = Interval(value=100 * amount.value, low=100 * amount.low, high=100 * amount.high)
    unpaired = "" if loss.paired else ", unpaired"
    shown = _places(loss)
    return f"{verb} {words.points(amount.value, shown)}{row.goodness.of} ({words.between(hundred, shown)}{unpaired})"


def lost_alone(loss: Loss) -> str:
    """`0.65 (0.05 to 1.27)`: points lost with their interval, for a column that says what they are."""
    shown, hundred = _places(loss), Interval(value=100 * loss.value, low=100 * loss.low, high=100 * loss.high)
    return f"{hundred.value:z.{shown}f}".replace("-", words.MINUS) + f" ({words.between(hundred, shown)})"


def change(loss: Loss) -> str:
    """The same loss as a change, for Streamlit's metric: `-0.45 points`, rounded as everywhere."""
    text = f"{-100 * loss.value:+z.{_places(loss)}f}"
    return f"{text} points" if float(text) else "0 points"


def _places(loss: Loss) -> int:
    """Decimals of value and ends alike: one, and as many as show that an interval leaves out 0, or passes a point."""
    near, most = 100 * min(abs(loss.low), abs(loss.high)), 100 * loss.high
    shown = 1
    while loss.told and round(near, shown) == 0 and shown < MOST_PLACES:
        shown += 1
    over = FAR_POINTS > round(most, shown) >= 1 and round(most, shown) % 1 == 0 and most > round(most, shown) + 1e-6
    return shown + 1 if over else shown


def evidence(loss: Loss, row: Dataset) -> str:
    """What the loss rests on: the discordant items and the p value of the test, ready to follow a sentence."""
    if loss.pairs is None or loss.p_value is None:
        return ""
    p = "p < 0.001" if loss.p_value < SMALLEST_P else f"p = {loss.p_value:.3f}"
    return f"; of {row.count(loss.n)} {loss.pairs.lost:,} lost, {loss.pairs.gained:,} gained, {p}"


def _not_told(loss: Loss, row: Dataset) -> str:
    if loss.told:
        return ""
    return f": not distinguishable {f'over {loss.seeds} seeds' if loss.seeds > 1 else f'on {row.count(loss.n)}'}"


def gain_words(gain: Interval, cost: Cost) -> str:
    """`2.3x faster (2.2 to 2.4)`, in the words of this cost."""
    if gain.low == gain.high == 1:
        return f"{cost.same} as the reference"
    if words.is_even(gain):
        return f"not distinguishable in {cost.label.lower()} from the reference ({words.between(gain, 2)})"
    if gain.value > 1:
        return words.ratio(gain, cost.gain)
    return words.ratio(Interval(value=1 / gain.value, low=1 / gain.high, high=1 / gain.low), cost.loss)
