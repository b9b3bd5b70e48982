"""The one training loop, and what belongs to it: augmentation, evaluation, batch-norm recalibration."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from .context import Context, Items
from .errors import TrainingFailed
from .models.network import Network
from .replicas import Replicas

BATCH, SMALL_BATCH = 96, 32
MANY_ITEMS = 10_000
"""From here on batches are large; smaller sets need the smaller batch to take enough steps in an epoch."""
MOMENTUM = 0.9
WARM_UP = 0.25
"""Share of the steps in which the rate rises; it then falls to zero (one cycle, Smith 2018, arXiv:1803.09820)."""
SHIFT = 2
"""Largest shift of augmentation, in pixels, per 28 pixels of side; at least one."""

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(logits (b, c) float32, labels (b,), images (b, c, h, w) as the network saw them, indices (b,)) -> scalar."""


class Schedule(NamedTuple):
    epochs: int
    learning_rate: float
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    augment: bool = True
    patience: int = 0


def train(network: Network, ctx: Context, schedule: Schedule, loss: Loss | None = None) -> float:
    """Train in place with SGD (Nesterov) on one cycle; the weights of the best epoch are kept.

    Returns the best validation accuracy, a fraction. Raises `TrainingFailed` when the loss is not finite, or when
    the network has collapsed: it gives every validation item the same answer.
    """
    with ctx.variant.in_force():
        return _train(network, ctx, schedule, loss or hard_loss(schedule.label_smoothing))


def _train(network: Network, ctx: Context, schedule: Schedule, loss: Loss) -> float:
    ctx.variant.arrange(network.to(ctx.device)).train()
    with closing(Loop(network, ctx, schedule, loss)) as loop:
        return _epochs(loop)


def _epochs(loop: Loop) -> float:
    network, ctx, schedule = loop.network, loop.ctx, loop.schedule
    best, best_state, best_epoch, alive = -1.0, None, 0, True
    for epoch in range(1, schedule.epochs + 1):
        mean_loss, speed = loop.epoch(epoch)
        with ctx.variant.together().in_force():
            answers = answers_of(network, ctx, ctx.validation_items.images)
        accuracy = share_right(answers, ctx.validation_items.labels)
        ctx.progress(loop.step, loop.steps, epoch=epoch, loss=mean_loss, validation=accuracy, images_per_s=speed)
        if accuracy > best:
            best, best_epoch, best_state = accuracy, epoch, copy.deepcopy(network.state_dict())
            alive = bool((answers != answers[0]).any())
        if schedule.patience and epoch - best_epoch >= schedule.patience:
            break
    if not alive:
        raise _collapsed(loop, best)
    if best_state is not None:
        network.load_state_dict(best_state)
    network.eval()
    return best


def batch_size(ctx: Context) -> int:
    count = len(ctx.train_items.labels)
    return BATCH if count >= MANY_ITEMS else min(SMALL_BATCH, count)


def hard_loss(label_smoothing: float) -> Loss:
    """Cross entropy with the true labels."""
    return lambda logits, labels, images, indices: cross_entropy(logits, labels, label_smoothing=label_smoothing)


