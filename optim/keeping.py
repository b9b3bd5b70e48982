"""What is kept of a file's answers: labels, truth and confidence of each item, and the items they were given."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime

from . import marks, runtime, texts
from .answers import FILE, items_file
from .catalog_data import Dataset
from .data.splits import Split, Splits

ITEMS_HIGH = 20_000
"""No more items than this are kept for the screen; 4,000 pictures of 28x28 take 3 MB."""

UNSTEADY = 0.005
"""Share of answers that another number of threads may change: sums are taken in another order."""


class Told(NamedTuple):
    """What a file answers to one split."""

    worth: dict[str, np.ndarray]
    """By metric, (n,): see `marks.of`."""
    kept: dict[str, np.ndarray]
    """By the name it has in `predictions.npz`, (n,) each. Of classes: `SPLIT` the label predicted, `SPLIT_labels` the
    true one, uint8, and of validation `SPLIT_confidence`, the probability of the answer, float16. Of rankings: `SPLIT`
    what each user's is worth by the metric of the data set, `SPLIT_METRIC` by each further one, float32, and
    `SPLIT_seen` how many items the user had chosen before, int32."""


def ask(session: onnxruntime.InferenceSession, row: Dataset, splits: Splits, name: str) -> Told:
    """What the file answers to each item of this split, and what that is worth."""
    split: Split = getattr(splits, name)
    seen = (splits.seen or {}).get(name)
    logits = _each(session, split.inputs) if row.traits.alone else runtime.logits(session, split.inputs)
    worth = marks.of(logits, split.labels, (row.metric, *row.further), seen)
    if row.ranks:
        kept = {name: worth[row.metric], **{f"{name}_{metric}": worth[metric] for metric in row.further}}
        return Told(worth, kept if seen is None else {**kept, f"{name}_seen": seen.sum(1).astype(np.int32)})
    kept = {name: logits.argmax(1).astype(np.uint8), f"{name}_labels": split.labels.astype(np.uint8)}
    return Told(worth, {**kept, f"{name}_confidence": _confidence(logits)} if name == "validation" else kept)


def _each(session: onnxruntime.InferenceSession, inputs: np.ndarray) -> np.ndarray:
    """Float32 (n, classes), one item a call; without padding at its end where the file takes any length."""
    if isinstance(session.get_inputs()[0].shape[1], int):
        return runtime.logits(session, inputs, 1)
    lengths = np.maximum((inputs != texts.PADDING).sum(1), 1)
    each = (item[None, :length] for item, length in zip(inputs, lengths, strict=True))
    return np.concatenate([runtime.logits(session, item, 1) for item in each])


def _confidence(logits: np.ndarray) -> np.ndarray:
    """The softmax probability that the file gives its own answer, float16 (n,)."""
    logits = logits.astype(np.float64)
    return (1 / np.exp(logits - logits.max(1, keepdims=True)).sum(1)).astype(np.float16)


def complete(folder: Path, model: Path, row: Dataset, splits: Splits) -> bool:
    """Add what an older version did not keep, from the file as it is; the answers stay, test is not opened.

    Whether anything was added. A file whose answers are not those that were kept is left alone.
    """
    if row.ranks or not (folder / FILE).is_file():
        return False
    with np.load(folder / FILE, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    if {"validation_labels", "validation_confidence"} <= arrays.keys():
        return False
    told = ask(runtime.open_session(model), row, splits, "validation").kept
    if (told["validation"] != arrays["validation"]).mean() > UNSTEADY:
        return False
    for name in ("validation", "test"):
        if name in arrays:
            arrays[f"{name}_labels"] = getattr(splits, name).labels.astype(np.uint8)
    _save(folder / FILE, {**arrays, "validation_confidence": told["validation_confidence"]})
    return True


def keep_items(home: Path, row: Dataset, splits: Splits) -> None:
    """The validation items where the light room finds them, as they can be shown: pixels, or texts.

    Written once per data folder and data set; not at all where an item cannot be shown.
    """
    path = items_file(home, row.name)
    inputs, labels = splits.validation
    if path.exists() or len(inputs) > ITEMS_HIGH or not row.traits.shown:
        return
    if row.traits.shown == "picture":
        shown = {"images": np.rint(255 * inputs).astype(np.uint8)}
    else:
        shown = {"texts": np.array([texts.decode(row, tokens) for tokens in inputs])}
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(path, {**shown, "labels": labels.astype(np.uint8)})


def _save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Whole or not at all."""
    scratch = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:12]}.npz")
    try:
        np.savez_compressed(scratch, **arrays)  # pyrefly: ignore[bad-argument-type]
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
