"""Batch-norm statistics estimated anew (Li et al. 2020, EagleEye, arXiv:2007.02491, section 3.3)."""

from __future__ import annotations

import copy

from .. import training
from ..context import Context
from ..models.network import Network


def recalibrate(network: Network, ctx: Context, *, batches: int = 16) -> Network:
    """A copy whose batch norms hold the mean and variance over `batches` batches of training images.

    The weights stay. It cures statistics that pruning or a high learning rate has left behind.
    """
    renewed = copy.deepcopy(network)
    training.recalibrate(renewed, ctx, batches)
    return renewed
