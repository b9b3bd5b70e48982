"""Time of a file, interleaved with the project's reference, in its own process with fixed threads.

A single figure of microseconds repeats badly; the ratio of two files timed in turns repeats well. So each of many
short rounds times both, in random order, and the interval comes from the spread of the rounds' log ratios.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .errors import RunError
from .records import Interval, Latency, Record
from .stats import ratio_interval

ROUNDS = 30
ROUND_MS = 12.0
"""Aimed length of one file's part of a round: short enough that a change of load hits both files."""
FEWEST_CALLS = 720
"""At least this many calls in all: a 99th percentile needs 662."""
ATTEMPTS = 3
SLOW_MS = 100.0
"""From here on a round is `SLOW_CALLS` calls, whatever that leaves for the 99th percentile."""
SLOW_CALLS = 3
TIMEOUT_S = 3600
Call = Callable[[], object]


class Rounds(NamedTuple):
    """`candidate`, `reference`: milliseconds per call, (rounds, calls)."""

    candidate: np.ndarray
    reference: np.ndarray
    cpu_share: float
    """CPU time of the process over wall time while calling."""
    switches: int
    """Involuntary context switches while calling."""


class Timed(Record):
    """What one session found out about both of its files."""

    candidate: Latency
    reference: Latency
    """Its ratio is 1: it is compared with itself."""


def measure(path: Path, reference: Path | None, *, threads: int, batch: int, device: str, seed: int = 0) -> Latency:
    """Time `path` against `reference` (itself when None): the candidate's side of `measure_both`."""
    return measure_both(path, reference, threads=threads, batch=batch, device=device, seed=seed).candidate


def measure_both(path: Path, reference: Path | None, *, threads: int, batch: int, device: str, seed: int = 0) -> Timed:
    """Time `path` against `reference` (itself when None) in a fresh process; raises `RunError` if that fails.

    A measurement that looks disturbed is tried twice more; the last one is returned, marked invalid with reasons.
    """
    request = {"path": str(path), "reference": str(reference or path), "threads": threads, "batch": batch}
    command = [sys.executable, "-m", "optim.latency"]
    process = subprocess.run(
        command, input=json.dumps({**request, "device": device, "seed": seed}), cwd=Path(__file__).parents[1],
        capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip
    if process.returncode:
        tail = process.stderr.strip().splitlines()[-1:] or ["no message"]
        raise RunError(f"The timing process failed: {tail[0]}", remedy="Retry the run; see its log.")
    return Timed.from_json(process.stdout.strip().splitlines()[-1])


def time_rounds(
    candidate: Call, reference: Call, *, seed: int, clock: Callable[[], float] = time.perf_counter
) -> Rounds:
    """Warm both up, then `ROUNDS` rounds of both in random order."""
    calls = [_calls_per_round(call, clock) for call in (candidate, reference)]
    times: list[list[list[float]]] = [[], []]
    order = random.Random(seed)
    before, started = _usage(), clock()
    for _ in range(ROUNDS):
        for which in order.sample((0, 1), 2):
            times[which].append(_time_calls((candidate, reference)[which], calls[which], clock))
    wall, after = clock() - started, _usage()
    share = (after[0] - before[0]) / wall if wall > 0 else 1.0
    return Rounds(np.array(times[0]), np.array(times[1]), share, after[1] - before[1])


def summarize(rounds: Rounds, *, threads: int, batch: int, same: bool) -> Latency:
    """Percentiles over all calls; intervals over the rounds' medians. `same`: the file is the reference itself."""
    calls = rounds.candidate.ravel()
    medians, reference = np.median(rounds.candidate, axis=1), np.median(rounds.reference, axis=1)
    spread = ratio_interval(medians.tolist())
    ratio = Interval(value=1, low=1, high=1) if same else ratio_interval((reference / medians).tolist())
    reasons = disturbances(rounds)
    p50, p90, p99 = (float(v) for v in np.percentile(calls, (50, 90, 99)))
    return Latency(
        p50_ms=p50, p90_ms=p90, p99_ms=p99, mean_ms=float(calls.mean()),
        low_ms=min(spread.low, p50), high_ms=max(spread.high, p50), calls=calls.size, rounds=len(medians),
        threads=threads, batch=batch, valid=not reasons, reasons=reasons, ratio=ratio,
    )  # fmt: skip


def both(rounds: Rounds, *, threads: int, batch: int, same: bool) -> Timed:
    """The summary of each file; the reference's is that of the same rounds, compared with itself."""
    turned = rounds._replace(candidate=rounds.reference)
    return Timed(
        candidate=summarize(rounds, threads=threads, batch=batch, same=same),
        reference=summarize(turned, threads=threads, batch=batch, same=True),
    )


def disturbances(rounds: Rounds) -> tuple[str, ...]:
    """Why these rounds should not be believed; empty if nothing speaks against them."""
    reasons = []
    if rounds.cpu_share < 0.9:
        reasons.append(f"the process had only {100 * rounds.cpu_share:.0f} % of a processor while timing")
    medians = np.median(rounds.reference, axis=1)
    half = len(medians) // 2
    drift = float(np.median(medians[half:]) / np.median(medians[:half]) - 1)
    if abs(drift) > 0.1:
        reasons.append(f"the reference drifted by {100 * drift:+.0f} % during the measurement")
    tail = float(rounds.candidate.mean() / np.median(rounds.candidate))
    if tail > 1.3:
        reasons.append(f"the mean is {tail:.1f} times the median: something else was running")
    return tuple(reasons)


def _calls_per_round(call: Call, clock: Callable[[], float]) -> int:
    """Warm up, then see how many calls fill a round; a slow file is called as seldom as can be."""
    call()
    first_ms = _time_calls(call, 1, clock)[0]
    if first_ms >= SLOW_MS:
        return SLOW_CALLS
    typical_ms = max(float(np.median(_time_calls(call, 30, clock)[10:])), 1e-4)
    return max(round(ROUND_MS / typical_ms), -(-FEWEST_CALLS // ROUNDS))


def _time_calls(call: Call, count: int, clock: Callable[[], float]) -> list[float]:
    times = []
    for _ in range(count):
        started = clock()
        call()
        times.append(1000 * (clock() - started))
    return times


def _usage() -> tuple[float, int]:
    """CPU seconds of this process and its involuntary context switches."""
    try:
        import resource
    except ImportError:
        return time.process_time(), 0
    return time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _main() -> None:
    """The fresh process: request as JSON on stdin, `Timed` as JSON on stdout."""
    from .runtime import open_session

    ask = json.load(sys.stdin)
    same = ask["path"] == ask["reference"]
    sessions = [
        open_session(Path(ask[key]), threads=ask["threads"], device=ask["device"]) for key in ("path", "reference")
    ]
    shape = sessions[0].get_inputs()[0].shape[1:]
    item = np.random.default_rng(ask["seed"]).random((ask["batch"], *shape), dtype=np.float32)
    calls = [lambda s=session: s.run(["logits"], {"input": item}) for session in sessions]
    for attempt in range(ATTEMPTS):
        rounds = time_rounds(calls[0], calls[1], seed=ask["seed"] + attempt)
        timed = both(rounds, threads=ask["threads"], batch=ask["batch"], same=same)
        if timed.candidate.valid:
            break
    print(timed.to_json())


if __name__ == "__main__":
    _main()
