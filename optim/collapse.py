"""The guard against collapse: what has gone wrong with a network, recognized from its answers and its layers.

Each trouble is told as a warning of the run, with the name of its cure (`cures.py`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from . import resampling
from .catalog_data import Dataset
from .context import Context, Items
from .cures import FLOOR, LOWER_RATE, RECALIBRATE, RECOVER
from .inference import worth_of
from .models.network import Network
from .models.part import parts_of
from .stats import wilson
from .words import MINUS

ITEMS = 1000
"""Validation items that are looked at."""
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
STILL = 1e-6
"""What comes out of a layer varies less than this from item to item, relative to its size: it carries nothing."""
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
        ctx.alarm(found.sentence)
        ctx.warnings.append(found.sentence)
        ctx.cures.append(found.cure)


def look(network: Network, ctx: Context) -> None:
    """Tell at once of a dead layer or drifted statistics between two steps; the next may cure or hide it.

    Neither is kept: what counts is the look at the end. Accuracy at chance is normal here, right after pruning.
    """
    if (found := _broken(network, _items(ctx), ctx)) is not None:
        ctx.alarm(found.sentence)


def cure_of_collapse(network: Network, ctx: Context) -> str:
    """The cure for a network that gives every item the same answer after training."""
    return FLOOR if dead_layer(network, _items(ctx).inputs) else LOWER_RATE


def alive(logits: Tensor, row: Dataset) -> bool:
    """Whether the answers differ from item to item: the classes named, or, of rankings, the scores."""
    answers = logits if row.ranks else logits.argmax(1)
    return bool((answers != answers[:1]).any())


def rising(losses: Sequence[float], rate: float) -> Trouble | None:
    """Whether the mean loss per epoch has gone up instead of down.

    >>> rising([1.0, 0.7, 0.5], 0.1) is None, rising([1.0, 2.0], 0.9).cure
    (True, 'lower-rate')
    """
    if len(losses) < 2 or losses[-1] <= RISING * losses[0]:
        return None
    told = f"{rose(losses[0], losses[-1])} over {len(losses)} epochs at a rate up to {rate:g}"
    return Trouble(f"The loss rose {told}: the learning rate is too high.", LOWER_RATE)


def rose(first: float, last: float) -> str:
    """Both losses in few digits.

    >>> rose(2.309, 1.6e14)
    'from 2.31 to 1.6e+14'
    """
    return " to ".join(f"{loss:,.2f}" if loss < 1e4 else f"{loss:.2g}" for loss in (first, last)).join(("from ", ""))


def at_chance(worth: np.ndarray, items: Items, ctx: Context) -> Trouble | None:
    """Whether the answers are no better than always naming one class; None for rankings, which have no classes.

    `worth` (n,): 1 for each of `items` that was right, else 0.
    """
    if ctx.row.ranks:
        return None
    right, n = int(worth.sum()), len(items.labels)
    usual = float(torch.bincount(items.labels).max()) / n
    if wilson(right, n).low > usual:
        return None
    many = f"{n:,} validation {ctx.row.items[1]}"
    told = f"{100 * right / n:.1f} % of {many}, {100 * usual:.1f} % by always naming one class"
    return Trouble(f"The accuracy is at chance: {told}.", RECOVER)


def _troubles(network: Network, ctx: Context) -> Trouble | None:
    items = _items(ctx)
    if (broken := _broken(network, items, ctx)) is not None:
        return broken
    worth = worth_of(_logits(network, items.inputs), items, ctx)
    if ctx.row.ranks:
        return _no_better_than_popularity(worth, _by_popularity(ctx, items), ctx)
    return at_chance(worth, items, ctx)


def _broken(network: Network, items: Items, ctx: Context) -> Trouble | None:
    """Drifted statistics or a dead layer."""
    row = ctx.row
    if not row.ranks and (drifted := _drifted(network, items, ctx)):
        many = f"{len(items.labels):,} validation {row.items[1]}"
        return Trouble(f"The batch-norm statistics have drifted: {drifted}, on {many}.", RECALIBRATE)
    if dead := dead_layer(network, items.inputs):
        return Trouble(f"{dead} is dead: nothing that comes out of it depends on the {row.items[0]}.", FLOOR)
    return None


def _drifted(network: Network, items: Items, ctx: Context) -> str:
    """How much more accurate the network is with the statistics of the batch, if that cannot be luck; else empty."""
    if not any(isinstance(module, BATCH_NORMS) for module in network.modules()):
        return ""
    n, right = len(items.labels), int(worth_of(_logits(network.eval(), items.inputs), items, ctx).sum())
    batchwise = int(worth_of(_logits(_with_batch_statistics(network), items.inputs), items, ctx).sum())
    if (batchwise - right) / n <= DRIFT or wilson(batchwise, n).low <= wilson(right, n).high:
        return ""
    return f"{100 * right / n:.0f} % with the kept statistics, {100 * batchwise / n:.0f} % with those of the batch"


def _no_better_than_popularity(worth: np.ndarray, usual: np.ndarray, ctx: Context) -> Trouble | None:
    """Unless the paired difference over users leaves no doubt; both (n,), what each user's ranking is worth."""
    gap, row = resampling.mean_gap(worth.astype(np.float64) - usual), ctx.row
    if gap.low > 0:
        return None
    told = (
        f"{100 * worth.mean():.1f} % on {len(worth):,} validation {row.items[1]}, {100 * usual.mean():.1f} % by always"
    )
    apart = f"{100 * gap.low:.1f} to {100 * gap.high:.1f} points".replace("-", MINUS)
    kind = "is no better" if gap.value <= 0 else "is not surely better"
    sentence = f"naming the most popular, a paired difference of {apart}"
    return Trouble(f"The {row.goodness.label} {kind} than popularity: {told} {sentence}.", RECOVER)


def _by_popularity(ctx: Context, items: Items) -> np.ndarray:
    """What each user's ranking is worth if it is the same for all: by how often each item was chosen in training."""
    popular = ctx.train_items.labels.float().sum(0)
    return worth_of(popular.expand(len(items.labels), -1), items, ctx)


def dead_layer(network: Network, inputs: Tensor) -> str:
    """The name of the first layer group whose output is the same for every item; empty if there is none."""
    seen: list[str] = []

    def look(module: nn.Module, given: tuple[Tensor, ...], _: object) -> None:
        x = given[0].float()
        if float((x - x[:1]).abs().max()) <= STILL * max(float(x.abs().max()), 1.0):
            seen.append(str(module.out_of))

    hooks = [part.register_forward_hook(look) for _, part in parts_of(network) if part.out_of]
    try:
        _logits(network.eval(), inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return next((network.labels[group].capitalize() for group in seen if group in network.labels), "")


def _items(ctx: Context) -> Items:
    return ctx.validation_items.first(ITEMS)


@torch.no_grad()
def _logits(network: Network, inputs: Tensor) -> Tensor:
    return network(inputs)


def _with_batch_statistics(network: Network) -> Network:
    """A copy that normalizes by what is in the batch, whatever statistics it has kept."""
    other = copy.deepcopy(network).eval()
    for module in other.modules():
        if isinstance(module, BATCH_NORMS):
            module.train()
    return other
