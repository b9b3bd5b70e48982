"""A little work of known length between the calls: it tells when the core was shared with somebody nobody here can see.

Two virtual machines on the threads of one physical core slow each other down, for tenths of a second at a time, and
nothing inside tells: no counter, no stolen time, no process. The same few instructions take longer then. On a rented
machine of two cores the probe ran at full speed 45 % of the time; meanwhile an INT8 file took 0.094 to 0.11 ms, else up
to 0.17 ms. Rounds are kept or dropped by the probe alone, never by what they measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

FLOATS, TIMES, LOOKS = 4096, 150, 3
"""About 0.1 ms of vector arithmetic in the first cache, three times."""
FASTEST = 0.02
"""This quantile of all probes is full speed."""
SLOWER = 1.15
"""A probe that took longer than this factor of it met a neighbour."""

_numbers = np.linspace(1.0, 2.0, FLOATS, dtype=np.float32)
_place = np.empty_like(_numbers)


def work() -> None:
    """The same arithmetic, whatever is measured."""
    for _ in range(TIMES):
        np.multiply(_numbers, _numbers, out=_place)


def look(clock: Callable[[], float], do: Callable[[], None] = work) -> float:
    """Seconds of it, the median of a few."""
    found = []
    for _ in range(LOOKS):
        started = clock()
        do()
        found.append(clock() - started)
    return median(found)


def quiet(looks: Sequence[Sequence[float]]) -> np.ndarray:
    """Which rounds had full speed before, between and after their calls; `looks` is (rounds, looks), seconds.

    >>> quiet([[1.0, 1.0], [1.0, 1.5], [1.05, 1.0]]).tolist()
    [True, False, True]
    """
    found = np.asarray(looks)
    return (found <= SLOWER * np.quantile(found, FASTEST)).all(axis=1)
