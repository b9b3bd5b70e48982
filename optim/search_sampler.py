"""Which shape to try next: Optuna's tree-structured Parzen estimator (Bergstra et al. 2011; Watanabe 2023,
arXiv:2304.11127), filled from what was tried, the goal as its constraint. The study lives in memory only.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from . import search_space
from .search_space import Shape

Space = Mapping[str, tuple]
COMMON: Space = {"temperature": (2.0, 4.0, 8.0), "alpha": (0.5, 0.7, 0.9)}
TARGETS = tuple(percent / 100 for percent in (*range(2, 10), *range(10, 51, 2), *range(55, 91, 5)))
"""Of latency, as fractions of the dense time. Coarse: finer ones cannot be told apart by any measurement."""
LADDER = ((True, 0.1), (False, 0.2), (True, 0.07), (True, 0.05), (False, 0.14), (True, 0.08))
"""Early stride or not, and the target, to begin with."""
PLAIN_LADDER = (
    (0.4, "sensitivity"), (0.25, "sensitivity"), (0.45, "uniform"), (0.32, "uniform"), (0.18, "sensitivity"),
    (0.55, "uniform"), (0.14, "sensitivity"),
)  # fmt: skip
"""The target and how it becomes widths where no stride can be set: such networks have less to spare, and what one
layer alone can do without tells less of all."""
SHARES: Space = {
    "allocation": ("uniform",),
    "sparsity": tuple(round(0.3 + 0.05 * step, 2) for step in range(12)),
    "round_to": (1, 8),
}
"""Of channels that go, where no time is known."""
FIRST_SHARES = ((True, 0.5), (False, 0.5), (True, 0.7), (False, 0.6), (True, 0.4), (False, 0.4), (False, 0.7))
"""Early stride or not, and the share, to begin with."""
ASKS = 60
"""How often a shape that was tried already is asked for anew."""


class Past(NamedTuple):
    """What came of a shape."""

    shape: Shape
    ratio: float
    """Reference time over its time."""
    excess: float
    """Points by which it misses the goal; at most 0 where it keeps it."""


def first_shares(usual: Shape, *, strides: bool) -> list[Shape]:
    """A ladder of sizes, the usual knobs; with an early stride in turn where one can be set."""
    return [
        {**({"early": early} if strides else {}), "allocation": "uniform", "sparsity": share, "round_to": 8, **usual}
        for early, share in FIRST_SHARES
        if strides or not early
    ]


def faster(space: Space, ratio: float) -> Space:
    """The part of the space whose targets promise to be faster than this."""
    if "latency_target" not in space:
        return space
    return {**space, "latency_target": tuple(target for target in space["latency_target"] if target * ratio < 1)}


def propose(
    past: Sequence[Past], known: Collection[str], space: Space, make: Callable[[Shape], Shape | None], *, seed: int,
    ratio: float = 0.0,
) -> Shape | None:  # fmt: skip
    """A shape whose `substance` is not among `known`; None when the space seems to be used up.

    `make` completes what was drawn, or says that it cannot be. What slower shapes came to is learned from too, but only
    targets that promise more than `ratio` are asked for: another target that is drawn gives way to one of these.
    """
    left = faster(space, ratio)
    if not all(left.values()):
        return None
    import optuna

    optuna.logging.set_verbosity(logging.WARNING)
    choices: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.CategoricalDistribution(values) for name, values in space.items()
    }
    sampler = optuna.samplers.TPESampler(seed=seed + len(known), n_startup_trials=4, multivariate=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for one in past:
        if all(one.shape.get(name) in values for name, values in space.items()):
            study.enqueue_trial({name: one.shape[name] for name in space})
            trial = study.ask(choices)
            trial.set_constraint("loss", one.excess)
            study.tell(trial, one.ratio)
    chance = random.Random(seed + len(known))
    for _ in range(ASKS):
        trial = study.ask(choices)
        drawn = {
            name: value if value in left[name] else chance.choice(left[name]) for name, value in trial.params.items()
        }
        shape = make(drawn)
        if shape is not None and search_space.substance(shape) not in known:
            return shape
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    drawn_at_random = (make({name: chance.choice(values) for name, values in left.items()}) for _ in range(ASKS))
    return next((one for one in drawn_at_random if one and search_space.substance(one) not in known), None)
