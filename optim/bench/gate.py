"""`bench gate`: whether a time that is wrong is ever taken for a valid one, and how often a right one is refused.

Measurements with and without a busy neighbour follow each other in random order. The neighbour starts at a random
moment of the measurement, in some before it, and stays; it is one to four plain processes that are not asked to stand
back. A neighbour of a part of the time works in bursts, as a page in a browser does: most of these move no time by an
amount that counts, and how many are refused all the same is told too. What is undisturbed is the median of the valid
measurements that it left alone. Each is tried as often as in a run, and two numbers of it are judged: the mean time,
and the ratio to the reference, which is what pages show.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import psutil

from .. import catalog, jobs, latency, request, validity
from ..context import read_splits
from ..errors import RequestError
from ..locks import measuring_lock
from ..results import Latency
from . import median_spread, report
from .latency import files

BUSY = {"plain": "x = 0; step = lambda x: x", "numpy": (
    "import numpy as np; x = np.random.rand(2_000_000); step = lambda x: np.roll(x, 1) * 1.0000001"
)}  # fmt: skip
"""One works in registers, the other walks through 16 MB of memory again and again."""
BURSTS = """
import random, time
duty = {duty}
while True:
    begun = time.perf_counter()
    until = begun + random.uniform(0.03, 0.09)
    while duty == 1 or time.perf_counter() < until:
        x = step(x)
    time.sleep((time.perf_counter() - begun) * (1 - duty) / duty)
"""
DUTIES = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Of a core: what a page that is open uses, and somewhat more."""
PART = "part of the time"
DISTORTED = 0.05
"""A mean or a ratio that is further off its undisturbed value counts as distorted."""
FIRST = 5
"""Undisturbed measurements ahead of all others, so that the reference's usual time is known."""


class Trial(NamedTuple):
    """One measurement of the benchmark."""

    kind: str
    """"clean", "midway", "from the start" or "part of the time"."""
    busy: tuple[str, ...]
    """Its neighbours, by `BUSY`."""
    delay_s: float
    """From the start of the measurement to theirs."""
    duty: float = 1.0
    """The share of the time in which each of them works."""


class Off(NamedTuple):
    """How far two numbers of a measurement are off their undisturbed values, as shares."""

    mean: float
    ratio: float

    @property
    def distorted(self) -> bool:
        return max(abs(self.mean), abs(self.ratio)) > DISTORTED


class Outcome(NamedTuple):
    trial: Trial
    latency: Latency
    seconds: float
    at: float = 0.0
    """Seconds since 1970."""


def main(
    json: bool = False,
    *,
    disturbed: int = 50,
    from_the_start: int = 10,
    clean: int = 30,
    part_time: int = 30,
    dataset: str = "fashion-mnist",
    model: str = "resnet8",
    width: float = 1.0,
    threads: int = 1,
    seed: int = 0,
) -> None:
    """Disturb measurements on purpose: how many distorted ones pass as valid, how many clean ones are refused.

    Each is tried, as always, up to three times; the neighbour stays.
    """
    if not 0 <= from_the_start <= disturbed or clean < FIRST or part_time < 0:
        given = f"{from_the_start} of {disturbed} disturbed from the start, {clean} clean, {part_time} part of the time"
        allowed = f"as many or fewer from the start than disturbed, {FIRST} or more clean, none below 0"
        raise RequestError("The benchmark needs trials that fit together.", given=given, allowed=allowed)
    jobs.check_machine(dataset, jobs.Target(threads=threads))
    with tempfile.TemporaryDirectory() as folder:
        reference, candidate = files(Path(folder), dataset, model, width)
        item = request.real(catalog.dataset(dataset), read_splits(dataset), 1)
        planned = trials(disturbed, from_the_start, clean, random.Random(seed), part_time)
        outcomes = measured(planned, candidate, reference, item, threads)
    report("gate", {"files": f"{dataset} {model}:{width:g}", "file_threads": threads, **summary(outcomes)}, json)


def trials(
    disturbed: int, from_the_start: int, clean: int, dice: random.Random, part_time: int = 0
) -> list[Trial]:  # fmt: skip
    """The clean ones to begin with, then all others shuffled. Delays are shares of a measurement's time."""
    kinds = ["clean"] * (clean - FIRST) + ["from the start"] * from_the_start
    kinds += ["midway"] * (disturbed - from_the_start) + [PART] * part_time
    dice.shuffle(kinds)
    return [_trial(kind, dice) for kind in ["clean"] * FIRST + kinds]


def _trial(kind: str, dice: random.Random) -> Trial:
    """One neighbour leaves a core free, twice as many as cores leave none."""
    if kind == PART:
        return Trial(kind, (dice.choice(sorted(BUSY)),), 0.0, dice.choice(DUTIES))
    busy = tuple(dice.choice(sorted(BUSY)) for _ in range(dice.randint(1, 2 * (psutil.cpu_count() or 1))))
    return Trial(kind, () if kind == "clean" else busy, dice.random() if kind == "midway" else 0.0)


