"""How good a ranking is, user by user, over the whole catalogue of items that the user has not seen. Light: numpy only.

Nothing is sampled: sampled negatives can order two models the wrong way round (Krichene and Rendle 2020, "On Sampled
Metrics for Item Recommendation"). `places` are what everything else needs, so a file is ranked once.
"""

from __future__ import annotations

import numpy as np

from .errors import RequestError

UNRANKED = np.iinfo(np.int32).max
"""The place of what is not a positive."""
CHUNK = 256
"""Users ranked at once: 9,066 scores each take 9 MB."""


def places(logits: np.ndarray, positives: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    """The place of each positive in its user's ranking, from 0, int32 (users, items); `UNRANKED` elsewhere.

    `logits` (users, items): higher stands first. Of others with an equal score half stand before, rounded up, so that a
    file that scores all items alike gains nothing by their order; equal positives stand one after another. `seen`
    (users, items) are left out of the ranking: an item that is both seen and positive is refused, because no ranking
    could hold it.
    """
    _check(logits, positives, seen)
    found = np.full(positives.shape, UNRANKED, np.int32)
    for start in range(0, len(logits), CHUNK):
        part = slice(start, start + CHUNK)
        scores = np.where(np.isnan(logits[part]), -np.inf, logits[part])
        shown = np.ones(scores.shape, bool) if seen is None else ~seen[part]
        for user in np.flatnonzero(positives[part].any(1)):
            wanted = np.flatnonzero(positives[start + user])
            others = scores[user, shown[user] & ~positives[start + user]]
            found[start + user, wanted] = _places(scores[user, wanted], others)
    return found


def _places(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of one user's positives with the scores `own`, among each other and `others`; (positives,)."""
    order = np.argsort(-own, kind="stable")
    ahead = (others > own[order, None]).sum(1)
    level = (others == own[order, None]).sum(1)
    found = np.empty(len(own), np.int32)
    found[order] = np.arange(len(own)) + ahead + (level + 1) // 2
    return found


def ndcg(ranked: np.ndarray, cut: int) -> np.ndarray:
    """Normalized discounted cumulative gain of each user, float32 (users,), from 0 to 1; 0 for who has no positive.

    DCG = sum over the positives among the first `cut` of 1 / log2(place + 2), over what the best order would reach
    (Jarvelin and Kekalainen 2002, "Cumulated gain-based evaluation of IR techniques", section 2.2; gains of 0 and 1).
    """
    weights = 1 / np.log2(np.arange(cut) + 2.0)
    gained = np.where(ranked < cut, weights[np.minimum(ranked, cut - 1)], 0.0).sum(1)
    most = np.cumsum(weights)[np.clip(held_out(ranked), 1, cut) - 1]
    return (gained / most).astype(np.float32)


def recall(ranked: np.ndarray, cut: int) -> np.ndarray:
    """Share of each user's positives among the first `cut`, float32 (users,); 0 for who has no positive.

    Of more than `cut` positives no ranking shows all: the share is then of `cut`.
    """
    return ((ranked < cut).sum(1) / np.clip(held_out(ranked), 1, cut)).astype(np.float32)


def held_out(ranked: np.ndarray) -> np.ndarray:
    """How many positives each user has, (users,)."""
    return (ranked != UNRANKED).sum(1)


def _check(logits: np.ndarray, positives: np.ndarray, seen: np.ndarray | None) -> None:
    shapes = {logits.shape, positives.shape, *(() if seen is None else (seen.shape,))}
    if len(shapes) > 1 or logits.ndim != 2:
        raise RequestError("A ranking needs scores and positives of the same users and items.", given=sorted(shapes))
    if seen is not None and bool((seen & positives).any()):
        raise RequestError("An item is held out and seen by the same user.", remedy="Leave it out of `seen`.")
