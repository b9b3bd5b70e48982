"""Whether a time may be believed: pure functions on the facts of a measurement.

Percentiles hide contention: with two busy loops beside it the percentiles of a short model did not move while its mean
tripled. So most of these limits look at something else than the percentiles. No one of them sees everything: what
takes the core away shows in processor time and switches; what only slows it down (a neighbour on the same physical
core, in the same cache) in the other processes' share and, if it comes or goes, in drift; what was there all along and
belongs to no process of this system (a busy host, a lower clock rate) only against the reference's usual time.
"""

from __future__ import annotations

from collections.abc import Iterable

from .results import Facts

Session = tuple[float, Facts]
"""When it was (seconds since 1970), and what was seen."""

LEAST_CPU_SHARE = 0.96
"""A mean that is 5 % too long for want of a processor leaves 1 / 1.05 = 0.952 of it."""
LEAST_CPU_OF_FULLEST = 0.94
"""Two threads on two cores: left alone 0.95 to 0.99; with one busy process 0.91 to 0.93, with more 0.60 to 0.75."""
MOST_SWITCHES_PER_S = 100.0
"""Busy neighbours took the core over 90 to 700 times a second, this app's own page in a browser 30 to 80 times, which
moved no mean by more than 3.4 % (`bench gate`, on two cores). What they take shows in `cpu_share` as well."""
MOST_OTHERS, MOST_OTHERS_SHARE = 0.35, 0.1
"""Other processes may use a third of a core, or a tenth of a machine of many cores, whichever is more. In bursts on two
cores: up to a third moved the mean by 3.4 % at most (once by 15 %, which the mean over the median told), 0.4 by up to
6 %, and the ratio by 1 %. A page that follows a run uses 0.2."""
MOST_PRESSURE = 0.15
"""With a busy process on every core some process waits 86 to 100 % of the time (measured on two cores)."""
MOST_DRIFT = 0.08
"""A part of the session that is so much slower moves the mean of the whole by less than 5 % if it is half of it."""
MOST_OVER_USUAL = 0.05
"""The mean is then 5 % off too, whatever the cause."""
MOST_MEAN_OVER_P50, LEAST_MEAN_OVER_P50 = 1.13, 0.93
"""Few slow calls raise the mean alone; a quiet machine has 1.04 to 1.12, for each part starts cold. A
mean below the median: more than half of the calls were slow."""
MOST_HALF_WIDTH = 0.05
"""Rounds go on until it is 2 %; what stays wider than this after the most of them was not quiet."""
FEWEST_QUIET = 20
"""Rounds in which the probe ran at full speed (`probe.py`)."""
RECENT, FEWEST = 20, 5
"""So many sessions, at most and at least, say what the reference usually takes ..."""
RECENT_S = 3600.0
"""... those that are no older than this before the newest, as far as there are enough."""


def reasons(facts: Facts) -> tuple[str, ...]:
    """Why this time should not be believed; empty if nothing speaks against it."""
    found = (
        _quiet(facts), _share(facts), _switches(facts), _others(facts), _pressure(facts), _drift(facts), _usual(facts),
        _mean(facts), _width(facts),
    )  # fmt: skip
    return tuple(reason for reason in found if reason)


def usual(sessions: Iterable[Session]) -> float | None:
    """What the reference usually takes, in ms: the lower quartile of its recent clean sessions; newest come first.

    The lower quartile, for what disturbs unseen (a neighbour on the same host) makes slower, never faster, and lasts
    for minutes. A session that is off its usual time counts too where nothing else speaks against it: so a machine
    that became slower for good is believed again after an hour, or once most of the recent sessions agree.
    """
    clean = [(at, one.reference_p50_ms) for at, one in sessions if not reasons(one.with_(stored_p50_ms=None))][:RECENT]
    times = [ms for number, (at, ms) in enumerate(clean) if number < FEWEST or clean[0][0] - at <= RECENT_S]
    return sorted(times)[(len(times) - 1) // 4] if times else None


def _quiet(facts: Facts) -> str:
    if facts.rounds_quiet is None or facts.rounds_quiet >= FEWEST_QUIET:
        return ""
    told = f"{facts.rounds_quiet} of {facts.rounds_played} rounds"
    return f"in only {told} the core was undisturbed: it is shared with others who cannot be seen from here"


def cpu_lacking(facts: Facts) -> float | None:
    """The share of the processor time it should have had, where that was too little."""
    if facts.cpu_share is not None and facts.cpu_share < LEAST_CPU_SHARE:
        return facts.cpu_share
    if facts.cpu_of_fullest is not None and facts.cpu_of_fullest < LEAST_CPU_OF_FULLEST:
        return facts.cpu_of_fullest
    return None


def _share(facts: Facts) -> str:
    lacking = cpu_lacking(facts)
    if lacking is None:
        return ""
    if lacking == facts.cpu_share:
        return f"the process had only {100 * lacking:.0f} % of a processor while the file was called"
    return f"its threads had only {100 * lacking:.0f} % of the processor time of their fullest rounds"


def _switches(facts: Facts) -> str:
    if facts.switches_per_s is None or facts.switches_per_s <= MOST_SWITCHES_PER_S:
        return ""
    return f"other processes took its core over {facts.switches_per_s:.0f} times a second"


def _others(facts: Facts) -> str:
    if facts.others is None or facts.others <= most_others(facts.cores):
        return ""
    return f"other processes used {facts.others:.1f} of {facts.cores} cores meanwhile"


def most_others(cores: int) -> float:
    """So many cores other processes may use."""
    return max(MOST_OTHERS, MOST_OTHERS_SHARE * cores)


def _pressure(facts: Facts) -> str:
    if facts.pressure is None or facts.pressure <= MOST_PRESSURE:
        return ""
    return f"for {100 * facts.pressure:.0f} % of the time some process had to wait for a core"


def _drift(facts: Facts) -> str:
    if abs(facts.drift) <= MOST_DRIFT:
        return ""
    return f"calls became {_changed(facts.drift)} during the measurement"


def _usual(facts: Facts) -> str:
    """Only slower than usual is suspect: nothing that runs beside it makes a file faster."""
    if facts.stored_p50_ms is None or facts.reference_p50_ms <= (1 + MOST_OVER_USUAL) * facts.stored_p50_ms:
        return ""
    longer = 100 * (facts.reference_p50_ms / facts.stored_p50_ms - 1)
    return f"the reference took {longer:.0f} % longer than it usually does on this machine"


def _mean(facts: Facts) -> str:
    if facts.mean_over_p50 > MOST_MEAN_OVER_P50:
        return f"the mean is {facts.mean_over_p50:.2f} times the median: some calls were held up"
    if facts.mean_over_p50 < LEAST_MEAN_OVER_P50:
        return f"the mean is {facts.mean_over_p50:.2f} times the median: most calls were slowed down"
    return ""


def _width(facts: Facts) -> str:
    if facts.half_width <= MOST_HALF_WIDTH:
        return ""
    return f"the ratio to the reference is only known to within {100 * facts.half_width:.0f} %"


def _changed(drift: float) -> str:
    """`drift` is a ratio minus 1; faster is said as the share by which the time fell."""
    return f"{100 * drift:.0f} % slower" if drift > 0 else f"{100 * -drift:.0f} % faster"
