"""Ask finished files about a text that somebody typed: a run's file and its project's reference. Heavy room."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import catalog
from .catalog import Dataset
from .errors import RequestError
from .frozen import Record
from .records import Run
from .runtime import logits, open_session
from .store import Store, opened
from .texts import encode, lowered

FIRST = 3


class Answer(Record):
    """What one file says."""

    run: int
    classes: tuple[str, ...]
    """The most probable ones, best first."""
    probabilities: tuple[float, ...]


class Asked(Record):
    text: str
    """As the files got it: lower case, cut to the longest length."""
    unknown: str
    """Characters of it that have no token of their own."""
    file: Answer
    reference: Answer | None
    """None where the run is the reference itself."""


def ask(home: Path, run_id: int, text: str) -> Asked:
    """The first three classes of each file. Raises `RequestError` for an empty text, or a run that takes none."""
    store = opened(home)
    run = store.run(run_id)
    row = catalog.dataset(run.recipe.dataset)
    if row.kind != "text":
        raise RequestError("This run's model takes no text.", given=row.label, allowed="runs on texts")
    if not lowered(text):
        raise RequestError("There is no text to ask about.", given=repr(text), allowed="at least one character")
    if run.result is None or not store.has_its_file(run):
        raise RequestError("This run has no file to ask.", given=f"run {run_id}", allowed="done runs")
    reference = store.reference_run(run.project)
    there = reference is not None and reference.id != run.id and store.has_its_file(reference)
    asked = [run, *([reference] if there and reference is not None else [])]
    tokens = encode(row, [text])
    tokens = tokens[:, : int((tokens != 0).sum())]
    answers = [_answer(store, one, row, tokens) for one in asked]
    short = lowered(text)[: tokens.shape[1]]
    unknown = "".join(dict.fromkeys(letter for letter in short if letter not in row.alphabet))
    return Asked(text=short, unknown=unknown, file=answers[0], reference=answers[1] if len(answers) > 1 else None)


def _answer(store: Store, run: Run, row: Dataset, tokens: np.ndarray) -> Answer:
    assert run.result is not None, "only a run with a file is asked"
    told = logits(open_session(store.folder(run.id) / run.result.file.name), tokens)[0].astype(np.float64)
    shares = np.exp(told - told.max())
    shares /= shares.sum()
    best = np.argsort(-shares, kind="stable")[:FIRST]
    return Answer(
        run=run.id,
        classes=tuple(row.classes[i] for i in best),
        probabilities=tuple(round(float(shares[i]), 4) for i in best),
    )
