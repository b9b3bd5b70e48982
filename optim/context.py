"""What a technique may lean on while a run goes through the heavy room."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from . import catalog
from .catalog import Dataset, Model
from .data.splits import Split, Splits
from .errors import Cancelled, RequestError
from .knapsack import Speed
from .models.network import Network
from .records import Event

PAUSED = "paused: another run of this machine is being timed"


class Variant(NamedTuple):
    """How the arithmetic of training is done: chosen by timing, once per machine and model."""

    bf16: bool = False
    channels_last: bool | None = False
    """Memory layout of filters over images; None: the network has none."""
    threads: int = 0
    """Of each replica; 0 = as many as there are cores."""
    replicas: int = 1
    """Parts of each batch that are worked on side by side."""

    def __str__(self) -> str:
        layout = {True: " channels_last", False: " NCHW", None: ""}[self.channels_last]
        words = f"{'bf16' if self.bf16 else 'fp32'}{layout}"
        times = f"{self.replicas} x " if self.replicas > 1 else ""
        return f"{words}, {times}{self.threads} thread{'s' * (self.threads > 1)}" if self.threads else words

    def arrange(self, network: Network) -> Network:
        """The network with its filters in this memory layout, in place."""
        if self.channels_last:
            network.to(memory_format=torch.channels_last)  # pyrefly: ignore[no-matching-overload]
        return network

    def together(self) -> Variant:
        """For work that is not split among replicas: all their threads on it."""
        return self._replace(threads=self.threads * self.replicas, replicas=1)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Use this many threads inside the block."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads or before)
        try:
            yield
        finally:
            torch.set_num_threads(before)


class Items(NamedTuple):
    """One split on the device, as `Split` has it."""

    inputs: Tensor
    labels: Tensor
    seen: Tensor | None = None
    """Of users: what a ranking leaves out, as `Splits` has it."""

    def first(self, count: int | None) -> Items:
        """The first `count` of them; all for None."""
        return Items(self.inputs[:count], self.labels[:count], None if self.seen is None else self.seen[:count])


@dataclass
class Context:
    row: Dataset
    splits: Splits
    home: Path
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    variant: Variant = Variant()
    report: Callable[[Event], None] = lambda event: None
    cancelled: Callable[[], bool] = lambda: False
    stage: str = ""
    teacher: Callable[[str], Network] | None = None
    """Gives the baseline a `teacher` knob names; set by the pipeline."""
    warnings: list[str] = field(default_factory=list)
    cures: list[str] = field(default_factory=list)
    """What would cure what the warnings tell, by its name in `cures.py`."""
    speed: Speed | None = None
    """What the profile tells of the recipe's model, for allocation=latency; set by the pipeline."""
    from_scratch: bool = False
    """Whether nothing has trained the network yet."""
    model: Model = field(default_factory=lambda: catalog.model("cnn"))
    """The row of the network that is trained: its optimizer and its usual rates."""
    give_way: Callable[[Callable[[], None]], float] = lambda waiting: 0.0
    """Lets a measurement pass; seconds it took. Set while the machine's lock is held (`locks.training_lock`)."""
    paused_s: float = 0.0
    """Seconds in which a measurement of another run had the machine."""

    @property
    def automatic_rate(self) -> float:
        """Peak learning rate when the user leaves it open."""
        return self.model.rate(from_scratch=self.from_scratch)

    def progress(self, done: int = 0, total: int = 0, message: str = "", **metrics: float) -> None:
        """Tell what is being done, then `breathe`."""
        self._check_cancel()
        self._tell(done, total, message, metrics)
        self.breathe(done, total)

    def alarm(self, trouble: str, done: int = 0, total: int = 0, **metrics: float) -> None:
        """`progress` with a sentence that names what is wrong with the network now; the run keeps `warnings` alone."""
        self._check_cancel()
        self._tell(done, total, trouble, metrics, trouble=True)
        self.breathe(done, total)

    def breathe(self, done: int = 0, total: int = 0) -> None:
        """Let a measurement pass, if one waits; raises `Cancelled` when the user has asked to stop.

        `progress` does it too: call this between batches that are not worth telling.
        """
        self._check_cancel()

        def waiting() -> None:
            self._check_cancel()
            self._tell(done, total, PAUSED, {})

        self.paused_s += self.give_way(waiting)

    def _check_cancel(self) -> None:
        if self.cancelled():
            raise Cancelled("The run was stopped on request.", remedy="Retry it to start again from what is cached.")

    def _tell(self, done: int, total: int, message: str, metrics: dict[str, float], *, trouble: bool = False) -> None:
        self.report(Event(
            time=time.time(), stage=self.stage, done=done, total=total, message=message, metrics=metrics,
            trouble=trouble,
        ))  # fmt: skip

    @cached_property
    def train_items(self) -> Items:
        return self._items("train")

    @cached_property
    def validation_items(self) -> Items:
        return self._items("validation")

    def _items(self, name: str) -> Items:
        """Small data stays on the device as one tensor; a batch is an index into it."""
        split: Split = getattr(self.splits, name)
        seen = (self.splits.seen or {}).get(name)
        arrays = (split.inputs, split.labels, *(() if seen is None else (seen,)))
        return Items(*(torch.from_numpy(array).to(self.device) for array in arrays))


@cache
def read_splits(name: str) -> Splits:
    """The splits of a data set, read once per process."""
    return catalog.load(catalog.dataset(name).function)()


def training_device(name: str) -> torch.device:
    """`auto` is the GPU when there is one. Raises `RequestError` for a device that is not there."""
    gpu = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if gpu else "cpu")
    if name == "cpu" or (name == "cuda" and gpu):
        return torch.device(name)
    raise RequestError(
        "The network cannot be trained on this device.", given=name, allowed="auto, cpu" + (", cuda" if gpu else "")
    )
