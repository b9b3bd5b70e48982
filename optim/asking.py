"""Ask finished files about one item: a text that was typed, or a user. Runs of one project and its reference.

`python -m optim.asking` answers a `Question` on stdin with an `Asked` on stdout. Heavy room.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import catalog
from .asked import WRONG, Answer, Asked, Question
from .catalog import Dataset
from .errors import ParetoscopeError, RequestError
from .records import Run
from .runtime import logits, open_session
from .store import Store, opened
from .texts import LONGEST, encode, lowered

FIRST = 3
"""Answers that are told where one class is right; of a ranking as many as its metric looks at."""
BEFORE = 5


class _Item(NamedTuple):
    """One item as files take it, and what is told of it."""

    inputs: np.ndarray
    """(1, length)."""
    told: Mapping[str, object]
    """Fields of `Asked`."""
    barred: np.ndarray | None = None
    """Bool (outputs,): what is not recommended again."""


def ask(home: Path, runs: Sequence[int] | int, item: str) -> Asked:
    """The first answers of each run's file, and of their reference's.

    Raises `RequestError` for an empty text, no user of this number, or a run whose model takes neither.
    """
    store = opened(home)
    asked = [_with_a_file(store, number) for number in dict.fromkeys([runs] if isinstance(runs, int) else runs)]
    if not asked:
        raise RequestError("No run was named.", allowed="one run or several of one project")
    row = catalog.data_of(asked[0])
    if other := next((run for run in asked if run.project != asked[0].project), None):
        raise RequestError("Runs of two projects are not asked together.", given=f"runs {asked[0].id} and {other.id}")
    made = {"typed": _text, "numbered": _user}.get(row.traits.asked)
    if made is None:
        raise RequestError(
            "This run's model takes neither a text nor a user.", given=row.label, allowed=_takers(),
            remedy=f"Where runs disagree on {row.items[1]} is shown on the Compare page.",
        )  # fmt: skip
    one = made(row, item.encode("utf-8", "replace").decode("utf-8"))
    reference = store.reference_run(asked[0].project)
    if reference is not None and (reference in asked or not store.has_its_file(reference)):
        reference = None
    first, *others = (_answer(store, run, row, one) for run in asked)
    beside = _answer(store, reference, row, one) if reference is not None else None
    return Asked.model_validate({**one.told, "file": first, "reference": beside, "others": tuple(others)})


def _takers() -> str:
    """The data sets whose items can be asked about."""
    return "runs on " + ", ".join(row.name for row in catalog.DATASETS.values() if row.traits.asked)


def _with_a_file(store: Store, number: int) -> Run:
    run = store.run(number)
    if run.result is None or not store.has_its_file(run):
        raise RequestError("This run has no file to ask.", given=f"run {number}", allowed="done runs")
    return run


def _text(row: Dataset, item: str) -> _Item:
    if not lowered(item):
        raise RequestError(
            f"There is no {row.items[0]} to ask about.", given=repr(item), allowed="at least one character"
        )
    tokens = encode(row, [item])
    tokens = tokens[:, : int((tokens != 0).sum())]
    short, cut = lowered(item)[: tokens.shape[1]], max(len(lowered(item)) - LONGEST, 0)
    unknown = "".join(dict.fromkeys(letter for letter in short if letter not in row.alphabet))
    return _Item(tokens, {"item": short, "unknown": unknown, "cut": cut})


def _user(row: Dataset, item: str) -> _Item:
    """As in validation: what is held out of training is not known to the files."""
    splits = catalog.load(row.function)()
    many = len(splits.validation.inputs)
    number = int(item) if item.strip().isdecimal() and len(item.strip()) < 10 else many
    if number >= many:
        raise RequestError(
            f"There is no {row.items[0]} of this number.",
            given=repr(item),
            allowed=f"a whole number from 0 to {many - 1}",
        )
    inputs, names = splits.validation.inputs[number : number + 1], catalog.answers(row)
    history = [names[place - 1] for place in inputs[0, 1:][::-1] if place][:BEFORE]
    later = tuple(names[place] for place in np.flatnonzero(splits.validation.labels[number]))
    told = {"item": str(number), "chosen": tuple(history), "later": later}
    return _Item(inputs, told, splits.seen["validation"][number])


def _answer(store: Store, run: Run, row: Dataset, one: _Item) -> Answer:
    assert run.result is not None, "only a run with a file is asked"
    told = logits(open_session(store.folder(run.id) / run.result.file.name), one.inputs)[0].astype(np.float64)
    if one.barred is not None:
        told = np.where(one.barred, -np.inf, told)
    shares = np.exp(told - told.max())
    shares /= shares.sum()
    best = np.argsort(-shares, kind="stable")[: row.goodness.cut or FIRST]
    names = catalog.answers(row)
    return Answer(
        run=run.id,
        first=tuple(names[i] for i in best),
        probabilities=tuple(round(float(shares[i]), 4) for i in best),
    )


def _main() -> None:
    question = Question.from_json(sys.stdin.buffer.read())
    try:
        told = ask(Path(question.home), question.runs, question.item)
    except ParetoscopeError as error:
        sys.stderr.buffer.write(str(error).encode())
        sys.exit(WRONG)
    sys.stdout.buffer.write(told.to_json().encode())


if __name__ == "__main__":
    _main()
