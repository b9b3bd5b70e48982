"""Several files timed in one session: all in turns, in random order, in one fresh process.

Two ratios against the reference from two sessions say little about each other. Timed in turns, the files meet the same
moments of the machine, so the ratio of any two has an interval of its own, from the spread over rounds.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from . import latency
from .errors import RequestError, RunError
from .latency import Call, Rounds
from .records import Interval, Latency, Record
from .stats import ratio_interval

FEWEST, MOST = 2, 7
"""Six runs and the reference."""
SAME = Interval(value=1, low=1, high=1)


class Together(Record):
    """What one session found out, in the order of the files; the first one is the reference."""

    times: tuple[Latency, ...]
    ratios: tuple[tuple[Interval, ...], ...]
    """`ratios[i][j]`: time of file j over time of file i, paired by round; above 1 file i is faster."""


def measure(paths: Sequence[Path], *, threads: int, batch: int, device: str, seed: int = 0) -> Together:
    """Time these files together in a fresh process, the reference first; raises `RunError` if that fails."""
    if not FEWEST <= len(paths) <= MOST:
        raise RequestError("So many files are not timed together.", given=len(paths), allowed=f"{FEWEST} to {MOST}")
    request = {"paths": list(map(str, paths)), "threads": threads, "batch": batch, "device": device, "seed": seed}
    process = subprocess.run(
        [sys.executable, "-m", "optim.together"], input=json.dumps(request), cwd=Path(__file__).parents[1],
        capture_output=True, text=True, check=False, timeout=latency.TIMEOUT_S,
    )  # fmt: skip
    if process.returncode:
        tail = process.stderr.strip().splitlines()[-1:] or ["no message"]
        raise RunError(f"The timing process failed: {tail[0]}", remedy="Try again; see the run's log.")
    return Together.from_json(process.stdout.strip().splitlines()[-1])


def time_rounds(calls: Sequence[Call], *, seed: int, clock: Callable[[], float] = time.perf_counter) -> list[Rounds]:
    """Warm all up, then `ROUNDS` rounds of all in random order; each file's rounds beside the first one's."""
    counts = [latency._calls_per_round(call, clock) for call in calls]  # noqa: SLF001 - one protocol in two modules
    times: list[list[list[float]]] = [[] for _ in calls]
    order, places = random.Random(seed), range(len(calls))
    before, started = latency._usage(), clock()  # noqa: SLF001
    for _ in range(latency.ROUNDS):
        for which in order.sample(places, len(calls)):
            times[which].append(latency._time_calls(calls[which], counts[which], clock))  # noqa: SLF001
    wall, after = clock() - started, latency._usage()  # noqa: SLF001
    share = (after[0] - before[0]) / wall if wall > 0 else 1.0
    arrays = [np.array(one) for one in times]
    return [Rounds(one, arrays[0], share, after[1] - before[1]) for one in arrays]


def summarize(rounds: Sequence[Rounds], *, threads: int, batch: int) -> Together:
    """The summary of each file as if it had been alone with the reference, and the ratio of every pair."""
    times = [latency.summarize(one, threads=threads, batch=batch, same=place == 0) for place, one in enumerate(rounds)]
    medians = [np.median(one.candidate, axis=1) for one in rounds]
    ratios = tuple(
        tuple(SAME if mine is other else ratio_interval((other / mine).tolist()) for other in medians)
        for mine in medians
    )
    return Together(times=tuple(times), ratios=ratios)


def _main() -> None:
    """The fresh process: request as JSON on stdin, `Together` as JSON on stdout."""
    from .runtime import open_session

    ask = json.load(sys.stdin)
    sessions = [open_session(Path(path), threads=ask["threads"], device=ask["device"]) for path in ask["paths"]]
    shape = sessions[0].get_inputs()[0].shape[1:]
    item = np.random.default_rng(ask["seed"]).random((ask["batch"], *shape), dtype=np.float32)
    calls = [lambda s=session: s.run(["logits"], {"input": item}) for session in sessions]
    for attempt in range(latency.ATTEMPTS):
        rounds = time_rounds(calls, seed=ask["seed"] + attempt)
        found = summarize(rounds, threads=ask["threads"], batch=ask["batch"])
        if all(one.valid for one in found.times):
            break
    print(found.to_json())


if __name__ == "__main__":
    _main()
