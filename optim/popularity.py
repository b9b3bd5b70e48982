"""What recommending the same films to everybody is worth: `python -m optim.popularity movielens-small`.

It is the rival of every recommender: no network is needed for it. Ranked by how many users of the training split chose
each item, leaving out what a user has seen; the figures in the data set's row come from here, and a test compares them.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from . import catalog, marks
from .catalog import METRICS
from .errors import RequestError
from .results import Share


def popularity(dataset: str) -> dict[str, dict[str, Share]]:
    """By metric and split, each with its 95 % interval. Raises `RequestError` where nothing is recommended."""
    row = catalog.dataset(dataset)
    if not row.ranks:
        raise RequestError("Popularity ranks items for users.", given=dataset, allowed="data sets for recommendation")
    splits = catalog.load(row.function)()
    counts = splits.train.labels.sum(0).astype(np.float32)
    found: dict[str, dict[str, Share]] = {name: {} for name in (row.metric, *row.further)}
    for split in ("validation", "test"):
        labels = getattr(splits, split).labels
        scores = np.broadcast_to(counts, labels.shape)
        worth = marks.of(scores, labels, tuple(found), (splits.seen or {}).get(split))
        for name, values in worth.items():
            found[name][split] = marks.share(values, METRICS[name])
    return found


def words(dataset: str) -> str:
    """The figures of the data set's metric in one line, as its row has them."""
    metric = catalog.dataset(dataset).goodness
    parts = [
        f"{100 * share.value:.2f} % ({100 * share.low:.2f} to {100 * share.high:.2f}) on {share.n} {split} users"
        for split, share in popularity(dataset)[metric.name].items()
    ]
    return f"Popularity reaches {metric.label} {parts[0]}, {parts[1]}."


if __name__ == "__main__":
    for name in sys.argv[1:]:
        told = popularity(name)
        shares = {metric: {split: share.model_dump() for split, share in by.items()} for metric, by in told.items()}
        sys.stdout.write(json.dumps({"dataset": name, "words": words(name), "shares": shares}, indent=2) + "\n")
