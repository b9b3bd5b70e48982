"""Time of a file, interleaved with the project's reference, in its own process with fixed threads.

A single figure of microseconds repeats badly; the ratio of two files timed in turns repeats well. So each of many
short rounds times both, in random order (`rounds.py`); the interval comes from the spread of the rounds' log ratios,
and from that between sessions, which one session cannot see (`stats.BETWEEN_SESSIONS`).
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from . import validity
from .errors import RunError
from .frozen import Record
from .request import packed, unpacked
from .results import Facts, Interval, Latency
from .rounds import CONFIDENCE, Rounds, time_rounds
from .stats import BETWEEN_SESSIONS, TIMES_BETWEEN_SESSIONS, across_sessions, ratio_interval

ATTEMPTS = 3
PAUSES_S = (0.5, 2.0)
"""Before the second and the third attempt: what disturbed the one before has time to pass."""
BLOCKS = 6
"""Parts of a session that drift is looked for in: what fills a sixth of it moves that part's median."""
TIMEOUT_S = 3600


class Timed(Record):
    """What one session found out about both of its files."""

    candidate: Latency
    reference: Latency
    """Its ratio is 1: it is compared with itself."""


class Ask(Record):
    """What the fresh process is told."""

    path: str
    reference: str
    threads: int
    request: str
    """What the files are called with, packed."""
    device: str
    seed: int = 0
    usual_ms: float | None = None
    """What the reference usually takes under the same fingerprint."""
    attempts: int = ATTEMPTS


class Setting(NamedTuple):
    """What else the verdict on a session depends on."""

    device: str = "cpu"
    usual_ms: float | None = None
    """What the reference usually takes under the same fingerprint."""
    attempt: int = 1


def measure(
    path: Path, reference: Path | None, *, threads: int, request: np.ndarray, device: str, seed: int = 0
) -> Latency:
    """Time `path` against `reference` (itself when None): the candidate's side of `measure_both`."""
    return measure_both(path, reference, threads=threads, request=request, device=device, seed=seed).candidate


