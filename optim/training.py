"""The one training loop, and what belongs to it: augmentation, evaluation, batch-norm recalibration."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from . import collapse
from .augmentation import DRAWN, View, augment, draw
from .batching import arranged, trimmed
from .context import Context
from .errors import TrainingFailed
from .inference import autocast, logits_of, worth_of
from .loss_guard import EVERY, LossGuard
from .models.network import Network
from .optimizers import optimizer
from .replicas import Replicas

BATCH, SMALL_BATCH = 96, 32
MANY_ITEMS = 10_000
"""From here on batches are large; smaller sets need the smaller batch to take enough steps in an epoch."""
VIEW_SEED = 1_000_003
"""Views of different seeds of a run have different seeds themselves, for more epochs than anyone waits for."""
WARM_UP = 0.25
"""Share of the steps in which the rate rises; it then falls to zero (one cycle, Smith 2018, arXiv:1803.09820)."""

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(logits (b, c) float32, labels (b,) or (b, c), indices (b,)) -> scalar."""
BeforeEpoch = Callable[[int, View | None], None]
"""Told the number of the view that comes, and the view: what happens to the inputs, None if nothing does."""


class Schedule(NamedTuple):
    epochs: int
    learning_rate: float
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    augment: bool = True
    patience: int = 0
    views: int = 0
    """So many augmented views of the inputs take turns; 0: every epoch has its own."""


def train(
    network: Network, ctx: Context, schedule: Schedule, loss: Loss | None = None, before: BeforeEpoch | None = None
) -> float:
    """Train in place on one cycle, with the optimizer of the context's model.

    The last epoch's weights are kept, whose rate has come down to zero: to choose the epoch by the validation items
    would flatter what these say of it afterwards. With a patience the best epoch's are, as early stopping means it.
    Returns their value of the data set's metric on validation, a fraction. Raises `TrainingFailed` when the loss is
    not finite, or when the network has collapsed: it gives every validation item the same answer.
    """
    with ctx.variant.in_force():
        ctx.variant.arrange(network.to(ctx.device)).train()
        with closing(Loop(network, ctx, schedule, loss or hard_loss(schedule.label_smoothing), before)) as loop:
            return _epochs(loop)


def _epochs(loop: Loop) -> float:
    network, ctx, schedule = loop.network, loop.ctx, loop.schedule
    best, best_state, best_epoch, alive = -1.0, None, 0, True
    losses: list[float] = []
    for epoch in range(1, schedule.epochs + 1):
        mean_loss, speed = loop.epoch(epoch)
        losses.append(mean_loss)
        with ctx.variant.together().in_force():
            logits = logits_of(network, ctx, ctx.validation_items.inputs)
        worth = worth_of(logits, ctx.validation_items, ctx)
        value = float(worth.mean())
        rising = collapse.rising(losses, schedule.learning_rate)
        trouble = rising or loop.guard.trouble or collapse.at_chance(worth, ctx.validation_items, ctx)
        facts = {"epoch": epoch, "loss": mean_loss, "validation": value, f"{ctx.row.items[1]}_per_s": speed}
        if trouble:
            ctx.alarm(trouble.sentence, loop.step, loop.steps, **facts)
        else:
            ctx.progress(loop.step, loop.steps, "", **facts)
        if value > best or not schedule.patience:
            best, best_epoch, alive = value, epoch, collapse.alive(logits, ctx.row)
            best_state = copy.deepcopy(network.state_dict()) if schedule.patience else None
        if schedule.patience and epoch - best_epoch >= schedule.patience:
            break
    if not alive:
        raise _collapsed(loop, best)
    if trouble := collapse.rising(losses, schedule.learning_rate) or loop.guard.trouble:
        ctx.warnings.append(trouble.sentence)
        ctx.cures.append(trouble.cure)
    if best_state is not None:
        network.load_state_dict(best_state)
    network.eval()
    return best


def batch_size(ctx: Context) -> int:
    count = len(ctx.train_items.labels)
    return BATCH if count >= MANY_ITEMS else min(SMALL_BATCH, count)


def hard_loss(label_smoothing: float) -> Loss:
    """Cross entropy with the true labels."""
    return lambda logits, labels, indices: cross_entropy(logits, targets(labels), label_smoothing=label_smoothing)


def targets(labels: Tensor) -> Tensor:
    """What cross entropy is given: class labels (b,) as they are; of rows with several true ones, (b, c) bool, each of
    these the same share, float32, so that the loss is a multinomial likelihood (Liang et al. 2018, arXiv:1802.05814,
    eq. 2, over each user's count). A row without any adds nothing.
    """
    if labels.ndim == 1:
        return labels
    return labels.float() / labels.sum(1, keepdim=True).clamp(min=1)


