"""What each item is worth by a run's file, and what that says beside another run: read from `predictions.npz`.

Only the runs that are compared are read, each once per process.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from .home import run_folder, shipped_file
from .paired import Gaps, Loss, Pairs, pair, paired_loss, unpaired_loss
from .records import Run
from .results import Share

SplitName = Literal["validation", "test"]
Pairing = Callable[[Run, Run], Pairs | Gaps | None]
"""How the second run's answers stand to the first one's; None where they are not known item by item."""
KEPT = 4096
SAME = 1e-6
"""Means of float32 that differ by less are the same."""


class Answers(NamedTuple):
    """One file's answers to one split; `labels` is None in folders of before they were kept, and of rankings."""

    given: np.ndarray
    """The label predicted for each item, uint8; of rankings what each is worth, float32."""
    labels: np.ndarray | None


def pairing(home: Path, split: SplitName = "validation") -> Pairing:
    """How any two runs of this data folder, or shipped ones, are paired."""
    return partial(pairs, home, split=split)


def pairs(home: Path, reference: Run, other: Run, split: SplitName = "validation") -> Pairs | Gaps | None:
    """How two runs differ on one split, item by item; None where one of them was not scored there, or not kept.

    The truth of one folder serves both, if the two were scored on equally many items and each run's recorded score
    comes out of it to the last item: older folders hold no truth of their own.
    """
    if not _comparable(reference, other, split):
        return None
    return _pairs(_where(home, reference, split), _where(home, other, split), split)


def lost_items(home: Path, reference: Run, other: Run, split: SplitName = "validation") -> np.ndarray | None:
    """What `other` lost of each item against `reference`, below 0 where it gained; float (n,): of classes 1, 0, -1."""
    if not _comparable(reference, other, split):
        return None
    found = _worth(_where(home, reference, split), _where(home, other, split), split)
    return None if found is None else found[0].astype(float) - found[1].astype(float)


def _comparable(reference: Run, other: Run, split: SplitName) -> bool:
    """Whether both were scored on the same split of the same data set, by the same metric."""
    one, two = _share(reference, split), _share(other, split)
    if one is None or two is None or one.n != two.n or reference.result is None or other.result is None:
        return False
    metrics = {run.result.file.score.metric for run in (reference, other) if run.result}
    return reference.recipe.dataset == other.recipe.dataset and len(metrics) == 1


class Where(NamedTuple):
    """A run's answers: the file, what says whether it is still the one that was read, and the score it must give."""

    path: Path
    made: str
    value: float
    n: int


@lru_cache(maxsize=2 * KEPT)
def _pairs(reference: Where, other: Where, split: SplitName) -> Pairs | Gaps | None:
    found = _worth(reference, other, split)
    return None if found is None else pair(*found)


def _worth(reference: Where, other: Where, split: SplitName) -> tuple[np.ndarray, np.ndarray] | None:
    """What each item is worth by each of the two."""
    one, two = (_read(where.path, where.made, split) for where in (reference, other))
    if one is None or two is None:
        return None
    for labels in (one.labels, two.labels):
        rights = [right_of(known.given, labels) for known in (one, two)]
        if all(fits(right, where.value, where.n) for right, where in zip(rights, (reference, other), strict=True)):
            return rights[0], rights[1]
    return None


def right_of(given: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """What each item is worth: right or wrong where classes were answered, (n,); empty where the truth is not known."""
    if given.dtype.kind == "f":
        return given
    return given == labels if labels is not None and given.shape == labels.shape else np.empty(0, bool)


def loss(home: Path, reference: Run, other: Run, split: SplitName = "validation") -> Loss | None:
    """What `other` loses against `reference`: paired where the items are known, else from the two shares alone.

    None where one of them has no score on this split.
    """
    return loss_of(reference, other, pairs(home, reference, other, split), split)


def loss_of(reference: Run, other: Run, found: Pairs | Gaps | None, split: SplitName = "validation") -> Loss | None:
    """The same when the pairs are known already."""
    if found is not None:
        return paired_loss(found)
    one, two = _share(reference, split), _share(other, split)
    return None if one is None or two is None else unpaired_loss(one, two)


def _share(run: Run, split: SplitName) -> Share | None:
    return getattr(run.result.file.score, split) if run.result is not None else None


def _where(home: Path, run: Run, split: SplitName) -> Where:
    """The run's predictions."""
    assert run.result is not None
    file, share = run.result.file, _share(run, split)
    assert share is not None
    shipped = run.origin == "example" and "/" in file.predictions
    path = shipped_file(file.predictions) if shipped else run_folder(home, run.id) / file.predictions
    return Where(path, f"{file.sha256}{run.ended_at}", share.value, share.n)


@lru_cache(maxsize=2 * KEPT)
def _read(path: Path, made: str, split: SplitName) -> Answers | None:
    """None when the file is gone, damaged, or holds no answers to this split."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if split not in kept.files:
                return None
            name = f"{split}_labels"
            labels = _truth(kept[name].astype(np.uint8).tobytes()) if name in kept.files else None
            return Answers(kept[split], labels)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None


@lru_cache(maxsize=32)
def _truth(content: bytes) -> np.ndarray:
    """One copy of the same labels, however many runs hold them."""
    return np.frombuffer(content, np.uint8)


def fits(worth: np.ndarray, value: float, n: int) -> bool:
    """Whether this gives the recorded score, the mean over `n` items: then it is what the file was scored with."""
    if len(worth) != n:
        return False
    if worth.dtype == bool:
        return int(worth.sum()) == round(value * n)
    return abs(float(worth.mean(dtype=np.float64)) - value) < SAME
