"""What is kept of a file's answers: labels, truth and confidence of each item, and the images they were given."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime

from . import runtime
from .answers import FILE, images_file
from .data.splits import Split, Splits

IMAGES_HIGH = 20_000
"""No more pictures than this are kept for the screen; 4,000 of 28x28 take 3 MB."""

UNSTEADY = 0.005
"""Share of answers that another number of threads may change: sums are taken in another order."""


class Told(NamedTuple):
    """Of one split: `labels` predicted, uint8 (n,); `confidence`, the probability of each, float16 (n,)."""

    labels: np.ndarray
    confidence: np.ndarray


def ask(session: onnxruntime.InferenceSession, split: Split) -> Told:
    """What the file answers to each item, and the softmax probability it gives its answer."""
    logits = runtime.logits(session, split.inputs).astype(np.float64)
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return Told(logits.argmax(1).astype(np.uint8), (1 / raised.sum(1)).astype(np.float16))


def complete(folder: Path, model: Path, splits: Splits) -> bool:
    """Add what an older version did not keep, from the file as it is; the answers stay, test is not opened.

    Whether anything was added. A file whose answers are not those that were kept is left alone.
    """
    if not (folder / FILE).is_file():
        return False
    with np.load(folder / FILE, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    if {"validation_labels", "validation_confidence"} <= arrays.keys():
        return False
    told = ask(runtime.open_session(model), splits.validation)
    if (told.labels != arrays["validation"]).mean() > UNSTEADY:
        return False
    for name in ("validation", "test"):
        if name in arrays:
            arrays[f"{name}_labels"] = getattr(splits, name).labels.astype(np.uint8)
    _save(folder / FILE, {**arrays, "validation_confidence": told.confidence})
    return True


def keep_images(home: Path, dataset: str, splits: Splits) -> None:
    """The validation images where the light room finds them; written once per data folder and data set."""
    path = images_file(home, dataset)
    images, labels = splits.validation
    if path.exists() or len(images) > IMAGES_HIGH:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(path, {"images": np.rint(255 * images).astype(np.uint8), "labels": labels.astype(np.uint8)})


def _save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Whole or not at all."""
    scratch = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:12]}.npz")
    try:
        np.savez_compressed(scratch, **arrays)  # pyrefly: ignore[bad-argument-type]
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
