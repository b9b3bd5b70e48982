"""`bench train`: our training loop against the one a user would write from the PyTorch tutorial, in turns."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch.utils.data import DataLoader, TensorDataset

from .. import catalog
from ..baseline_training import fresh, variant_key
from ..context import Context, read_splits, training_device
from ..errors import RequestError
from ..models.network import Network
from ..stats import ratio_interval
from ..training import Loop, Schedule, hard_loss, train
from ..variants import choose_variant
from . import report

CONTENDERS = "resnet8:1,resnet8:2,resnet20:1"
IMAGES = 1024
"""Seen by each side per turn."""
TUTORIAL_BATCH, TUTORIAL_EPOCHS = 128, 5
SHORT = Schedule(epochs=1, learning_rate=0.2, label_smoothing=0.2, augment=False)
"""Our schedule for the race to the tutorial's accuracy. Where one epoch falls short, the race is won by the shortest
whole number of epochs whose one cycle gets there."""


class Race(NamedTuple):
    """One race to an accuracy: what the tutorial's loop reached, and how long each side took, in seconds."""

    accuracy: float
    tutorial_s: float
    ours_s: float
    ours_accuracy: float
    epochs: int
    """Of our one cycle: the fewest that reach the accuracy. The attempts with fewer are not counted."""
    reached: bool


def main(json: bool = False, *, rounds: int = 12, races: int = 3, models: str = CONTENDERS) -> None:
    """Images per second of both loops, and the time each needs to the tutorial loop's accuracy after 5 epochs."""
    if rounds < 2 or races < 1:
        raise RequestError("The benchmark needs rounds to compare.", given=f"{rounds} rounds, {races} races",
                           allowed="at least 2 rounds and 1 race")  # fmt: skip
    refs, payload = models.split(","), {}
    with tempfile.TemporaryDirectory() as home:
        for ref in refs:
            ctx = _context(Path(home))
            print(f"{ref}: throughput, then races; minutes", file=sys.stderr)
            payload[ref] = {**throughput(ref, ctx, rounds), **race_of(ref, ctx, races if ref == refs[0] else 1)}
    first = payload[refs[0]]
    report("train", {"ratio": first["ratio"], "time_to_accuracy": first["time_to_accuracy"], "models": payload}, json)


def throughput(ref: str, ctx: Context, rounds: int) -> dict:
    """Images per second of both sides, `IMAGES` each in turn, and the paired ratio with its interval."""
    tutorial, ours = _Tutorial(ref, ctx), _ours(ref, ctx)
    sides = {"tutorial": lambda: tutorial.steps(IMAGES // TUTORIAL_BATCH), "ours": lambda: _our_steps(ours, ctx)}
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name in list(sides)[:: 1 if turn % 2 else -1]:
            seconds = _seconds(sides[name])
            if turn:
                speeds[name].append(IMAGES / seconds)
    ratio = ratio_interval([ours / theirs for ours, theirs in zip(speeds["ours"], speeds["tutorial"], strict=True)])
    medians = {f"{name}_images_per_s": round(sorted(values)[rounds // 2]) for name, values in speeds.items()}
    return {**medians, "ratio": ratio.model_dump(), "rounds": rounds, "variant": str(ctx.variant)}


def race_of(ref: str, ctx: Context, races: int) -> dict:
    """Seconds of both sides to the same validation accuracy, evaluation after each epoch included, in turns."""
    ran = [_race(ref, ctx, seed) for seed in range(races)]
    ratios = [race.tutorial_s / race.ours_s for race in ran if race.reached]
    value = ratio_interval(ratios).model_dump() if len(ratios) > 1 else {"value": ratios[0] if ratios else None}
    return {"time_to_accuracy": value, "not_reached": races - len(ratios), "races": [race._asdict() for race in ran]}


def _race(ref: str, ctx: Context, seed: int) -> Race:
    ctx.seed = seed
    tutorial = _Tutorial(ref, ctx)
    started = time.perf_counter()
    accuracy = 0.0
    for _ in range(TUTORIAL_EPOCHS):
        tutorial.epoch()
        accuracy = tutorial.accuracy()
    spent = time.perf_counter() - started
    for epochs in range(SHORT.epochs, TUTORIAL_EPOCHS + 1):
        network = _fresh(ref, ctx)
        ours_s, reached = _timed(lambda n=network, e=epochs: train(n, ctx, SHORT._replace(epochs=e)))
        if reached >= accuracy:
            break
    return Race(accuracy, spent, ours_s, reached, epochs, reached >= accuracy)


class _Tutorial:
    """DataLoader, fp32, NCHW, Adam at 1e-3, batch 128, shuffled."""

    def __init__(self, ref: str, ctx: Context) -> None:
        torch.manual_seed(ctx.seed)
        self.ctx, self.network = ctx, _fresh(ref, ctx).to(ctx.device)
        train_set, self.validation = (
            TensorDataset(torch.from_numpy(split.inputs), torch.from_numpy(split.labels))
            for split in (ctx.splits.train, ctx.splits.validation)
        )
        self.loader = DataLoader(train_set, batch_size=TUTORIAL_BATCH, shuffle=True)
        self.loss = torch.nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)
        self.pending = iter(self.loader)

    def epoch(self) -> None:
        self.network.train()
        for images, labels in self.loader:
            self._step(images, labels)

    def steps(self, count: int) -> None:
        self.network.train()
        for _ in range(count):
            batch = next(self.pending, None)
            if batch is None or len(batch[1]) < TUTORIAL_BATCH:
                self.pending = iter(self.loader)
                batch = next(self.pending)
            self._step(*batch)

    def _step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        images, labels = images.to(self.ctx.device), labels.to(self.ctx.device)
        loss = self.loss(self.network(images), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    @torch.no_grad()
    def accuracy(self) -> float:
        self.network.eval()
        right = 0
        for images, labels in DataLoader(self.validation, batch_size=TUTORIAL_BATCH):
            answers = self.network(images.to(self.ctx.device)).argmax(1)
            right += int((answers == labels.to(self.ctx.device)).sum())
        return right / len(self.validation)


def _context(home: Path) -> Context:
    return Context(catalog.dataset("fashion-mnist"), read_splits("fashion-mnist"), home, device=training_device("auto"))


def _fresh(ref: str, ctx: Context) -> Network:
    model, _, width = catalog.check_model_ref(ref).partition(":")
    return fresh(ctx.row.name, model, float(width), ctx)


def _ours(ref: str, ctx: Context) -> Loop:
    model, _, width = ref.partition(":")
    network = _fresh(ref, ctx)
    ctx.variant = choose_variant(network, ctx, variant_key(model, float(width), ctx))
    loop = Loop(ctx.variant.arrange(network.to(ctx.device)), ctx, Schedule(1000, 0.01), hard_loss(0.0))
    loop.replicas.train()
    return loop


def _our_steps(loop: Loop, ctx: Context) -> None:
    """The loop's own steps, augmentation and progress reports included."""
    order = torch.randperm(len(loop.items.labels), device=ctx.device)
    with ctx.variant.in_force():
        for index in order[:IMAGES].split(loop.size):
            loss = loop.take(index)
            ctx.progress(loop.step, loop.steps)
        float(loss)


def _seconds(work: Callable[[], None]) -> float:
    return _timed(lambda: work() or 0.0)[0]


def _timed(work: Callable[[], float]) -> tuple[float, float]:
    """Seconds, and what the work gave back."""
    started = time.perf_counter()
    answer = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started, answer
