"""Measure a profile: real exported files of many width plans are timed, and pruned networks are scored.

Times: each plan is cut out of the baseline, exported and quantized as a run's file would be (the values of the weights
do not change the time), and timed in turns with the dense file, alone on the machine. Accuracy: batch norm is
recalibrated, nothing is trained.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from . import baselines, catalog, marks, profile_plans, profiles, runtime
from .baseline_training import body_of, obtain
from .context import Context, read_splits, training_device
from .context import Variant as Arithmetic
from .errors import TrainingFailed
from .export import export
from .hardware import cpu_flags
from .inference import autocast, logits_of, worth_of
from .locks import training_lock
from .models.network import Network
from .plan import Anatomy
from .profile_pace import Kind, Pace
from .profiles import RECOVERY_ITEMS, Profile, ProfileAsk, Sensitivity, Staircase, Variant
from .profiling_times import Times, Widths, time_plans
from .records import Event, Recipe
from .results import Share
from .surgery import cut
from .timing import WAITING
from .training import Schedule, recalibrate, train
from .variants import layouts_for

JOINT = 36
"""Random plans of several narrower groups that are timed for the fit, beside the uniform ones."""
JOINT_SCORED = 6
"""How many of them are scored too."""
CALIBRATION_ITEMS = 32
"""INT8 ranges do not change the time."""
BF16_FLAG = "avx512_bf16"
"""With these instructions images are scored and recovered in bf16: twice as fast, nothing measurable lost."""
RECALIBRATION_BATCHES = 4
ITEMS = 800
"""Items of the validation split that each pruned network is scored on, at most."""
JOINT_RECOVERED = 3
"""How many of the random plans are trained on for a moment, beside the uniform ones."""


def run(
    ask: ProfileAsk,
    report: Callable[[Event], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Profile:
    """Measure what was asked for and keep it; what is known already is not measured again.

    Raises `RunError` when it is cancelled or the timing fails.
    """
    started = time.perf_counter()
    job = Job(ask, report, cancelled)
    known = None if ask.again else job.known()
    profile = known or job.timed()
    profiles.save(job.home, profile)
    profile = job.scored(profile)
    spent = time.perf_counter() - started + (known.seconds if known else 0.0)
    profile = profile.with_(seconds=round(spent, 1), made_at=time.time())
    profiles.save(job.home, profile)
    return profile


class Job:
    """The baseline of a request, and what can be made of it."""

    def __init__(
        self,
        ask: ProfileAsk,
        report: Callable[[Event], None] = lambda event: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.ask, self.home = ask, Path(ask.home)
        row = catalog.dataset(ask.dataset)
        device = training_device("auto")
        self.ctx = Context(
            row, read_splits(row.name), self.home, 0, device, model=catalog.model(ask.model), report=report,
            cancelled=cancelled,
        )  # fmt: skip
        self.ctx.stage = "Baseline"
        with training_lock(self.wait) as self.ctx.give_way:
            self.network = obtain(ask.model, ask.width, self.ctx)
        self.body: Anatomy = body_of(self.network, ask.model, ask.width, self.ctx)
        self.fingerprint = runtime.fingerprint(
            device=ask.device, threads=ask.threads, batch=ask.batch, torch_version=torch.__version__
        )
        sizes = self.body.sizes()
        self.joint = [
            *profile_plans.uniform_plans(sizes),
            *profile_plans.random_plans(sizes, JOINT, seed=0),
        ]
        self.pace = Pace()
        quick = Arithmetic(bf16=True, channels_last=True)
        if device.type == "cpu" and BF16_FLAG in cpu_flags() and quick in layouts_for(self.ctx):
            self.ctx.variant = quick

    def known(self) -> Profile | None:
        """An earlier profile of the same weights under the same conditions."""
        ask = self.ask
        found = profiles.find(self.home, ask.dataset, ask.model, ask.width, self.fingerprint.id)
        digest = baselines.digest(ask.dataset, ask.model, ask.width, self.home)
        return found if found is not None and found.baseline_sha256 == digest else None

    def timed(self) -> Profile:
        """The profile with its times, nothing scored yet."""
        sizes = self.body.sizes()
        stairs = {g.name: (*profile_plans.stair_widths(g.size)[:-1], *profile_plans.odd_widths(g.size))
                  for g in self.body.groups}  # fmt: skip
        single = [(name, width) for name, widths in stairs.items() for width in sorted(set(widths))]
        plans = [sizes, *({**sizes, name: width} for name, width in single), *self.joint]
        self.pace.expect({"file": len(plans), **self._to_come()})
        times, dense, disturbed = time_plans(self, plans)
        by_width = dict(zip(single, times[1:], strict=False))
        dense_times = Times(dense, times[0].int8)
        ask = self.ask
        return Profile(
            dataset=ask.dataset, model=ask.model, width=ask.width, fingerprint=self.fingerprint,
            baseline_sha256=baselines.digest(ask.dataset, ask.model, ask.width, self.home),
            made_at=time.time(), seconds=0.0, layers=self.body.layers, dense_fp32_ms=dense,
            dense_int8_ms=times[0].int8, dense_accuracy=self._score(self.network, ITEMS),
            whole_accuracy=self._score(self.network), disturbed=disturbed,
            groups=tuple(self._staircase(g.name, g.label, g.size, by_width, dense_times) for g in self.body.groups),
            quantizer=catalog.quantizer(self.ask.model).name,
            joint=tuple(Variant(widths=plan, fp32_ms=t.fp32, int8_ms=t.int8)
                        for plan, t in zip(self.joint, times[1 + len(single) :], strict=True)),
        )  # fmt: skip

    def scored(self, profile: Profile) -> Profile:
        """The profile with the sensitivity of every group by the importance that was asked for."""
        method = self.ask.importance
        if method in profile.importances:
            return profile
        self.ctx.stage = "Sensitivity"
        if not self.pace.expected:
            self.pace.expect(self._to_come())
        groups = []
        for group in profile.groups:
            widths = profile_plans.scored_widths(group.size)
            shares = [self._pruned_score({group.name: width}, group.label) for width in widths[:-1]]
            found = Sensitivity(widths=widths, accuracy=(*shares, profile.dense_accuracy))
            groups.append(group.with_(sensitivity={**group.sensitivity, method: found}))
        uniform = len(profile_plans.SHARES)
        joint = [
            one.with_(accuracy={**one.accuracy, method: self._pruned_score(one.widths, "several groups")})
            for one in profile.joint[: uniform + JOINT_SCORED]
        ]
        self.ctx.stage = "Recover"
        for number, one in enumerate(joint[: uniform + JOINT_RECOVERED]):
            share = self._recovered(one.widths)
            joint[number] = one.with_(recovered={**one.recovered, **({method: share} if share else {})})
        return profile.with_(groups=tuple(groups), joint=(*joint, *profile.joint[len(joint) :]))

    def tell(self, message: str) -> None:
        """What is being done, how far it is, and about how long it still takes."""
        left_s = self.pace.left_s
        self.ctx.progress(*self.pace.told(), message=message, **({} if left_s is None else {"left_s": left_s}))

    def _to_come(self) -> dict[Kind, int]:
        """What is scored and trained on for one importance."""
        stairs = sum(len(profile_plans.scored_widths(group.size)) - 1 for group in self.body.groups)
        uniform = len(profile_plans.SHARES)
        return {"score": stairs + uniform + JOINT_SCORED, "recovery": uniform + JOINT_RECOVERED}

    def _staircase(
        self, name: str, label: str, size: int, times: dict[tuple[str, int], Times], dense: Times
    ) -> Staircase:
        known = {width: found for (group, width), found in times.items() if group == name} | {size: dense}
        widths = tuple(sorted(known))
        fp32, int8 = ([getattr(known[width], side) for width in widths] for side in profiles.PRECISIONS)
        return Staircase(
            name=name, label=label, size=size, widths=widths, fp32_ms=tuple(fp32), int8_ms=tuple(int8)
        )  # fmt: skip

    def exported(self, plan: Widths, path: Path) -> tuple[Path, Path]:
        """The FP32 and the INT8 file of this plan."""
        ask = self.ask
        recipe = Recipe(dataset=ask.dataset, model=ask.model, width=ask.width)
        export(self.cut(plan), self.ctx.row, recipe, path, self.home / "cache" / "templates")
        quiet = replace(self.ctx, report=lambda event: None)
        return path, self._quantized(path, quiet)

    def _quantized(self, path: Path, ctx: Context) -> Path:
        """The INT8 file by the usual technique of the model."""
        row = catalog.quantizer(self.ask.model)
        few = {"calibration_items": CALIBRATION_ITEMS} if "calibration_items" in {k.name for k in row.knobs} else {}
        return catalog.load(row.function)(path, ctx, **few)

    def cut(self, plan: Widths) -> Network:
        """The baseline with the most important channels of each group; groups left out stay whole."""
        scores = {g.name: np.asarray(g.importance[self.ask.importance]) for g in self.body.groups if g.name in plan}
        return cut(
            self.network, {name: np.sort(np.argsort(-s, kind="stable")[: plan[name]]) for name, s in scores.items()}
        )

    def _pruned_score(self, plan: Widths, label: str) -> Share:
        self.tell(label)
        with training_lock(self.wait) as self.ctx.give_way:
            smaller = self.cut(plan).to(self.ctx.device)
            self._recalibrate(smaller)
            share = self._score(smaller, ITEMS)
        self.pace.did("score")
        return share

    def _recovered(self, plan: Widths) -> Share | None:
        """The metric after training on for a moment; None where nothing was left to recover."""
        self.tell("training on for a moment")
        splits = self.ctx.splits.first(train=RECOVERY_ITEMS, validation=ITEMS)
        short, found = replace(self.ctx, splits=splits, report=lambda event: None), None
        with training_lock(self.wait) as short.give_way:
            smaller = self.cut(plan).to(self.ctx.device)
            self._recalibrate(smaller)
            with suppress(TrainingFailed):
                train(smaller, short, Schedule(1, short.model.recovery_rate, short.model.weight_decay))
                found = self._score(smaller, ITEMS)
        self.pace.did("recovery")
        return found

    def _recalibrate(self, network: Network) -> None:
        with autocast(self.ctx):
            recalibrate(self.ctx.variant.arrange(network), self.ctx, RECALIBRATION_BATCHES)

    def _score(self, network: Network, count: int | None = None) -> Share:
        """The metric on the first `count` validation items, which stand in no order of class."""
        items = self.ctx.validation_items.first(count)
        worth = worth_of(logits_of(network.to(self.ctx.device), self.ctx, items.inputs), items, self.ctx)
        return marks.share(worth, self.ctx.row.goodness)

    def wait(self) -> None:
        """Told while another process trains or times."""
        self.tell(WAITING)
