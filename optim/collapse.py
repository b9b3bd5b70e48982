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

from . import paired, resampling
from .catalog_data import Dataset
from .context import Context, Items
from .cures import FLOOR, LOWER_RATE, RECALIBRATE, RECOVER, UNQUANTIZED
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


FALL = 0.03
"""What 8 bits may cost, as a fraction: several times what they do where nothing is wrong, and what people accept."""


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


def look(network: Network, ctx: Context) -> None:
    """Between two steps: tell at once of a dead layer or drifted statistics, which the next step may hide or mend.

    Accuracy at chance is usual right after pruning; what still holds after the last step is what `inspect` warns of.
    """
    items = _items(ctx)
    worth = worth_of(_logits(network, items.inputs), items, ctx)
    found = _drift(network, items, ctx, worth) or _dead(network, items, ctx)
    if found is not None:
        ctx.progress(message=f"{found.sentence} The next step may mend it.")


def quantized(before: np.ndarray, after: np.ndarray, ctx: Context) -> None:
    """Warn where the file lost far more by its 8 bits than they usually cost; (n,) what each validation item is worth.

    `before`: by the file that was quantized. Only a loss that the paired test tells apart counts.
    """
    pairs = paired.pair(before, after)
    loss = paired.paired_loss(pairs)
    if loss.value <= FALL or not paired.told_apart(pairs):
        return
    band = f"{100 * loss.low:.1f} to {100 * loss.high:.1f}".replace("-", MINUS)
    told = (
        f"{100 * loss.value:.1f} points of {ctx.row.goodness.label} ({band}, {loss.n:,} validation {ctx.row.items[1]})"
    )
    sentence = f"Quantizing lost {told}: its 8 bits do not hold what this network computes."
    ctx.progress(message=sentence)
    ctx.warnings.append(sentence)
    ctx.cures.append(UNQUANTIZED)


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
    told = f"from {losses[0]:.2f} to {losses[-1]:.2f} over {len(losses)} epochs at a rate up to {rate:g}"
    return Trouble(f"The loss rose {told}: the learning rate is too high.", LOWER_RATE)


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
    worth = worth_of(_logits(network, items.inputs), items, ctx)
    if found := _drift(network, items, ctx, worth) or _dead(network, items, ctx):
        return found
    if ctx.row.ranks:
        return _no_better_than_popularity(worth, _by_popularity(ctx, items), ctx)
    return at_chance(worth, items, ctx)


def _drift(network: Network, items: Items, ctx: Context, worth: np.ndarray) -> Trouble | None:
    drifted = "" if ctx.row.ranks else _drifted(network, items, ctx, int(worth.sum()))
    many = f"{len(items.labels):,} validation {ctx.row.items[1]}"
    return Trouble(f"The batch-norm statistics have drifted: {drifted}, on {many}.", RECALIBRATE) if drifted else None


def _dead(network: Network, items: Items, ctx: Context) -> Trouble | None:
    dead, item = dead_layer(network, items.inputs), ctx.row.items[0]
    told = f"{dead} is dead: nothing that comes out of it depends on the {item}."
    return Trouble(told, FLOOR) if dead else None


def _drifted(network: Network, items: Items, ctx: Context, right: int) -> str:
    """How much more accurate the network is with the statistics of the batch, if that cannot be luck; else empty."""
    if not any(isinstance(module, BATCH_NORMS) for module in network.modules()):
        return ""
    n = len(items.labels)
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
