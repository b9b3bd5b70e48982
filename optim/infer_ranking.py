"""The script in a recommender's zip: it ranks what a user has not chosen yet, by title. Light: text and numpy only."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from . import catalog
from .catalog import Dataset

TITLES = "titles.txt"
"""In the zip, one line per item: too many to stand in the file's metadata."""
SEEN = "seen.txt"
"""In the zip, what is not recommended again: an input's row has room for the newest ids only, and many chose more."""

INFER = '''"""Recommend with the model.onnx beside this script (onnxruntime, numpy): python infer.py [users.npy]"""
from pathlib import Path
import sys, numpy as np, onnxruntime as ort
SIDE = {side}  # users (n, SIDE), int64: the user's number, then ids of chosen items from 1, the oldest first, 0 = none
if sys.argv[1:] in (["-h"], ["--help"]): sys.exit(print(__doc__))
try:
    session = ort.InferenceSession(Path(__file__).with_name("model.onnx"), providers=["CPUExecutionProvider"])
    titles, told = (Path(__file__).with_name(n).read_text("utf-8").splitlines() for n in ("{titles}", "{seen}"))
    seen = {{int(who): [*map(int, ids.split())] for who, _, ids in (line.partition(":") for line in told)}}  # add yours
    if sys.argv[1:] and not Path(sys.argv[1]).is_file(): raise ValueError(f"no file {{sys.argv[1]}}; needed: users.npy")
    users = np.load(sys.argv[1]) if sys.argv[1:] else [[who, *([0] * SIDE + seen[who])[1 - SIDE:]] for who in seen]
    users = np.array(users, dtype=np.int64)
    most = [{users}] + [len(titles)] * (SIDE - 1)  # the highest user's number, and the highest ids
    if users.ndim != 2 or users.shape[1] != SIDE or (users < 0).any() or (users > most).any():
        raise ValueError(f"needed: users (n, {{SIDE}}): a number up to {{most[0]}}, then ids up to {{most[1]}}")
    for row, scores in zip(users, session.run(["logits"], {{"input": users}})[0]):
        scores[(known := np.setdiff1d([*row[1:], *seen.get(int(row[0]), [])], 0).astype(int)) - 1] = -np.inf
        print(f"user {{row[0]}}: left out {{len(known)}} items, those in the row and in {seen}", file=sys.stderr)
        print(int(row[0]), "; ".join(titles[i] for i in np.argsort(-scores)[:10]))
except Exception as error: sys.exit(f"error: {{error}}")
'''


def script(row: Dataset) -> str:
    """For the data of this row; without an argument it serves the users of `SEEN`."""
    return INFER.format(side=row.shape[0], titles=TITLES, seen=SEEN, users=row.sizes["validation"] - 1)


def extras(row: Dataset) -> dict[str, bytes]:
    """The files that the script reads, by name."""
    return {TITLES: titles(row), SEEN: seen(row, example(row))}


def titles(row: Dataset) -> bytes:
    """One line per item, in the order of the scores."""
    return ("\n".join(" ".join(name.split()) for name in catalog.answers(row)) + "\n").encode()


@lru_cache(maxsize=8)
def example(row: Dataset) -> int:
    """The first user of validation who had chosen more than a row of the inputs holds; else user 0."""
    return int((_seen(row)[1].sum(1) >= row.shape[0]).argmax())


@lru_cache(maxsize=8)
def seen(row: Dataset, user: int) -> bytes:
    """A line of `SEEN`: the user's number, then all ids from 1 that validation leaves out, those of the row last."""
    inputs, known = _seen(row)
    told = inputs[user, 1:][inputs[user, 1:] > 0]
    ids = [*np.setdiff1d(np.flatnonzero(known[user]) + 1, told), *told]
    return f"{user}: {' '.join(map(str, ids))}\n".encode()


def _seen(row: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Of the users of validation the inputs, and which items a ranking leaves out, bool (users, items)."""
    splits = catalog.load(row.function)()
    return splits.validation.inputs, splits.seen["validation"]
