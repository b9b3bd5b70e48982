"""Which shape to try next: Optuna's tree-structured Parzen estimator (Bergstra et al. 2011; Watanabe 2023,
arXiv:2304.11127), filled from what was tried, the goal as its constraint. The study lives in memory only.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from . import search_space
from .records import KnobValue
from .search_rules import Tried
from .search_space import Shape

Space = dict[str, tuple]
COMMON: Space = {"temperature": (2.0, 4.0, 8.0), "alpha": (0.5, 0.7, 0.9)}
TARGETS = tuple(percent / 100 for percent in (*range(8, 51, 2), *range(55, 91, 5)))
"""Of latency, as fractions of the dense time. Coarse: finer ones cannot be told apart by any measurement."""
ASKS = 60
"""How often a shape that was tried already is asked for anew."""


def first_shapes(targets: Sequence[float], *, latency: bool) -> list[Shape]:
    """What is tried before anything is known: a ladder of sizes, the usual knobs."""
    usual = {"kind": "prune", "importance": "l2", "temperature": 4.0, "alpha": 0.9}
    if latency:
        return [{**usual, "allocation": "latency", "latency_target": target} for target in targets]
    return [{**usual, "allocation": "uniform", "sparsity": target, "round_to": 8} for target in targets]


def propose(
    tried: Sequence[Tried], known: Collection[str], first: Sequence[Shape], space: Space, *, max_loss: float, seed: int
) -> Shape | None:
    """A shape that is not among `known` keys; None when the space seems to be used up."""
    for ready in first:
        if search_space.key(ready) not in known:
            return ready
    import optuna

    optuna.logging.set_verbosity(logging.WARNING)
    choices: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.CategoricalDistribution(values) for name, values in space.items()
    }
    sampler = optuna.samplers.TPESampler(seed=seed + len(known), n_startup_trials=len(first), multivariate=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for one in tried:
        if all(one.shape.get(name) in values for name, values in space.items()):
            study.enqueue_trial({name: one.shape[name] for name in space})
            trial = study.ask(choices)
            trial.set_constraint("loss", one.upper - max_loss)
            study.tell(trial, one.ratio)
    fixed = {name: value for name, value in first[0].items() if name not in space}
    for _ in range(ASKS):
        trial = study.ask(choices)
        shape: dict[str, KnobValue] = {**fixed, **trial.params}
        if search_space.key(shape) not in known:
            return shape
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return None


def spaces(*, targets: Sequence[float], importances: Sequence[str]) -> Space:
    """What may vary: the latency among these targets; without any, the share of channels that goes."""
    size: Space = (
        {"latency_target": tuple(targets)}
        if targets
        else {"sparsity": tuple(round(0.3 + 0.05 * step, 2) for step in range(12)), "round_to": (1, 8)}
    )
    return {**size, "importance": tuple(importances), **COMMON}
