"""How sure a search may be of the fastest of many: a bound that holds for all its candidates at once.

The fastest run that seems to qualify is chosen because its losses look small, so a bound for one run alone promises too
much. The losses of all candidates near the limit are drawn together, correlated as they are on the same items, and the
largest counts (White 2000, "A reality check for data snooping"; candidates far beyond the limit can be claimed by no
luck and are left out: Hansen 2005, "A test for superior predictive ability", section 2.4).
"""

from __future__ import annotations

import math

import numpy as np

from .stats import normal_quantile

DRAWS = 20_000
FAR = 2.0


def confidence_each(losses: np.ndarray, limit: float, confidence: float, seed: int = 0) -> float:
    """The one-sided confidence each candidate's own bound needs, so that all of them hold with `confidence`.

    `losses`: (candidates, items), per item 1 where the candidate lost it, -1 where it gained it, else 0; `limit` is a
    fraction. At least `confidence`.
    """
    near = losses[_near(losses, limit)] if len(losses) else losses
    if len(near) < 2:
        return confidence
    spread = near - near.mean(axis=1, keepdims=True)
    size = np.sqrt((spread**2).sum(axis=1))
    spread = spread[size > 0] / size[size > 0, None]
    if len(spread) < 2:
        return confidence
    vectors, scales, _ = np.linalg.svd(spread @ spread.T)
    drawn = np.random.default_rng(seed).standard_normal((DRAWS, len(spread))) @ (vectors * np.sqrt(scales)).T
    bound = max(float(np.quantile(drawn.max(axis=1), confidence)), normal_quantile(2 * confidence - 1))
    return 0.5 * math.erfc(-bound / math.sqrt(2))


def _near(losses: np.ndarray, limit: float) -> np.ndarray:
    """Those not so far beyond the limit that no luck would bring them below."""
    items = losses.shape[1]
    error = np.maximum(losses.std(axis=1), 1e-9) / math.sqrt(items)
    least = -math.sqrt(FAR * math.log(max(math.log(items), 1.0)))
    return (limit - losses.mean(axis=1)) / error >= least
