"""Recovery with the true labels (Renda et al. 2020, arXiv:2003.02389)."""

from __future__ import annotations

import copy

from ..context import Context
from ..models.network import Network
from ..training import Schedule, train


def fine_tune(
    network: Network,
    ctx: Context,
    *,
    epochs: int = 3,
    learning_rate: float = 0.0,
    weight_decay: float = 0.0,
    label_smoothing: float = 0.0,
    augment: bool = True,
    patience: int = 0,
) -> Network:
    """A copy trained on for `epochs`.

    `learning_rate` 0 is automatic: low after pruning (the last phase's rate: fine-tuning as in Renda et al. 2020,
    section 2), high from scratch. `patience` epochs without gain stop it, and
    the best epoch's weights are kept; 0 never does.
    `weight_decay` is taken as it is: a complete recipe names the model's own.
    Raises `TrainingFailed` when the loss is not finite.
    """
    rate = learning_rate or ctx.automatic_rate
    trained = copy.deepcopy(network)
    train(trained, ctx, Schedule(epochs, rate, weight_decay, label_smoothing, augment, patience))
    return trained