def measure_both(
    path: Path,
    reference: Path | None,
    *,
    threads: int,
    request: np.ndarray,
    device: str,
    seed: int = 0,
    usual_ms: float | None = None,
    attempts: int = ATTEMPTS,
) -> Timed:
    """Time `path` against `reference` (itself when None) in a fresh process; raises `RunError` if that fails.

    Both are called with `request`, (batch, *shape of an item).
    A measurement that looks disturbed is tried twice more; the last one is returned, marked invalid with reasons.
    """
    ask = Ask(
        path=str(path), reference=str(reference or path), threads=threads, request=packed(request), device=device,
        seed=seed, usual_ms=usual_ms, attempts=attempts,
    )  # fmt: skip
    process = subprocess.run(
        [sys.executable, "-m", "optim.latency"], input=ask.to_json(), cwd=Path(__file__).parents[1],
        capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip
    if process.returncode:
        tail = process.stderr.strip().splitlines()[-1:] or ["no message"]
        raise RunError(f"The timing process failed: {tail[0]}", remedy="Retry the run; see its log.")
    return Timed.from_json(process.stdout.strip().splitlines()[-1])


def believed(once: Callable[[int], Timed], attempts: int, sleep: Callable[[float], None] = time.sleep) -> Timed:
    """The first of `once(1)`, `once(2)` ... whose candidate is valid, else the last of `attempts`."""
    for attempt in range(1, attempts):
        timed = once(attempt)
        if timed.candidate.valid:
            return timed
        sleep(PAUSES_S[min(attempt, len(PAUSES_S)) - 1])
    return once(attempts)


def both(rounds: Rounds, *, threads: int, batch: int, same: bool, setting: Setting = Setting()) -> Timed:  # noqa: B008
    """The summary of each file; the reference's is that of the same rounds, compared with itself."""
    return Timed(
        candidate=summarize(rounds, threads=threads, batch=batch, same=same, setting=setting),
        reference=summarize(rounds.turned, threads=threads, batch=batch, same=True, setting=setting),
    )


def summarize(
    rounds: Rounds,
    *,
    threads: int,
    batch: int,
    same: bool,
    setting: Setting = Setting(),  # noqa: B008 - a frozen value
) -> Latency:
    """Percentiles over all calls; intervals over the rounds' medians. `same`: the file is the reference itself."""
    calls = rounds.candidate.ravel()
    medians, reference = rounds.medians
    spread = across_sessions(ratio_interval(medians.tolist(), CONFIDENCE), TIMES_BETWEEN_SESSIONS)
    ratio = across_sessions(ratio_interval((reference / medians).tolist(), CONFIDENCE))
    if same:
        ratio = Interval(value=1, low=1, high=1)
    facts = facts_of(rounds, threads, setting)
    reasons = validity.reasons(facts)
    p50, p90, p99 = (float(v) for v in np.percentile(calls, (50, 90, 99)))
    return Latency(
        p50_ms=p50, p90_ms=p90, p99_ms=p99, mean_ms=float(calls.mean()),
        low_ms=min(spread.low, p50), high_ms=max(spread.high, p50), calls=calls.size, rounds=len(medians),
        threads=threads, batch=batch, valid=not reasons, reasons=reasons, ratio=ratio, facts=facts,
    )  # fmt: skip


def facts_of(rounds: Rounds, threads: int, setting: Setting) -> Facts:
    """What the rounds and the system's counters say, before anybody judges it."""
    load, wall_s = rounds.load, max(rounds.load.wall_s, 1e-9)
    medians, reference = rounds.medians
    ratio, on_cpu = ratio_interval((reference / medians).tolist(), CONFIDENCE), setting.device == "cpu"
    return Facts(
        attempt=setting.attempt,
        seconds=load.wall_s,
        cores=psutil.cpu_count() or 1,
        cpu_share=rounds.candidate_cpu if threads == 1 and on_cpu else None,
        cpu_of_fullest=rounds.candidate_cpu / max(rounds.candidate_fullest, 1e-9) if threads > 1 and on_cpu else None,
        switches_per_s=None if load.switches is None else load.switches / wall_s,
        others=max(load.busy_s - load.own_s, 0.0) / wall_s,
        pressure=None if load.waited_s is None else load.waited_s / wall_s,
        drift=drift(rounds),
        reference_p50_ms=float(np.median(rounds.reference)),
        stored_p50_ms=setting.usual_ms,
        mean_over_p50=float(rounds.candidate.mean() / np.median(rounds.candidate)),
        half_width=math.log(ratio.high / ratio.low) / 2,
        rounds_played=rounds.played or None,
        rounds_quiet=rounds.quiet if rounds.played else None,
        between_sessions=BETWEEN_SESSIONS,
    )


def drift(rounds: Rounds) -> float:
    """How the calls' time changed between the fastest and the slowest sixth of the session, as a ratio minus 1.

    Both files count, each by round in units of its own median, so that what hits either of them shows.
    """
    levels = sum(np.log(medians / np.median(medians)) for medians in rounds.medians) / 2
    parts = [float(np.median(part)) for part in np.array_split(levels, BLOCKS)]
    low, high = int(np.argmin(parts)), int(np.argmax(parts))
    change = math.expm1(parts[high] - parts[low])
    return change if high > low else -change / (1 + change)


def _main() -> None:
    """The fresh process: `Ask` as JSON on stdin, `Timed` as JSON on stdout."""
    from .runtime import open_session

    ask = Ask.from_json(sys.stdin.read())
    sessions = [open_session(Path(file), threads=ask.threads, device=ask.device) for file in (ask.path, ask.reference)]
    item = unpacked(ask.request)
    one, other = ((lambda s=session: s.run(["logits"], {"input": item})) for session in sessions)

    def once(attempt: int) -> Timed:
        rounds = time_rounds(one, other, seed=ask.seed + attempt - 1)
        setting = Setting(ask.device, ask.usual_ms, attempt)
        return both(rounds, threads=ask.threads, batch=len(item), same=ask.path == ask.reference, setting=setting)

    print(believed(once, ask.attempts).to_json())


if __name__ == "__main__":
    _main()
