"""`bench names`: what a linear model on character n-grams gets right of the names, on the splits that networks get."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from .. import catalog
from ..context import read_splits
from ..data.splits import Split
from ..stats import wilson
from ..texts import decode
from . import report

GRAMS = (1, 4)
STRENGTHS = (1.0, 3.0, 10.0, 30.0)
"""Inverse regularization strengths that are tried; validation chooses."""
STEPS = 400


class Tried(NamedTuple):
    strength: float
    validation: float
    model: LogisticRegression


def main(json: bool = False) -> None:
    """Accuracy of a logistic regression on characters and their n-grams of up to four, tf-idf weighted."""
    started = time.perf_counter()
    splits, grams = read_splits("names"), TfidfVectorizer(
        analyzer="char", ngram_range=GRAMS, lowercase=False, sublinear_tf=True
    )  # fmt: skip
    known = grams.fit_transform(_marked(splits.train))
    features = {
        "validation": grams.transform(_marked(splits.validation)),
        "test": grams.transform(_marked(splits.test)),
    }
    tried = [_tried(strength, known, splits.train, features["validation"], splits.validation) for strength in STRENGTHS]
    best = max(tried, key=lambda one: one.validation)
    scores = {
        name: wilson(int((best.model.predict(found) == (labels := getattr(splits, name).labels)).sum()), len(labels))
        for name, found in features.items()
    }
    payload = {
        "model": "logistic regression on character 1-to-4-grams, ends marked, tf-idf",
        "features": known.shape[1],
        "strength": best.strength,
        "score": {name: share.model_dump() for name, share in scores.items()},
        "tried": {f"{one.strength:g}": round(one.validation, 4) for one in tried},
        "splits": splits.digest,
        "seconds": round(time.perf_counter() - started, 1),
    }
    report("names", payload, json)


def _tried(strength: float, known: object, train: Split, features: object, validation: Split) -> Tried:
    model = LogisticRegression(C=strength, max_iter=STEPS).fit(known, train.labels)
    return Tried(strength, float(np.mean(model.predict(features) == validation.labels)), model)


def _marked(split: Split) -> list[str]:
    """The names between marks, so that beginnings and ends are n-grams of their own."""
    row = catalog.dataset("names")
    return [f"^{decode(row, line)}$" for line in split.inputs]
