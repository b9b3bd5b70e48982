"""The script in a recommender's zip: it ranks what a user has not chosen yet, by title. Light: text only."""

from __future__ import annotations

from . import catalog
from .catalog import Dataset

TITLES = "titles.txt"
"""In the zip, one line per item: too many to stand in the file's metadata."""

INFER = '''"""Recommend with the model.onnx beside this script (onnxruntime, numpy): python infer.py users.npy"""
from pathlib import Path
import sys, numpy as np, onnxruntime as ort
SIDE = {side}  # users (n, SIDE), int64: the user's number, then ids of chosen items from 1, the oldest first, 0 = none
if sys.argv[1:] in (["-h"], ["--help"]): sys.exit(print(__doc__))
if not sys.argv[1:]: print("No file was given: this is for user 0, who has chosen the first item.", file=sys.stderr)
try:
    session = ort.InferenceSession(Path(__file__).with_name("model.onnx"), providers=["CPUExecutionProvider"])
    titles = Path(__file__).with_name("{titles}").read_text("utf-8").splitlines()
    users = np.load(sys.argv[1]).astype(np.int64) if sys.argv[1:] else np.eye(1, SIDE, SIDE - 1, dtype=np.int64)
    if users.shape[1:] != (SIDE,): raise ValueError(f"users of shape {{users.shape}}; needed: (n, {{SIDE}})")
    for row, scores in zip(users, session.run(["logits"], {{"input": users}})[0]):
        scores[row[1:][row[1:] > 0] - 1] = -np.inf  # what was chosen before is not recommended again
        print(int(row[0]), "; ".join(titles[i] for i in np.argsort(-scores)[:10]))
except Exception as error: sys.exit(f"error: {{error}}")
'''


def script(row: Dataset) -> str:
    """For the data of this row; without an argument it serves user 0, who has chosen the first item."""
    return INFER.format(side=row.shape[0], titles=TITLES)


def titles(row: Dataset) -> bytes:
    """One line per item, in the order of the scores."""
    return ("\n".join(" ".join(name.split()) for name in catalog.answers(row)) + "\n").encode()
