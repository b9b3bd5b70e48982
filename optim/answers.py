"""What each file answered to the validation items, and the items themselves. Light: numpy only.

The heavy room writes both: `predictions.npz` beside each file, and once per data set the items.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

FILE = "predictions.npz"
KEPT = 24
"""Files kept in memory: each takes some kilobytes."""


class Answers(NamedTuple):
    """Of one file, for each validation item in the order of the split, (n,) each."""

    predicted: np.ndarray
    labels: np.ndarray
    """The true ones."""
    confidence: np.ndarray | None
    """Probability of the predicted label, 0 to 1; None in folders of an older version."""

    @property
    def worth(self) -> np.ndarray:
        """Which are right, bool (n,)."""
        return self.predicted == self.labels


class Ranked(NamedTuple):
    """Of one file, for each user of validation in the order of the split, (n,) each."""

    worth: np.ndarray
    """By the metric of the data set, 0 to 1."""
    seen: np.ndarray
    """How many items the user had chosen before."""


class Shown(NamedTuple):
    """The validation items in the order of the split, as they can be shown; one of the first two is there."""

    labels: np.ndarray
    """(n,)."""
    images: np.ndarray | None = None
    """uint8 (n, channels, height, width)."""
    texts: np.ndarray | None = None
    """(n,) of str."""


def items_file(home: Path, dataset: str) -> Path:
    """Where the heavy room keeps a data set's validation items."""
    return home / "cache" / "images" / f"{dataset}-validation.npz"


def items(home: Path, dataset: str) -> Shown | None:
    """The validation items; None as long as no run of this version was made or timed here."""
    found = _read(items_file(home, dataset), ("images", "texts", "labels"))
    return Shown(**found) if "labels" in found and len(found) > 1 else None


def read(folder: Path, known: Shown | None = None) -> Answers | Ranked | None:
    """The answers that lie in a run's folder; None when the true labels are known from nowhere.

    An older version did not keep the labels beside the answers: then those of `known` serve.
    """
    names = ("validation", "validation_labels", "validation_confidence", "validation_seen")
    found = _read(folder / FILE, names)
    if "validation" not in found:
        return None
    predicted = found["validation"]
    if predicted.dtype.kind == "f":
        return Ranked(predicted, found["validation_seen"]) if "validation_seen" in found else None
    labels = found.get("validation_labels", known.labels if known else None)
    if labels is None or len(labels) != len(predicted):
        return None
    confidence = found.get("validation_confidence")
    return Answers(predicted, labels, None if confidence is None else confidence.astype(np.float64))


def _read(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """What is there of these arrays; nothing when the file is gone or damaged."""
    try:
        return _load(path, path.stat().st_mtime_ns, names)
    except (OSError, ValueError, BadZipFile, EOFError):
        return {}


@lru_cache(maxsize=KEPT)
def _load(path: Path, changed: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in names if name in file.files}
