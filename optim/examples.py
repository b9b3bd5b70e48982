"""The runs shipped with the app, so that the first visit shows a true plot. Never mixed with the user's own."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

from . import catalog, words
from .errors import StoreError
from .home import ASSETS, shipped_file
from .records import Run, State

LIST = ASSETS / "examples" / "runs.json"


def runs() -> tuple[Run, ...]:
    """The shipped runs in the order of their ids; none when the checkout came without them."""
    try:
        return _read(LIST, LIST.stat().st_mtime_ns)
    except FileNotFoundError:
        return ()


@cache
def _read(listed: Path, changed: int) -> tuple[Run, ...]:
    try:
        found = [Run.model_validate(record) for record in json.loads(listed.read_text("utf-8"))]
    except ValueError as error:
        remedy = "Fetch the project's files again: git checkout assets"
        raise StoreError("The list of example runs is damaged.", given=listed, remedy=remedy) from error
    return tuple(sorted((run for run in found if run.state is State.DONE), key=lambda run: run.id))


def file(run: Run) -> Path:
    """A shipped run's ONNX file."""
    assert run.result is not None, "shipped runs are done"
    return shipped_file(run.result.file.name)


def datasets(shipped: tuple[Run, ...]) -> str:
    """What the shipped runs are about, as words."""
    return " and ".join(dict.fromkeys(catalog.dataset(run.recipe.dataset).label for run in shipped))


def machine(shipped: tuple[Run, ...]) -> str:
    """The processor on which the shipped runs were timed."""
    prints = [run.fingerprint for run in shipped if run.fingerprint is not None]
    return prints[0].processor if prints else ""


def measured_on(machine: str, here: str) -> str:
    """Where examples were timed; another machine may have the same processor as this one, which is called `here`."""
    same = machine == here or machine.startswith(f"{here}, ")
    where = f"another machine with this processor, {machine}" if same else f"{machine}, not on your machine"
    return f"Measured on {where}."


TIMING_S = 15.0
"""What scoring and timing a shipped file takes, about."""


def measuring(shipped: tuple[Run, ...]) -> str:
    """What measuring the shipped files here comes to."""
    first = len({run.project.with_(id=0) for run in shipped})
    made = "the reference, which is" if first == 1 else f"{first} references, which are"
    about = words.duration(60 * math.ceil(len(shipped) * TIMING_S / 60))
    return (
        f"{words.plural(len(shipped), 'run')} will wait on Runs: each scores and times a shipped file on this machine. "
        f"They are compared with {made} made here first. About {about} in all."
    )
