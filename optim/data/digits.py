"""Optical recognition of handwritten digits, 8x8, as bundled with scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from .splits import Split, Splits, first_of_each, stratified

TEST, VALIDATION = 599, 300


def load() -> Splits:
    """A fixed stratified third for test, 300 of the rest for validation. Pixels 0 to 16 become 0 to 1."""
    source: Any = load_digits()
    images = (source.images / 16).astype(np.float32)[:, None]
    unique = first_of_each(images)
    images, labels = images[unique], source.target[unique].astype(np.int64)
    pool, test = stratified(labels, TEST, seed=0)
    rest, chosen = stratified(labels[pool], VALIDATION, seed=1)
    return Splits(*(Split(images[i], labels[i]) for i in (pool[rest], pool[chosen], test)), mirrored=False)
