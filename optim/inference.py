"""What a network answers, in evaluation mode."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from . import marks
from .batching import trimmed
from .context import Context, Items
from .models.network import Network


def autocast(ctx: Context) -> torch.autocast:
    return torch.autocast(ctx.device.type, torch.bfloat16, enabled=ctx.variant.bf16)


@torch.no_grad()
def logits_of(network: Network, ctx: Context, inputs: Tensor, batch: int = 500) -> Tensor:
    """Float32 logits (n, classes) in evaluation mode; the network's mode is restored."""
    mode = network.training
    network.eval()
    parts = []
    for chunk in inputs.split(batch):
        with autocast(ctx):
            parts.append(network(trimmed(chunk, ctx.row)).float())
        ctx.breathe()
    network.train(mode)
    return torch.cat(parts)


def worth_of(logits: Tensor, items: Items, ctx: Context) -> np.ndarray:
    """What each item is worth by the metric of the data set, (n,): right or wrong, or a fraction."""
    seen = None if items.seen is None else items.seen.cpu().numpy()
    return marks.of(logits.cpu().numpy(), items.labels.cpu().numpy(), [ctx.row.metric], seen)[ctx.row.metric]


def evaluate(network: Network, ctx: Context, items: Items) -> float:
    """The metric of the data set on these items, a fraction."""
    return float(worth_of(logits_of(network, ctx, items.inputs), items, ctx).mean())
