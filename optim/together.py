"""Several files timed in one session: all in turns, in random order, in one fresh process.

Two ratios against the reference from two sessions say little about each other. Timed in turns, the files meet the same
moments of the machine, so the ratio of any two has an interval of its own: from the spread over rounds, and from how
far two copies of one file are apart in one process, which no round shows.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from . import latency
from .errors import RequestError, RunError
from .frozen import Record
from .latency import Setting
from .request import packed, unpacked
from .results import Interval, Latency
from .rounds import CONFIDENCE, Rounds, time_together
from .stats import WITHIN_PROCESS, across_sessions, ratio_interval

FEWEST, MOST = 2, 7
"""Six runs and the reference."""
SAME = Interval(value=1, low=1, high=1)


class Ask(Record):
    """What the fresh process is told."""

    paths: tuple[str, ...]
    """The reference first."""
    threads: int
    request: str
    """What the files are called with, packed."""
    device: str
    seed: int = 0
    usual_ms: float | None = None
    """What the reference usually takes under the same fingerprint."""


class Together(Record):
    """What one session found out, in the order of the files; the first one is the reference."""

    times: tuple[Latency, ...]
    ratios: tuple[tuple[Interval, ...], ...]
    """`ratios[i][j]`: time of file j over time of file i, paired by round; above 1 file i is faster."""


def measure(
    paths: Sequence[Path],
    *,
    threads: int,
    request: np.ndarray,
    device: str,
    seed: int = 0,
    usual_ms: float | None = None,
) -> Together:
    """Time these files together in a fresh process, the reference first; raises `RunError` if that fails.

    All are called with `request`, (batch, *shape of an item).
    A session that looks disturbed is tried twice more; the last one is returned, marked invalid with reasons.
    """
    if not FEWEST <= len(paths) <= MOST:
        raise RequestError("So many files are not timed together.", given=len(paths), allowed=f"{FEWEST} to {MOST}")
    files = tuple(map(str, paths))
    asked = packed(request)
    ask = Ask(paths=files, threads=threads, request=asked, device=device, seed=seed, usual_ms=usual_ms)
    process = subprocess.run(
        [sys.executable, "-m", "optim.together"], input=ask.to_json(), cwd=Path(__file__).parents[1],
        capture_output=True, text=True, check=False, timeout=latency.TIMEOUT_S,
    )  # fmt: skip
    if process.returncode:
        tail = process.stderr.strip().splitlines()[-1:] or ["no message"]
        raise RunError(f"The timing process failed: {tail[0]}", remedy="Try again; see the run's log.")
    return Together.from_json(process.stdout.strip().splitlines()[-1])


def summarize(rounds: Sequence[Rounds], *, threads: int, batch: int, setting: Setting = Setting()) -> Together:  # noqa: B008
    """The summary of each file as if it had been alone with the reference, and the ratio of every pair."""
    times = [
        latency.summarize(one, threads=threads, batch=batch, same=place == 0, setting=setting)
        for place, one in enumerate(rounds)
    ]
    medians = [np.median(one.candidate, axis=1) for one in rounds]
    ratios = tuple(tuple(SAME if mine is other else _ratio(mine, other) for other in medians) for mine in medians)
    return Together(times=tuple(times), ratios=ratios)


def _ratio(mine: np.ndarray, other: np.ndarray) -> Interval:
    """Of two files' medians, (rounds,) each."""
    return across_sessions(ratio_interval((other / mine).tolist(), CONFIDENCE), WITHIN_PROCESS)


def _main() -> None:
    """The fresh process: `Ask` as JSON on stdin, `Together` as JSON on stdout."""
    from .runtime import open_session

    ask = Ask.from_json(sys.stdin.read())
    sessions = [open_session(Path(path), threads=ask.threads, device=ask.device) for path in ask.paths]
    item = unpacked(ask.request)
    calls = [lambda s=session: s.run(["logits"], {"input": item}) for session in sessions]

    def once(attempt: int) -> Together:
        rounds = time_together(calls, seed=ask.seed + attempt - 1)
        setting = Setting(ask.device, ask.usual_ms, attempt)
        return summarize(rounds, threads=ask.threads, batch=len(item), setting=setting)

    found = once(1)
    for attempt in range(2, latency.ATTEMPTS + 1):
        if all(one.valid for one in found.times):
            break
        time.sleep(latency.PAUSES_S[min(attempt - 2, len(latency.PAUSES_S) - 1)])
        found = once(attempt)
    print(found.to_json())


if __name__ == "__main__":
    _main()
