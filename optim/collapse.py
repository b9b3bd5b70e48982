"""The guard against collapse: what has gone wrong with a network, recognized from its answers and its layers.

Each trouble is told as a warning of the run, with the name of its cure (`cures.py`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .context import Context
from .cures import FLOOR, LOWER_RATE, RECALIBRATE, RECOVER
from .models.network import Network
from .models.part import parts_of
from .stats import wilson

ITEMS = 1000
"""Validation images that are looked at."""
STILL = 1e-6
"""What comes out of a layer varies less than this from image to image, relative to its size: it carries nothing."""
DRIFT = 0.10
"""So much more accurate with the statistics of the batch than with the kept ones, as a fraction: these have drifted."""
RISING = 1.05
"""The loss of the last epoch over that of the first."""


class Trouble(NamedTuple):
    sentence: str
    cure: str


def inspect(network: Network, ctx: Context) -> None:
    """Warn of what is wrong with a finished network: a dead layer, drifted statistics, accuracy at chance.

    One trouble, the root of it first: drifted statistics can make a layer look dead, and a dead layer explains accuracy
    at chance.
    """
    found = _troubles(network, ctx)
    if found is not None:
        ctx.progress(message=found.sentence)
        ctx.warnings.append(found.sentence)
        ctx.cures.append(found.cure)


def cure_of_collapse(network: Network, ctx: Context) -> str:
    """The cure for a network that gives every image the same answer after training."""
    return FLOOR if dead_layer(network, _images(ctx)) else LOWER_RATE


def rising(losses: Sequence[float], rate: float) -> Trouble | None:
    """Whether the mean loss per epoch has gone up instead of down.

    >>> rising([1.0, 0.7, 0.5], 0.1) is None, rising([1.0, 2.0], 0.9).cure
    (True, 'lower-rate')
    """
    if len(losses) < 2 or losses[-1] <= RISING * losses[0]:
        return None
    told = f"from {losses[0]:.2f} to {losses[-1]:.2f} over {len(losses)} epochs at a rate up to {rate:g}"
    return Trouble(f"The loss rose {told}: the learning rate is too high.", LOWER_RATE)


def _troubles(network: Network, ctx: Context) -> Trouble | None:
    images, labels = _images(ctx), ctx.validation_items.labels[:ITEMS]
    right, batchwise = _right(network, images, labels), _right(_with_batch_statistics(network), images, labels)
    n = len(labels)
    if (batchwise - right) / n > DRIFT and wilson(batchwise, n).low > wilson(right, n).high:
        told = f"{100 * right / n:.0f} % with the kept statistics, {100 * batchwise / n:.0f} % with those of the batch"
        return Trouble(f"The batch-norm statistics have drifted: {told}, on {n:,} validation images.", RECALIBRATE)
    dead = dead_layer(network, images)
    if dead:
        return Trouble(f"{dead} is dead: nothing that comes out of it depends on the image.", FLOOR)
    usual = float(torch.bincount(labels).max()) / n
    if wilson(right, n).low <= usual:
        told = f"{100 * right / n:.1f} % of {n:,} validation images, {100 * usual:.1f} % by always naming one class"
        return Trouble(f"The accuracy is at chance: {told}.", RECOVER)
    return None


def dead_layer(network: Network, images: Tensor) -> str:
    """The name of the first layer group whose output is the same for every image; empty if there is none."""
    seen: list[str] = []

    def look(module: nn.Module, inputs: tuple[Tensor, ...], _: object) -> None:
        x = inputs[0].float()
        if float((x - x[:1]).abs().max()) <= STILL * max(float(x.abs().max()), 1.0):
            seen.append(str(module.out_of))

    hooks = [part.register_forward_hook(look) for _, part in parts_of(network)]
    try:
        _answers(network.eval(), images)
    finally:
        for hook in hooks:
            hook.remove()
    return next((network.labels[group].capitalize() for group in seen if group in network.labels), "")


def _images(ctx: Context) -> Tensor:
    return ctx.validation_items.inputs[:ITEMS]


@torch.no_grad()
def _answers(network: Network, images: Tensor) -> Tensor:
    return network(images).argmax(1)


def _right(network: Network, images: Tensor, labels: Tensor) -> int:
    return int((_answers(network, images) == labels).sum())


def _with_batch_statistics(network: Network) -> Network:
    """A copy that normalizes by what is in the batch, whatever statistics it has kept."""
    other = copy.deepcopy(network).eval()
    for module in other.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
    return other
