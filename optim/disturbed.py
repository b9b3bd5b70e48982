"""Why times are not valid, in one plain sentence for any number of them; the reasons in full stand with each time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from . import validity, words
from .results import Facts, Latency

ONCE = 1
REMEDY = "Time them again while nothing else runs."


def said(times: Iterable[Latency], timings: int = ONCE) -> str:
    """The one cause that says most, over all of these times that are not valid; empty if all are.

    `timings`: how often each was timed.
    """
    doubtful = [time for time in times if not time.valid]
    if not doubtful:
        return ""
    again = f"timed {words.times_said(timings)}, still disturbed: " if timings > ONCE else ""
    told = again + _cause(doubtful) + _attempts(doubtful)
    return told[:1].upper() + told[1:] + "."


def _cause(times: Sequence[Latency]) -> str:
    for tell in (_processor, _cores, _waits, _unseen, _slow, _drift, _unsteady):
        if told := tell([time.facts for time in times if time.facts is not None]):
            return told
    return next((reason for time in times for reason in time.reasons), "something disturbed it")


def _attempts(times: Sequence[Latency]) -> str:
    """Facts are kept of the last attempt of each time."""
    most = max((time.facts.attempt for time in times if time.facts is not None), default=ONCE)
    return f", in the last of {most} attempts" if most > ONCE else ""


def _processor(facts: Sequence[Facts]) -> str:
    shares = [share for one in facts if (share := validity.cpu_lacking(one)) is not None]
    return (
        f"other programs used the processor, the process had only {_span(shares, _percent)} % of it" if shares else ""
    )


def _cores(facts: Sequence[Facts]) -> str:
    busy = [one for one in facts if one.others is not None and one.others > validity.most_others(one.cores)]
    used = [one.others for one in busy if one.others is not None]
    return f"other programs used {_span(used, _one)} of {words.plural(busy[0].cores, 'core')}" if used else ""


def _waits(facts: Sequence[Facts]) -> str:
    many = [one.switches_per_s for one in facts if (one.switches_per_s or 0) > validity.MOST_SWITCHES_PER_S]
    waited = [one.pressure for one in facts if (one.pressure or 0) > validity.MOST_PRESSURE]
    return "other programs took turns with it on the processor" if many or waited else ""


def _unseen(facts: Sequence[Facts]) -> str:
    few = [one for one in facts if one.rounds_quiet is not None and one.rounds_quiet < validity.FEWEST_QUIET]
    return "the processor is shared with others who cannot be seen from here" if few else ""


def _slow(facts: Sequence[Facts]) -> str:
    longer = [one.reference_p50_ms / one.stored_p50_ms - 1 for one in facts if one.stored_p50_ms]
    longer = [share for share in longer if share > validity.MOST_OVER_USUAL]
    return f"the reference took {_span(longer, _percent)} % longer than usual" if longer else ""


def _drift(facts: Sequence[Facts]) -> str:
    drifts = [abs(one.drift) for one in facts if abs(one.drift) > validity.MOST_DRIFT]
    return f"the machine's speed changed by {_span(drifts, _percent)} % meanwhile" if drifts else ""


def _unsteady(facts: Sequence[Facts]) -> str:
    return "the times of single calls differed too much" if facts else ""


def _span(values: Sequence[float], say: Callable[[float], str]) -> str:
    low, high = say(min(values)), say(max(values))
    return low if low == high else f"{low} to {high}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _one(number: float) -> str:
    return f"{number:.1f}"
