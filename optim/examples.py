"""The runs shipped with the app, so that the first visit shows a true plot. Never mixed with the user's own."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from . import catalog
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