class Loop:
    """Optimizer, schedule and order of one training, epoch after epoch."""

    def __init__(self, network: Network, ctx: Context, schedule: Schedule, loss: Loss) -> None:
        self.network, self.ctx, self.schedule, self.loss = network, ctx, schedule, loss
        self.replicas = Replicas(network, ctx.variant.replicas, ctx.seed)
        self.items = ctx.train_items
        count = len(self.items.labels)
        self.size = batch_size(ctx)
        self.batches = count // self.size
        self.step, self.steps = 0, schedule.epochs * self.batches
        self.random = torch.Generator().manual_seed(ctx.seed)
        self.optimizer = torch.optim.SGD(
            _decay_groups(network, schedule.weight_decay),
            lr=schedule.learning_rate, momentum=MOMENTUM, nesterov=True, fused=True,
        )  # fmt: skip

    def close(self) -> None:
        """Let go of what works beside the calling thread."""
        self.replicas.close()

    def epoch(self, number: int) -> tuple[float, float]:
        """Mean loss and images per second."""
        self.replicas.train()
        order = torch.randperm(len(self.items.labels), generator=self.random).to(self.ctx.device)
        losses, started = [], time.perf_counter()
        for batch in range(self.batches):
            losses.append(self.take(order[batch * self.size : (batch + 1) * self.size]))
            if self.step % 10 == 0:
                self._check(losses[-1])
            self.ctx.progress(self.step, self.steps, epoch=number - 1 + (batch + 1) / self.batches)
        mean = torch.stack(losses).mean()
        self._check(mean)
        return float(mean), self.batches * self.size / (time.perf_counter() - started)

    def take(self, index: Tensor) -> Tensor:
        """One step on the items of `index` (b,); the loss comes back, detached."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.learning_rate * one_cycle(self.step / self.steps)
        loss = self.replicas.gradients(self._loss, index)
        self.optimizer.step()
        self.step += 1
        return loss

    def _loss(self, network: nn.Module, index: Tensor, random: torch.Generator) -> Tensor:
        """Mean over the items of `index`."""
        images, labels = self.items.images[index], self.items.labels[index]
        if self.schedule.augment:
            images = augment(images, mirrored=self.ctx.splits.mirrored, random=random)
        if self.ctx.variant.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        with autocast(self.ctx):
            logits = network(images)
        return self.loss(logits.float(), labels, images, index)

    def _check(self, loss: Tensor) -> None:
        if not math.isfinite(float(loss)):
            raise TrainingFailed(
                "The loss is no longer a finite number.",
                given=f"learning rate {self.schedule.learning_rate:g}",
                remedy="Lower the learning rate, for example to a tenth.",
            )


def _collapsed(loop: Loop, accuracy: float) -> TrainingFailed:
    return TrainingFailed(
        "The network learned nothing: it gives every image the same answer.",
        given=f"validation accuracy {100 * accuracy:.1f} % after {loop.step} steps at a rate up to "
        f"{loop.schedule.learning_rate:g}",
        remedy="Train for more epochs, lower the learning rate, or remove fewer channels.",
    )


def one_cycle(progress: float) -> float:
    """Share of the peak rate at `progress` from 0 to 1: a straight rise, then a straight fall to zero.

    >>> [one_cycle(p) for p in (0.0, 0.25, 1.0)]
    [0.0, 1.0, 0.0]
    """
    return progress / WARM_UP if progress < WARM_UP else (1 - progress) / (1 - WARM_UP)


def augment(images: Tensor, *, mirrored: bool, random: torch.Generator) -> Tensor:
    """Each image shifted by a few pixels (blank comes in) and, where `mirrored`, flipped half of the time."""
    count, _, height, width = images.shape
    shift = max(round(SHIFT * height / 28), 1)
    offsets = torch.randint(0, 2 * shift + 1, (2, count, 1), generator=random).to(images.device)
    rows = offsets[0] + torch.arange(height, device=images.device)
    columns = offsets[1] + torch.arange(width, device=images.device)
    if mirrored:
        flip = torch.rand(count, 1, generator=random).to(images.device) < 0.5
        columns = torch.where(flip, columns.flip(1), columns)
    padded = pad(images, (shift,) * 4)
    item = torch.arange(count, device=images.device)[:, None, None]
    return padded[item, :, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)


def autocast(ctx: Context) -> torch.autocast:
    return torch.autocast(ctx.device.type, torch.bfloat16, enabled=ctx.variant.bf16)


@torch.no_grad()
def logits_of(network: Network, ctx: Context, images: Tensor, batch: int = 500) -> Tensor:
    """Float32 logits (n, classes) in evaluation mode; the network's mode is restored."""
    mode = network.training
    network.eval()
    with autocast(ctx):
        parts = [network(chunk).float() for chunk in images.split(batch)]
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
    return share_right(answers_of(network, ctx, items.images), items.labels)


@torch.no_grad()
def recalibrate(network: Network, ctx: Context, batches: int = 16) -> None:
    """Estimate batch-norm statistics anew on training data, in place: pruning has changed what arrives.

    Cumulative averages over `batches` batches of un-augmented training images.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    mode = network.training
    network.train()
    order = torch.randperm(len(ctx.train_items.labels), generator=torch.Generator().manual_seed(ctx.seed))
    for index in order[: batches * BATCH].split(BATCH):
        network(ctx.train_items.images[index.to(ctx.device)])
    for norm in norms:
        norm.momentum = 0.1
    network.train(mode)


def _decay_groups(network: nn.Module, weight_decay: float) -> list[dict]:
    """Decay pulls on matrices and filters, not on biases and batch norm."""
    tensors = list(network.parameters())
    return [
        {"params": [t for t in tensors if t.ndim > 1], "weight_decay": weight_decay},
        {"params": [t for t in tensors if t.ndim <= 1], "weight_decay": 0.0},
    ]
