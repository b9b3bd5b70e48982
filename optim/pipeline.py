"""The order of stages: the only file that knows it. It reads top down like the sentence in the design:

baseline or fresh model, steps, export, gate, file steps, gate, score of the file, time of the file.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import torch

from . import after_int8, catalog, collapse, cost, gate, keeping, marks, operators, prefixes, scoring, speeds, timing
from .atomic import write_text
from .baseline_training import fresh, obtain, variant_key
from .cache import StepCache, sha256
from .context import Context, read_splits, training_device
from .errors import GateFailed
from .export import as_trained, describe_again, export
from .locks import training_lock
from .models.network import Network
from .records import Event, Step, Task
from .results import Check, File, Group, Parity, Result, Score
from .variants import choose_variant


def run(
    task: Task,
    report: Callable[[Event], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Result:
    """Make the recipe's file, check it, score it, time it; results appear in `task.folder` when whole.

    A file that is there already (`task.recorded`) is only timed again, or its test set opened. Raises `RunError`
    (training, gate, cancel) or `RequestError` (a value the engine refuses).
    """
    if task.recorded is not None and task.opening:
        return scoring.open_test(task, report, cancelled)
    if task.recorded is not None:
        return timing.time_again(task, report, cancelled)
    job = _Job(task, report, cancelled)
    with tempfile.TemporaryDirectory(dir=task.folder, prefix=".work-") as scratch:
        with job.machine():
            if task.given_file:
                file, groups = job.given(Path(scratch)), ()
            else:
                file, groups = job.made(Path(scratch))
        timed = job.time(Path(scratch) / file.name)
        result = job.result(file, groups, timed)
        for name in (operators.FILE, file.predictions, file.name):
            (Path(scratch) / name).rename(Path(task.folder) / name)
    write_text(Path(task.folder) / "result.json", result.to_json())
    return result


class _Job:
    """One task on its way through the stages."""

    def __init__(self, task: Task, report: Callable[[Event], None], cancelled: Callable[[], bool]) -> None:
        self.task, self.recipe = task, task.recipe
        self.home = Path(task.home)
        self.seconds: dict[str, float] = {}
        self.cached = 0
        row = catalog.dataset(task.recipe.dataset)
        self.ctx = Context(
            row, read_splits(row.name), self.home, task.recipe.seed, training_device(task.train_device),
            model=catalog.model(task.recipe.model), report=report, cancelled=cancelled, teacher=self.teacher,
        )  # fmt: skip
        there = task.project
        self.ctx.speed = speeds.of_recipe(
            self.recipe, self.home, device=there.device, threads=there.threads, batch=there.batch
        )

    @contextmanager
    def machine(self) -> Iterator[None]:
        """Be one of many on this machine: whatever loads the processor waits while another run is timed."""
        with training_lock(lambda: self.ctx.progress(message=timing.WAITING)) as self.ctx.give_way:
            yield

    def made(self, scratch: Path) -> tuple[File, tuple[Group, ...]]:
        """The file of the recipe, gated and scored, and what became of its channel groups."""
        before, network = self.networks()
        path = scratch / "model.onnx"
        with self.stage("Export"):
            model = export(network, self.ctx.row, self.recipe, path, self.home / "cache" / "templates")
            params, macs = cost.count(model)
        with self.stage("Gate"):
            self.ctx.progress(message=f"comparing with the network on real {self.ctx.row.items[1]}")
            parity, checks = gate.check_fp32(path, as_trained(network), self.ctx.splits)
        first, precision = path, "fp32"
        for step in self.steps("file"):
            path, parity, more = self.file_step(step, path)
            checks, precision = (*checks, *more), "int8"
        parent = first.replace(scratch / "before.onnx") if precision == "int8" else None
        path.replace(scratch / "model.onnx")
        score = self.score(scratch, parent)
        return self.file(scratch, params, macs, precision, parity, checks, score), _groups(before, network)

    def networks(self) -> tuple[Network, Network]:
        """The network the recipe starts from, and what its network steps make of it."""
        with self.stage("Baseline" if self.recipe.start == "baseline" else "Start"):
            network = start = self.start()
        store, steps = StepCache(self.home / "cache" / "steps"), self.steps("network")
        for index, step in enumerate(steps):
            key = prefixes.key(self.recipe, steps[: index + 1], self.ctx)
            known = store.get(key, start)
            if known is None:
                with self.stage(catalog.technique(step.technique).verb):
                    known = self.network_step(step, network)
                store.put(key, known)
            else:
                self.cached += 1
                self.ctx.stage = catalog.technique(step.technique).verb
                self.ctx.progress(1, 1, message="already made by an earlier run")
            network = known.to(self.ctx.device)
            if index + 1 < len(steps):
                collapse.look(network, self.ctx)
        if steps:
            collapse.inspect(network, self.ctx)
        return start, network

    def start(self) -> Network:
        model, width, ctx = self.recipe.model, self.recipe.width, self.ctx
        network = (
            fresh(ctx.row.name, model, width, ctx) if self.recipe.start == "scratch" else obtain(model, width, ctx)
        )
        ctx.from_scratch = self.recipe.start == "scratch"
        if any(catalog.technique(step.technique).trains for step in self.recipe.steps):
            ctx.progress(message="choosing the fastest arithmetic for training")
            ctx.variant = choose_variant(network, ctx, variant_key(model, width, ctx))
        return network.to(ctx.device)

    def network_step(self, step: Step, network: Network) -> Network:
        row = catalog.technique(step.technique)
        self.ctx.progress()
        torch.manual_seed(self.recipe.seed)
        changed = catalog.load(row.function)(network, self.ctx, **step.knobs)
        if row.trains:
            self.ctx.from_scratch = False
        return changed

    def file_step(self, step: Step, path: Path) -> tuple[Path, Parity, tuple[Check, ...]]:
        """The changed file, checked against the file it was made from."""
        row = catalog.technique(step.technique)
        with self.stage(row.verb):
            made = catalog.load(row.function)(path, self.ctx, **step.knobs)
            describe_again(made, self.ctx.row, self.recipe)
        with self.stage("Gate"):
            parity, checks = after_int8.check(made, path, self.ctx)
        return made, parity, checks

    def given(self, scratch: Path) -> File:
        """A shipped file: the same bytes as its record says, checked, and scored here."""
        given = Path(self.task.given_file)
        recorded = Result.from_json((given.parent / "result.json").read_bytes()).file
        shutil.copyfile(given, scratch / "model.onnx")
        if sha256(scratch / "model.onnx") != recorded.sha256:
            raise GateFailed("The shipped file is not the one its record describes.", given=given.name)
        with self.stage("Gate"):
            images = gate.real_images(self.ctx.splits)[:2]
            path = scratch / "model.onnx"
            fresh_checks = (gate.check_structure(path), gate.check_reload(path, images))
        checks = (*(c for c in recorded.checks if c.name.startswith("same")), *fresh_checks)
        return recorded.with_(name="model.onnx", checks=checks, score=self.score(scratch))

    def score(self, scratch: Path, before: Path | None = None) -> Score:
        """How good the file is in ONNX Runtime, also against that `before`; test is opened where the task says so."""
        names = ["validation", "test"] if self.task.open_test else ["validation"]
        with self.stage("Score"):
            if self.task.open_test:
                self.ctx.progress(message=scoring.OPENING)
            found = scoring.score(scratch / "model.onnx", self.ctx.row, self.ctx.splits, names)
            if before is not None:
                after_int8.inspect(before, found.worth["validation"][self.ctx.row.metric], self.ctx)
        np.savez_compressed(scratch / "predictions.npz", allow_pickle=False, **found.answers)
        keeping.keep_items(self.home, self.ctx.row, self.ctx.splits)
        return marks.score(self.ctx.row, found.shares)

    def time(self, path: Path) -> timing.Session:
        with self.stage("Time"):
            return timing.time_file(path, self.task, lambda message: self.ctx.progress(message=message))

    def file(
        self,
        scratch: Path,
        params: int,
        macs: int,
        precision: Literal["fp32", "int8"],
        parity: Parity,
        checks: tuple[Check, ...],
        score: Score,
    ) -> File:
        path = scratch / "model.onnx"
        model = onnx.load(path)
        return File(
            sha256=sha256(path), params=params, macs=macs, size_bytes=path.stat().st_size,
            precision=precision, share_in_8_bits=cost.share_in_8_bits(model), opset=model.opset_import[0].version,
            parity=parity, checks=checks, score=score,
        )  # fmt: skip

    def result(self, file: File, groups: tuple[Group, ...], timed: timing.Session) -> Result:
        trained = any(catalog.technique(step.technique).trains for step in self.recipe.steps)
        return Result(
            file=file, **timed._asdict(), groups=groups, train_device=self.ctx.device.type,
            variant=str(self.ctx.variant) if trained else "", stage_seconds=self.seconds, cached_steps=self.cached,
            warnings=tuple(self.ctx.warnings), cures=tuple(dict.fromkeys(self.ctx.cures)),
        )  # fmt: skip

    def teacher(self, name: str) -> Network:
        """The baseline that a `teacher` knob names."""
        model, _, width = self.recipe.model_ref.partition(":") if name == "dense" else name.partition(":")
        stage = self.ctx.stage
        self.ctx.stage = "Teacher"
        try:
            return obtain(model, float(width), self.ctx)
        finally:
            self.ctx.stage = stage

    def steps(self, stage: str) -> list[Step]:
        return [step for step in self.recipe.steps if catalog.technique(step.technique).stage == stage]

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Name what is being done, and add up how long it takes, pauses apart."""
        self.ctx.stage = name
        self.ctx.progress()
        started, paused_s = time.perf_counter(), self.ctx.paused_s
        yield
        spent = time.perf_counter() - started - (self.ctx.paused_s - paused_s)
        self.seconds[name] = round(self.seconds.get(name, 0) + spent, 3)


def _groups(before: Network, after: Network) -> tuple[Group, ...]:
    """What became of each channel group, and what that was good for; ranks are new, nothing became of them."""
    told = {
        name: {"bought_ms": gain.ms, "bought_half_ms": gain.half_ms, "importance_lost": gain.lost}
        for name, gain in after.bought.items()
    }
    return tuple(
        Group(name=name, label=label, before=before.widths[name], after=after.widths[name], **told.get(name, {}))
        for name, label in after.labels.items()
        if name in before.widths
    )
