"""What moves the weights: SGD with Nesterov momentum, or AdamW, as the model's row says."""

from __future__ import annotations

import torch
from torch import nn

from .catalog_models import SGD_RATE, Model

MOMENTUM = 0.9


def optimizer(network: nn.Module, model: Model, rate: float, decay: float) -> torch.optim.Optimizer:
    """The optimizer of this model's row, on one cycle up to `rate`.

    `decay` means the same pull for both, counted at the usual peak rate: AdamW multiplies it by a rate that is
    so many times smaller than that of SGD.
    """
    if model.optimizer == "adamw":
        return torch.optim.AdamW(_decay_groups(network, decay * SGD_RATE / model.scratch_rate), lr=rate)
    return torch.optim.SGD(_decay_groups(network, decay), lr=rate, momentum=MOMENTUM, nesterov=True, fused=True)


def _decay_groups(network: nn.Module, weight_decay: float) -> list[dict]:
    """Decay pulls on matrices and filters, not on biases and batch norm."""
    tensors = list(network.parameters())
    return [
        {"params": [t for t in tensors if t.ndim > 1], "weight_decay": weight_decay},
        {"params": [t for t in tensors if t.ndim <= 1], "weight_decay": 0.0},
    ]
