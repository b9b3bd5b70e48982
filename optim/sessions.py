"""Which runs are to be timed together with one that waits to be timed again: a small file in its folder. Light."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .atomic import write_text
from .results import Interval, Measurement

FILE = "together.json"


def ask(folder: Path, others: Sequence[int]) -> None:
    """These runs' files are wanted in the next session of the run in this folder."""
    write_text(folder / FILE, json.dumps({"runs": list(others)}))


def asked(folder: Path) -> tuple[int, ...]:
    """The runs wanted in its next session; none where it is to be timed alone."""
    try:
        return tuple(int(number) for number in json.loads((folder / FILE).read_text("utf-8"))["runs"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def forget(folder: Path) -> None:
    """It is timed alone from now on."""
    (folder / FILE).unlink(missing_ok=True)


class Joint(NamedTuple):
    """One session in which all of some runs were timed."""

    name: str
    made_at: float
    times: dict[int, Measurement]
    """By run."""

    def ratio(self, one: int, other: int) -> Interval | None:
        """How many times faster `one` is than `other`, paired by round."""
        return self.times[one].against.get(other)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not to be believed; empty if it is."""
        said = [reason for one in self.times.values() for reason in one.latency.reasons]
        return tuple(dict.fromkeys(said))


def newest(measured: Mapping[int, Sequence[Measurement]]) -> Joint | None:
    """The newest session in which every one of these runs' present files was timed; a valid one wins over others."""
    if len(measured) < 2:
        return None
    by_run = {run: {one.session: one for one in known if one.session} for run, known in measured.items()}
    shared = set.intersection(*(set(known) for known in by_run.values()))
    made = [Joint(n, max(k[n].made_at for k in by_run.values()), {r: k[n] for r, k in by_run.items()}) for n in shared]
    return max(made, key=lambda one: (not one.reasons, one.made_at), default=None)
