"""What a network answers, in evaluation mode."""

from __future__ import annotations

import torch
from torch import Tensor

from .context import Context, Items
from .models.network import Network


def autocast(ctx: Context) -> torch.autocast:
    return torch.autocast(ctx.device.type, torch.bfloat16, enabled=ctx.variant.bf16)


@torch.no_grad()
def logits_of(network: Network, ctx: Context, images: Tensor, batch: int = 500) -> Tensor:
    """Float32 logits (n, classes) in evaluation mode; the network's mode is restored."""
    mode = network.training
    network.eval()
    parts = []
    for chunk in images.split(batch):
        with autocast(ctx):
            parts.append(network(chunk).float())
        ctx.breathe()
    network.train(mode)
    return torch.cat(parts)


def answers_of(network: Network, ctx: Context, images: Tensor) -> Tensor:
    """The predicted label of each image, (n,)."""
    return logits_of(network, ctx, images).argmax(1)


def share_right(answers: Tensor, labels: Tensor) -> float:
    """Accuracy as a fraction."""
    return float((answers == labels).float().mean())


def evaluate(network: Network, ctx: Context, items: Items) -> float:
    """Accuracy as a fraction."""
    return share_right(answers_of(network, ctx, items.inputs), items.labels)
