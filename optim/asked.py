"""What files answer to one item that somebody names: a text that was typed, or a user.

Light: pages never load ONNX Runtime, so a process of its own asks the files; `asking.py` is that process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import words
from .errors import RequestError, RunError
from .frozen import Record

TIMEOUT_S = 20
"""Of the process; its start takes most of a second, a file a few milliseconds."""
WRONG = 2
"""Its exit code for a wrong request."""


class Question(Record):
    """What the process is told."""

    home: str
    runs: tuple[int, ...]
    item: str


class Answer(Record):
    """What one file says."""

    run: int
    first: tuple[str, ...]
    """The most probable answers, best first: classes, or what a user has not chosen yet."""
    probabilities: tuple[float, ...]
    """Of these, 0 to 1."""


class Asked(Record):
    item: str
    """As the files got it: a text in lower case, cut to the longest length; a user's number."""
    unknown: str = ""
    """Characters of a text that have no token of their own."""
    cut: int = 0
    """Characters at the end of a text that no file looks at."""
    chosen: tuple[str, ...] = ()
    """What a user had chosen before, the newest first; at most five."""
    later: tuple[str, ...] = ()
    """What this user chose next: the positives of validation."""
    file: Answer
    reference: Answer | None = None
    """None where the reference itself is asked, or has no file."""
    others: tuple[Answer, ...] = ()
    """Further runs that were asked with the first one."""


def asked_apart(home: Path, runs: Sequence[int], item: str) -> Asked:
    """What these runs and their reference answer, found out in a process of its own within `TIMEOUT_S` seconds.

    Raises `RequestError` for an item or a run that cannot be asked about, `RunError` where the process fails.
    """
    question = Question(home=str(home), runs=tuple(runs), item=item.encode("utf-8", "replace").decode("utf-8"))
    remedy = "Try again; 'python -m optim doctor' tells whether ONNX Runtime works."
    try:
        child = subprocess.run(
            [sys.executable, "-m", "optim.asking"], input=question.to_json(), cwd=Path(__file__).parents[1],
            capture_output=True, text=True, encoding="utf-8", check=False, timeout=TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RunError(f"The files gave no answer within {TIMEOUT_S} s.", remedy=remedy) from None
    told = (child.stderr if child.returncode else child.stdout).strip().splitlines()[-1:]
    if child.returncode == WRONG and told:
        raise RequestError(told[0])
    if child.returncode or not told:
        raise RunError(f"The files could not be asked: {(told or ['no message'])[0]}", remedy=remedy)
    return Asked.from_json(told[0])


def rows(found: Asked, names: Mapping[int, str]) -> list[dict[str, str]]:
    """One row per place, one column per file, the reference first; `names` calls the runs.

    What a user chose next indeed is said.
    """
    told = [answer for answer in (found.reference, found.file, *found.others) if answer is not None]

    def cell(answer: Answer, place: int) -> str:
        said = answer.first[place]
        share = words.percent(answer.probabilities[place])
        return f"{said}, {share}" + ", chosen next" * (said in found.later)

    return [
        {
            "place": str(place + 1),
            **{names.get(answer.run, f"run {answer.run}"): cell(answer, place) for answer in told},
        }
        for place in range(len(found.file.first))
    ]


def known(found: Asked) -> str:
    """What is known of the item beforehand, in a sentence or two; empty where there is nothing to say."""
    parts = []
    if found.cut:
        parts.append(
            f"Read up to here: {found.item}. No file looks at the {words.plural(found.cut, 'character')} after it."
        )
    if found.unknown:
        parts.append(f"Characters that the model does not know, and takes for one and the same: {found.unknown}.")
    if found.chosen:
        parts.append(f"Chosen last, the newest first: {'; '.join(found.chosen)}.")
    if found.later:
        parts.append(f"Held out, and chosen next: {'; '.join(found.later)}.")
    return " ".join(parts)
