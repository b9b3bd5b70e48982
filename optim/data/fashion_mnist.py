"""Fashion-MNIST: 20,000 of the training images and the official test set, from the bundled file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .splits import Split, Splits, first_of_each, stratified

FILE = Path(__file__).parents[2] / "assets" / "data" / "fashion_mnist.npz"
VALIDATION = 4000


def load() -> Splits:
    """4,000 of train are validation; a training image that also stands in test would be left out of train."""
    with np.load(FILE, allow_pickle=False) as file:
        arrays = {name: file[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    keep = first_of_each(arrays["x_train"], taken=arrays["x_test"])
    images, labels = arrays["x_train"][keep], arrays["y_train"][keep]
    train, validation = stratified(labels, VALIDATION, seed=0)
    test = _split(arrays["x_test"], arrays["y_test"])
    return Splits(
        _split(images[train], labels[train]), _split(images[validation], labels[validation]), test, mirrored=True
    )


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    return Split((images[:, None] / np.float32(255)).astype(np.float32), labels.astype(np.int64))
