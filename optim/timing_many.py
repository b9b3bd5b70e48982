"""Times of many files in one go: all are opened in one process and called in turns with one reference.

Meant for staircases, where a hundred files are compared: each gets few rounds, and the reference's share in each round
takes out what the machine does in the meantime. A file that is to be believed by itself is timed by `latency.py`.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from . import probe
from .errors import RunError
from .frozen import Record
from .request import packed, unpacked
from .results import Interval

ROUNDS = 10
PART_MS = 4.0
"""Aimed length of one file's part of a round."""
FEWEST_CALLS = 5
REFERENCES = 3
"""How often a round comes back to the reference."""
QUIET = 0.25
"""Which quantile over rounds stands for a file."""
HALF_WIDTH = 0.7
"""Half a file's 95 % interval over the way from its fastest round to its median one.

By simulation, 40,000 sessions of ten rounds each: what 95 % need is 0.46 to 0.66, over seven shapes of noise (normal,
even, exponential, gamma, lognormal, and other load in a fifth or two fifths of the rounds), on both sides or as the
lowest of three. With it the interval holds 95 to 99 %, and its half is 2.2 to 3 standard errors. Student's t over the
quieter half of the rounds held 84 to 93 %: cutting off the slow half also cuts off what tells of the spread.
"""
CPU_SHARE = 0.9
"""A session that had less of a processor than this was disturbed."""
LOOK_EVERY = 3
"""Parts from one look of the probe to the next: 1.3 to 1.7 % of the time (measured, 25 files in six sessions)."""
LEAST_QUIET = QUIET
"""Share of the looks at full speed: with less the quantile that stands for a file was itself disturbed."""
Call = Callable[[], object]


class Bulk(Record):
    """Median milliseconds of one call, by file and round; the reference's is the lowest of its parts of a round."""

    files: tuple[tuple[float, ...], ...]
    reference: tuple[float, ...]
    cpu_share: float
    """CPU time of the process over wall time while calling, for one thread."""

    quiet: float = 1.0
    """Share of the probe's looks between the parts that saw nobody else on the core (`probe.py`)."""

    @property
    def disturbed(self) -> bool:
        return self.cpu_share < CPU_SHARE or self.quiet < LEAST_QUIET

    def ratios(self) -> list[Interval]:
        """File time over reference time, each in its quiet rounds, with the 95 % interval these repeat within.

        Other load only ever adds time, so the lower quartile over rounds is steadier than their mean.
        """
        base = np.asarray(self.reference)
        return [_ratio(np.asarray(one), base) for one in self.files]


def _ratio(file: np.ndarray, base: np.ndarray) -> Interval:
    """The interval is as wide as the way from the fastest round to the median one, of both sides; see `HALF_WIDTH`."""
    value = float(np.quantile(file, QUIET) / np.quantile(base, QUIET))
    half = HALF_WIDTH * float(np.hypot(*(np.log(np.median(side) / np.min(side)) for side in (file, base))))
    return Interval(value=value, low=value * float(np.exp(-half)), high=value * float(np.exp(half)))


class ManyTimer:
    """The timing process; used as a context, it ends with it. Call it under the measuring lock."""

    def __init__(self, reference: Path, *, threads: int, request: np.ndarray, device: str) -> None:
        self.ask = {"reference": str(reference), "threads": threads, "request": packed(request), "device": device}

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "optim.timing_many"]
        self.process = subprocess.Popen(
            command, cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()  # closes both pipes and waits

    def time(self, paths: Sequence[Path], seed: int) -> Bulk:
        """Time these files in turns; raises `RunError` when the process fails."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        line = json.dumps({**self.ask, "paths": [str(path) for path in paths], "seed": seed})
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except OSError:
            answer = ""
        if not answer:
            raise RunError("The timing process failed.", remedy="See the log beside the request, and ask again.")
        return Bulk.from_json(answer)


def time_all(
    calls: Sequence[Call],
    reference: Call,
    *,
    seed: int,
    clock: Callable[[], float] = time.perf_counter,
    work: Callable[[], None] = probe.work,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Median milliseconds per call, (files, rounds) and (rounds,), in an order drawn anew each round.

    And the share of the looks of the probe, which does `work`, that saw nobody else.
    """
    everyone = [*calls, reference]
    counts = [_calls_per_part(call, clock) for call in everyone]
    order = random.Random(seed)
    last = len(calls)
    found, looks = np.zeros((len(everyone), ROUNDS)), []
    for number in range(ROUNDS):
        turns = [*range(last), *[last] * REFERENCES]
        parts: dict[int, list[float]] = {}
        for place, which in enumerate(order.sample(turns, len(turns))):
            if place % LOOK_EVERY == 0:
                looks.append([probe.look(clock, work)])
            parts.setdefault(which, []).append(_median_ms(everyone[which], counts[which], clock))
        for which, values in parts.items():
            found[which, number] = min(values)
    return found[:-1], found[-1], float(probe.quiet(looks).mean())


def _calls_per_part(call: Call, clock: Callable[[], float]) -> int:
    """Warm up, then see how many calls fill a part."""
    _median_ms(call, 3, clock)
    return max(round(PART_MS / max(_median_ms(call, 5, clock), 1e-4)), FEWEST_CALLS)


def _median_ms(call: Call, count: int, clock: Callable[[], float]) -> float:
    """One call first to bring the file's weights back into the caches."""
    call()
    times = []
    for _ in range(count):
        started = clock()
        call()
        times.append(1000 * (clock() - started))
    return float(np.median(times))


def _serve(line: str) -> Bulk:
    from .runtime import open_session

    ask = json.loads(line)
    paths = [*ask["paths"], ask["reference"]]
    sessions = [open_session(Path(path), threads=ask["threads"], device=ask["device"]) for path in paths]
    item = unpacked(ask["request"])
    calls = [lambda s=session: s.run(["logits"], {"input": item}) for session in sessions]
    cpu, wall = time.process_time(), time.perf_counter()
    files, reference, quiet = time_all(calls[:-1], calls[-1], seed=ask["seed"])
    share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    told = tuple(map(tuple, files.tolist()))
    return Bulk(files=told, reference=tuple(reference.tolist()), cpu_share=share, quiet=quiet)


def _main() -> None:
    """The timing process: one request a line on stdin, one `Bulk` a line on stdout."""
    for line in sys.stdin:
        sys.stdout.write(_serve(line).to_json() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