class Loop:
    """Optimizer, schedule and order of one training, epoch after epoch."""

    def __init__(
        self, network: Network, ctx: Context, schedule: Schedule, loss: Loss, before: BeforeEpoch | None = None
    ) -> None:
        self.network, self.ctx, self.schedule, self.loss, self.before = network, ctx, schedule, loss, before
        self.view: View | None = None
        self.replicas = Replicas(network, ctx.variant.replicas)
        self.items = ctx.train_items
        count = len(self.items.labels)
        self.size = batch_size(ctx)
        self.batches = count // self.size
        self.step, self.steps = 0, schedule.epochs * self.batches
        self.zeros = [(w, w == 0) for w in network.parameters() if w.ndim > 1 and bool((w == 0).any())]
        """Weights that were zero before are pruned ones, and stay zero (`prune-weights`)."""
        self.random = torch.Generator().manual_seed(ctx.seed)
        self.guard = LossGuard(ctx.row.outputs, schedule.learning_rate)
        self.optimizer = optimizer(network, ctx.model, schedule.learning_rate, schedule.weight_decay)

    def close(self) -> None:
        """Let go of what works beside the calling thread."""
        self.replicas.close()

    def epoch(self, number: int) -> tuple[float, float]:
        """Mean loss and items per second."""
        self._turn_to(number - 1)
        self.replicas.train()
        order = torch.randperm(len(self.items.labels), generator=self.random).to(self.ctx.device)
        order = arranged(order, self.items.inputs, self.size, self.ctx.row, self.random)
        losses, started, paused_s = [], time.perf_counter(), self.ctx.paused_s
        for batch in range(self.batches):
            losses.append(self.take(order[batch * self.size : (batch + 1) * self.size]))
            if self.step % EVERY == 0 and (new := self.guard.look(losses, self.step)):
                self.ctx.alarm(new.sentence, self.step, self.steps)
            self.ctx.progress(self.step, self.steps, epoch=number - 1 + (batch + 1) / self.batches)
        mean = self.guard.finite(torch.stack(losses).mean())
        seconds = time.perf_counter() - started - (self.ctx.paused_s - paused_s)
        return mean, self.batches * self.size / seconds

    def take(self, index: Tensor) -> Tensor:
        """One step on the items of `index` (b,); the loss comes back, detached."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.learning_rate * one_cycle(self.step / self.steps)
        loss = self.replicas.gradients(self._loss, index)
        self.optimizer.step()
        with torch.no_grad():
            for weight, zero in self.zeros:
                weight.masked_fill_(zero, 0.0)
        self.step += 1
        return loss

    def _turn_to(self, number: int) -> None:
        """Draw what happens to the inputs of this epoch; who teaches hears of it."""
        number = number % self.schedule.views if self.schedule.views else number
        if self.schedule.augment and self.ctx.row.kind in DRAWN:
            seed = VIEW_SEED * (self.ctx.seed + 1) + number
            self.view = draw(self.items.inputs, mirrored=self.ctx.splits.mirrored, seed=seed)
        if self.before is not None:
            with self.ctx.variant.together().in_force():
                self.before(number, self.view)

    def _loss(self, network: nn.Module, index: Tensor) -> Tensor:
        """Mean over the items of `index`."""
        inputs, labels = trimmed(self.items.inputs[index], self.ctx.row), self.items.labels[index]
        if self.view is not None:
            inputs = augment(inputs, self.view.of(index))
        if self.ctx.variant.channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        with autocast(self.ctx):
            logits = network(inputs)
        return self.loss(logits.float(), labels, index)


def _collapsed(loop: Loop, value: float) -> TrainingFailed:
    """With its cause: a loss that rose far explains a dead layer too."""
    row, rose = loop.ctx.row, loop.guard.rose
    told = f" {rose.sentence}" if rose else ""
    return TrainingFailed(
        f"The network learned nothing: it gives every {row.items[0]} the same answer.{told}",
        given=f"validation {row.goodness.label} {100 * value:.1f} % after {loop.step} steps at a rate up to "
        f"{loop.schedule.learning_rate:g}",
        remedy="Train for more epochs, lower the learning rate, or prune less.",
        cure=rose.cure if rose else collapse.cure_of_collapse(loop.network, loop.ctx),
    )


def one_cycle(progress: float) -> float:
    """Share of the peak rate at `progress` from 0 to 1: a straight rise, then a straight fall to zero.

    >>> [one_cycle(p) for p in (0.0, 0.25, 1.0)]
    [0.0, 1.0, 0.0]
    """
    return progress / WARM_UP if progress < WARM_UP else (1 - progress) / (1 - WARM_UP)


@torch.no_grad()
def recalibrate(network: Network, ctx: Context, batches: int = 16) -> None:
    """Estimate batch-norm statistics anew on training data, in place: pruning has changed what arrives.

    Cumulative averages over `batches` batches of un-augmented training items; nothing is done where no batch norm is.
    """
    norms = [m for m in network.modules() if isinstance(m, collapse.BATCH_NORMS)]
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    mode = network.training
    network.train()
    order = torch.randperm(len(ctx.train_items.labels), generator=torch.Generator().manual_seed(ctx.seed))
    for index in order[: batches * BATCH].split(BATCH):
        network(ctx.train_items.inputs[index.to(ctx.device)])
    for norm in norms:
        norm.momentum = 0.1
    network.train(mode)
