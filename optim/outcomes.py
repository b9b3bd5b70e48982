"""Which items a run got right, and what that says beside another run: read from `predictions.npz`, no model needed.

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
from .paired import Loss, Pairs, pair, paired_loss, unpaired_loss
from .records import Run
from .results import Share

SplitName = Literal["validation", "test"]
Pairing = Callable[[Run, Run], Pairs | None]
"""How the second run's answers stand to the first one's; None where they are not known item by item."""
KEPT = 4096


class Answers(NamedTuple):
    """One file's answers to one split; `labels` is None in folders of before they were kept."""

    predicted: np.ndarray
    labels: np.ndarray | None


def pairing(home: Path, split: SplitName = "validation") -> Pairing:
    """How any two runs of this data folder, or shipped ones, are paired."""
    return partial(pairs, home, split=split)


def pairs(home: Path, reference: Run, other: Run, split: SplitName = "validation") -> Pairs | None:
    """The discordant pairs of two runs on one split; None where one of them was not scored there, or not kept.

    The truth of one folder serves both, if the two were scored on equally many items and each run's recorded score
    comes out of it to the last item: older folders hold no truth of their own.
    """
    found = _right(home, reference, other, split)
    return None if found is None else pair(*found)


def lost_items(home: Path, reference: Run, other: Run, split: SplitName = "validation") -> np.ndarray | None:
    """Per item 1 where `other` lost it against `reference`, -1 where it gained it, else 0; (n,), as `pairs` counts."""
    found = _right(home, reference, other, split)
    return None if found is None else found[0].astype(np.int8) - found[1].astype(np.int8)


def _right(home: Path, reference: Run, other: Run, split: SplitName) -> tuple[np.ndarray, np.ndarray] | None:
    """Which items each of the two got right."""
    scores = _share(reference, split), _share(other, split)
    if scores[0] is None or scores[1] is None or scores[0].n != scores[1].n:
        return None
    if reference.recipe.dataset != other.recipe.dataset:
        return None
    one, two = (_read(*_where(home, run), split) for run in (reference, other))
    if one is None or two is None:
        return None
    for labels in (one.labels, two.labels):
        if labels is None:
            continue
        if fits(one.predicted, labels, scores[0]) and fits(two.predicted, labels, scores[1]):
            return one.predicted == labels, two.predicted == labels
    return None


def loss(home: Path, reference: Run, other: Run, split: SplitName = "validation") -> Loss | None:
    """What `other` loses against `reference`: paired where the items are known, else from the two shares alone.

    None where one of them has no score on this split.
    """
    return loss_of(reference, other, pairs(home, reference, other, split), split)


def loss_of(reference: Run, other: Run, found: Pairs | None, split: SplitName = "validation") -> Loss | None:
    """The same when the pairs are known already."""
    if found is not None:
        return paired_loss(found)
    one, two = _share(reference, split), _share(other, split)
    return None if one is None or two is None else unpaired_loss(one, two)


def _share(run: Run, split: SplitName) -> Share | None:
    return getattr(run.result.file.score, split) if run.result is not None else None


def _where(home: Path, run: Run) -> tuple[Path, str]:
    """The run's predictions, and what says whether they are still those that were read before."""
    assert run.result is not None
    file = run.result.file
    shipped = run.origin == "example" and "/" in file.predictions
    path = shipped_file(file.predictions) if shipped else run_folder(home, run.id) / file.predictions
    return path, f"{file.sha256}{run.ended_at}"


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


def fits(predicted: np.ndarray, labels: np.ndarray, recorded: Share) -> bool:
    """Whether these labels give the recorded score: then they are the truth that the file was scored with."""
    if predicted.shape != labels.shape or len(labels) != recorded.n:
        return False
    return int((predicted == labels).sum()) == round(recorded.value * recorded.n)
