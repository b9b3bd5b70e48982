"""What the system tells about who used the processors: counters, read before and after."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import psutil

PRESSURE = Path("/proc/pressure/cpu")


class Load(NamedTuple):
    """Counters since some moment in the past; only the difference of two readings means anything."""

    wall_s: float
    own_s: float
    """Processor time of this process, all its threads."""
    busy_s: float
    """Processor time of all processes on all cores, time stolen by other virtual machines included.

    Processes that were asked to stand back (nice) are left out: they do, and harm no time (measured).
    """
    switches: int | None
    """How often this process was taken off a core although it had work; None where the system does not tell."""
    waited_s: float | None
    """Time in which some process of the machine had to wait for a core (Linux pressure stall information)."""

    def since(self, before: Load) -> Load:
        """What was counted between `before` and this reading."""
        return Load(
            self.wall_s - before.wall_s,
            self.own_s - before.own_s,
            self.busy_s - before.busy_s,
            None if self.switches is None or before.switches is None else self.switches - before.switches,
            None if self.waited_s is None or before.waited_s is None else self.waited_s - before.waited_s,
        )


def read_load() -> Load:
    """The counters now."""
    times = psutil.cpu_times()
    busy = (getattr(times, name, 0.0) for name in ("user", "system", "irq", "softirq", "steal"))
    return Load(time.perf_counter(), time.process_time(), sum(busy), _switches(), _waited_s())


def _switches() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _waited_s() -> float | None:
    """The line `some avg10=... total=MICROSECONDS`; None on other systems and where the kernel was built without it."""
    try:
        line = PRESSURE.read_text().partition("\n")[0]
    except OSError:
        return None
    return int(line.rpartition("total=")[2]) / 1e6 if "total=" in line else None