def measured(
    planned: Sequence[Trial], candidate: Path, reference: Path, item: np.ndarray, threads: int = 1
) -> list[Outcome]:
    """Each in its turn; the reference's usual time is what the measurements before it say, as in the store."""
    outcomes: list[Outcome] = []
    for number, trial in enumerate(planned):
        known = [(one.at, one.latency.facts) for one in reversed(outcomes) if one.latency.facts]
        usual_s = median([one.seconds for one in outcomes if one.trial.kind == "clean"] or [2.0])
        with measuring_lock(), _neighbours(trial, usual_s):
            started = time.perf_counter()
            timed = latency.measure_both(
                candidate, reference, threads=threads, request=item, device="cpu", seed=number,
                usual_ms=validity.usual(known), attempts=latency.ATTEMPTS,
            )  # fmt: skip
            outcomes.append(Outcome(trial, timed.candidate, time.perf_counter() - started, time.time()))
        _say(number + 1, len(planned), outcomes[-1])
    return outcomes


def summary(outcomes: Sequence[Outcome]) -> dict:
    """Counts and, of every distorted measurement that passed as valid, what is known of it.

    A measurement that the benchmark left alone and that is off all the same was disturbed by what it cannot see, a
    neighbour on the same host: it counts as distorted, and to refuse it is right.
    """
    alone = [one for one in outcomes if one.trial.kind == "clean"]
    beside = [one for one in outcomes if one.trial.kind == PART]
    disturbed = [one for one in outcomes if one.trial.kind not in ("clean", PART)]
    off = _off(outcomes, [one for one in alone if one.latency.valid] or alone)
    distorted = [one for one in outcomes if off[id(one)].distorted]
    clean = [one for one in alone if not off[id(one)].distorted]
    slipped = [one for one in distorted if one.latency.valid]
    return {
        "slipped": len(slipped),
        "distorted": len(distorted),
        "distorted_ratio": sum(abs(off[id(one)].ratio) > DISTORTED for one in outcomes),
        "disturbed": len(disturbed),
        "disturbed_from_the_start": sum(one.trial.kind == "from the start" for one in disturbed),
        "disturbed_and_refused": sum(not one.latency.valid for one in disturbed),
        "refused_clean": sum(not one.latency.valid for one in clean),
        "clean": len(clean),
        "clean_tried_again": sum(one.latency.facts is not None and one.latency.facts.attempt > 1 for one in clean),
        "left_alone_but_distorted": len(alone) - len(clean),
        "part_time": len(beside),
        "part_time_distorted": sum(off[id(one)].distorted for one in beside),
        "part_time_refused_though_right": sum(not one.latency.valid and not off[id(one)].distorted for one in beside),
        "undisturbed_mean_ms": median_spread([one.latency.mean_ms for one in clean]),
        "off_percent_of_disturbed": median_spread([100 * off[id(one)].mean for one in disturbed])
        if disturbed
        else None,
        "seconds_of_clean": median_spread([one.seconds for one in clean]),
        "slips": [_told(one, off[id(one)]) for one in slipped],
        "refusals_of_clean": [_told(one, off[id(one)]) for one in clean if not one.latency.valid],
        "trials": [_told(one, off[id(one)]) for one in outcomes],
    }


def _off(outcomes: Sequence[Outcome], right: Sequence[Outcome]) -> dict[int, Off]:
    """Of each outcome, by its `id`; `right` is undisturbed."""
    mean_ms = median(one.latency.mean_ms for one in right)
    ratio = median(one.latency.ratio.value for one in right)
    return {id(one): Off(one.latency.mean_ms / mean_ms - 1, one.latency.ratio.value / ratio - 1) for one in outcomes}


def _told(one: Outcome, off: Off) -> dict:
    facts = one.latency.facts.model_dump(mode="json") if one.latency.facts else {}
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in facts.items()}
    return {
        "kind": one.trial.kind, "neighbours": list(one.trial.busy), "duty": one.trial.duty,
        "off_percent": round(100 * off.mean, 1), "ratio": round(one.latency.ratio.value, 4),
        "ratio_off_percent": round(100 * off.ratio, 1),
        "valid": one.latency.valid, "reasons": list(one.latency.reasons), "facts": rounded,
    }  # fmt: skip


def _say(number: int, count: int, one: Outcome) -> None:
    verdict = "valid" if one.latency.valid else "; ".join(one.latency.reasons)
    told = f"{number} of {count}, {one.trial.kind}, {len(one.trial.busy)} busy: {one.latency.mean_ms:.4f} ms, {verdict}"
    print(told, file=sys.stderr)


@contextmanager
def _neighbours(trial: Trial, usual_s: float) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """Start the trial's busy processes at its moment, and end them after the block."""
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        bursts = BURSTS.format(duty=trial.duty)
        running.extend(subprocess.Popen([sys.executable, "-c", BUSY[name] + bursts]) for name in trial.busy)

    timer = threading.Timer(trial.delay_s * usual_s, start)
    if trial.kind in ("from the start", PART):
        start()
        time.sleep(0.5)
    elif trial.busy:
        timer.start()
    try:
        yield running
    finally:
        timer.cancel()
        if timer.ident is not None:
            timer.join()
        for process in running:
            process.kill()
            process.wait()
