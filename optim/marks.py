"""What each item of a split is worth by a metric, from the logits of a network or of a file. Light: numpy only.

The mean over the items is the score: this is the one place that knows how a metric is computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from . import ranking, resampling
from .catalog_data import Dataset
from .catalog_metrics import METRICS, Metric
from .results import Score, Share
from .stats import wilson


def of(
    logits: np.ndarray, labels: np.ndarray, metrics: Sequence[str], seen: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """By metric what each item is worth: of classes bool (n,), right or wrong; of rankings float32 (n,), 0 to 1.

    `logits` (n, classes); `labels` as a `Split` holds them; `seen` as `Splits` does.
    """
    worth: dict[str, np.ndarray] = {}
    ranked = ranking.places(logits, labels, seen) if labels.ndim == 2 else np.empty(0)
    for name in metrics:
        row = METRICS[name]
        if not row.cut:
            worth[name] = logits.argmax(1) == labels
        else:
            worth[name] = (ranking.ndcg if name.startswith("ndcg") else ranking.recall)(ranked, row.cut)
    return worth


def share(worth: np.ndarray, metric: Metric) -> Share:
    """The mean with its 95 % interval, made as the metric says."""
    return wilson(int(worth.sum()), len(worth)) if metric.counted else resampling.mean_share(worth)


def score(row: Dataset, shares: Mapping[str, Mapping[str, Share]]) -> Score:
    """The record of a file's shares, by split and metric: of the data set's metric, the further ones with it."""

    def one(name: str) -> Score:
        metric, values = METRICS[name], {split: by_metric[name] for split, by_metric in shares.items()}
        return Score(metric=name, interval=metric.interval, validation=values["validation"], test=values.get("test"))

    return one(row.metric).with_(further=tuple(one(name) for name in row.further))


def opened(known: Score, test: Mapping[str, Share]) -> Score:
    """The same record with what the test set shows, by metric."""
    further = tuple(one.with_(test=test[one.metric]) for one in known.further if one.metric in test)
    return known.with_(test=test[known.metric], further=further)
