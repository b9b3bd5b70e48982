"""What every data set hands over, and how one pool of items becomes disjoint, fixed splits."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np


class Split(NamedTuple):
    """`inputs`: (n, *shape of the data set's row), its dtype: float32 pixels in 0..1, int64 tokens padded with 0.
    `labels`: int64, (n,), the class of each item; of users bool, (n, items), what they have chosen in this split.
    """

    inputs: np.ndarray
    labels: np.ndarray


class Splits(NamedTuple):
    train: Split
    validation: Split
    test: Split
    mirrored: bool
    """Whether a mirror image means the same, so that flips are an honest augmentation."""
    seen: dict[str, np.ndarray] | None = None
    """By the name of a split, bool (n, items): what a ranking leaves out, because the user knows it already."""

    def first(self, *, train: int, validation: int) -> Splits:
        """The same with only so many items of these two splits."""
        counts = {"train": train, "validation": validation}
        few, fewer = (Split(*(part[:count] for part in getattr(self, name))) for name, count in counts.items())
        seen = {name: known[: counts.get(name, len(known))] for name, known in (self.seen or {}).items()}
        return self._replace(train=few, validation=fewer, seen=seen or None)

    @property
    def digest(self) -> str:
        """SHA-256 over all splits, in order: 64 hex digits."""
        hasher = hashlib.sha256()
        for split in (self.train, self.validation, self.test):
            hasher.update(np.ascontiguousarray(split.inputs).tobytes())
            hasher.update(np.ascontiguousarray(split.labels).tobytes())
        return hasher.hexdigest()


def first_of_each(images: np.ndarray, taken: np.ndarray | None = None) -> np.ndarray:
    """Indices of the images that occur for the first time and are not among `taken`.

    >>> first_of_each(np.array([[1], [2], [1], [3]]), taken=np.array([[3]])).tolist()
    [0, 1]
    """
    seen = set() if taken is None else {image.tobytes() for image in taken}
    keep = []
    for index, image in enumerate(images):
        key = image.tobytes()
        if key not in seen:
            seen.add(key)
            keep.append(index)
    return np.array(keep, dtype=int)


def stratified(labels: np.ndarray, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the indices of `labels` into (rest, chosen): `size` chosen, every class in proportion, sorted.

    Largest remainders decide the odd items; `RandomState` keeps the same stream in every numpy version.
    """
    random = np.random.RandomState(seed)
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * size / len(labels)
    quota = np.floor(exact).astype(int)
    for index in np.argsort(quota - exact, kind="stable")[: size - quota.sum()]:
        quota[index] += 1
    chosen = np.concatenate(
        [random.permutation(np.flatnonzero(labels == label))[:n] for label, n in zip(classes, quota, strict=True)]
    )
    return np.setdiff1d(np.arange(len(labels)), chosen), np.sort(chosen)
