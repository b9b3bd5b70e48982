"""What a file is called with when it is timed: real items of the data set, as one call of a user holds them.

Random numbers would not do: a token or an id must be one of the table's, and how long a text is decides its time.
"""

from __future__ import annotations

import base64
import io

import numpy as np

from .catalog_data import Dataset
from .data.splits import Splits


def real(row: Dataset, splits: Splits, batch: int, seed: int = 0) -> np.ndarray:
    """`batch` validation items, (batch, *shape of the row), drawn by the seed; more than there are come again.

    Texts of the usual length are taken, and cut to it: those whose number of tokens is nearest to it.
    """
    inputs = splits.validation.inputs
    if row.kind == "text":
        gap = np.abs((inputs > 0).sum(1) - row.shape[0])
        inputs = inputs[gap == gap.min()][:, : row.shape[0]]
    order = np.random.default_rng(seed).permutation(len(inputs))
    return np.ascontiguousarray(inputs[np.resize(order, batch)])


def packed(request: np.ndarray) -> str:
    """As text, for a process of its own."""
    buffer = io.BytesIO()
    np.save(buffer, request, allow_pickle=False)
    return base64.b64encode(buffer.getvalue()).decode()


def unpacked(text: str) -> np.ndarray:
    """The inverse of `packed`."""
    return np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False)
