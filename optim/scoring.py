"""The Score stage: how good a file is in ONNX Runtime, its answers item by item, and the opening of its test set."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from . import catalog, keeping, marks, runtime
from .atomic import write_text
from .cache import sha256
from .catalog import METRICS, Dataset
from .context import read_splits
from .data.splits import Splits
from .errors import Cancelled, GateFailed
from .records import Event, Task
from .results import Result, Share

OPENING = "opening the test set once"


class Scored(NamedTuple):
    shares: dict[str, dict[str, Share]]
    """By split and metric."""
    worth: dict[str, dict[str, np.ndarray]]
    """What each item's answer is, by split and metric, (n,)."""
    answers: dict[str, np.ndarray]
    """What `File.predictions` holds; see `keeping.ask`."""


def score(path: Path, row: Dataset, splits: Splits, names: Sequence[str], threads: int | None = None) -> Scored:
    """Ask the file about these splits; `threads`: as many as torch has when not said."""
    session = runtime.open_session(path, threads=threads or torch.get_num_threads())
    shares, worth, answers = {}, {}, {}
    for name in names:
        told = keeping.ask(session, row, splits, name)
        answers |= told.kept
        worth[name] = told.worth
        shares[name] = {metric: marks.share(worth, METRICS[metric]) for metric, worth in told.worth.items()}
    return Scored(shares, worth, answers)


def open_test(task: Task, report: Callable[[Event], None], cancelled: Callable[[], bool]) -> Result:
    """The recorded result with its score on test, of the very file that was checked; the file stays as it is.

    The answers are added to the folder's `predictions.npz` in one step: what stops before leaves all as it was.
    """
    recorded = task.recorded
    assert recorded is not None, "only a file that is known can be scored again"
    folder, file = Path(task.folder), recorded.file

    def say(message: str) -> None:
        if cancelled():
            raise Cancelled("Opening the test set was stopped on request.", remedy="It stays closed for this run.")
        report(Event(time=time.time(), stage="Score", message=message))

    say("comparing the file with its record")
    path = folder / file.name
    if not path.is_file() or sha256(path) != file.sha256:
        remedy = "Delete the run and make its recipe again."
        raise GateFailed("The file is gone or was changed since it was checked.", given=path.name, remedy=remedy)
    say(OPENING)
    row = catalog.dataset(task.recipe.dataset)
    found = score(path, row, read_splits(row.name), ["test"])
    say("keeping the answers")
    _add_answers(folder / file.predictions, found.answers)
    opened = recorded.with_(file=file.with_(score=marks.opened(file.score, found.shares["test"])))
    write_text(folder / "result.json", opened.to_json())
    return opened


def _add_answers(path: Path, answers: dict[str, np.ndarray]) -> None:
    known: dict[str, np.ndarray] = {}
    if path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            known = dict(kept)
    scratch = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:12]}.npz")
    try:
        np.savez_compressed(scratch, allow_pickle=False, **{**answers, **known})
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)
