"""`bench estimate`: random width plans as the profile estimates them, and as they turn out when they are measured."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from .. import estimate, estimate_accuracy, latency, profile_jobs, profile_plans, profiling, request
from ..errors import RequestError
from ..home import home_dir
from ..inference import evaluate
from ..locks import measuring_lock, training_lock
from ..profile_jobs import complete
from ..profiles import PRECISIONS, Precision, Profile
from ..results import Interval, Share
from ..stats import wilson
from ..training import Schedule, recalibrate, train
from . import median_spread, report
from .estimate_speed import speed

SEED = 20
"""Other plans than those the profile was fitted to."""


class Pair(NamedTuple):
    """One plan at one precision: milliseconds as estimated with the band, and as measured."""

    widths: dict[str, int]
    precision: Precision
    estimated: Interval
    measured_ms: float
    valid: bool

    @property
    def error(self) -> float:
        return self.estimated.value / self.measured_ms - 1

    @property
    def inside(self) -> bool:
        return self.estimated.low <= self.measured_ms <= self.estimated.high


def main(
    json: bool = False, *, dataset: str = "fashion-mnist", model: str = "resnet8", width: float = 2.0, plans: int = 20,
    trained: int = 6, epochs: int = 3,
) -> None:  # fmt: skip
    """Check estimated against measured latency and accuracy of random width plans. Profiles the model first.

    The first `trained` of them are also fine-tuned for so many epochs, as no run of one's own was before.
    """
    if plans < 1 or not 0 <= trained <= plans or epochs < 1:
        given, allowed = (
            f"{plans} plans, {trained} trained for {epochs} epochs",
            "1 plan or more, no more trained, 1 epoch",
        )
        raise RequestError("The benchmark needs plans to check.", given=given, allowed=allowed)
    ask = profile_jobs.request(home_dir(), dataset, model, width)
    profile = complete(ask) or profiling.run(ask)
    job = profiling.Job(ask)
    chosen = profile_plans.random_plans(profile.sizes(), plans, SEED)
    with tempfile.TemporaryDirectory() as folder:
        pairs = _latencies(profile, job, chosen, Path(folder))
    gaps = _accuracies(profile, job, chosen)
    again = _trained(profile, job, chosen[:trained], epochs)
    about = {"profile_s": profile.seconds, "disturbed": profile.disturbed, "estimate": speed(profile)}
    report("estimate", {**_payload(pairs, gaps), **_told(again, epochs), **about}, json)


def _latencies(profile: Profile, job: profiling.Job, plans: list[dict[str, int]], folder: Path) -> list[Pair]:
    """Each plan's two files, timed as a run's file is."""
    item = request.real(job.ctx.row, job.ctx.splits, job.ask.batch)
    target = {"threads": job.ask.threads, "request": item, "device": job.ask.device}
    dense, _ = job.exported(profile.sizes(), folder / "dense.onnx")
    pairs = []
    for number, plan in enumerate(plans):
        with training_lock():
            files = job.exported(plan, folder / f"{number}.onnx")
        for precision, path in zip(PRECISIONS, files, strict=True):
            with measuring_lock():
                found = latency.measure(path, dense, **target)
            guess = estimate.latency_ms(profile, plan, precision)
            pairs.append(Pair(plan, precision, guess, found.p50_ms, found.valid))
        print(f"plan {number + 1} of {len(plans)}", file=sys.stderr)
    return pairs


def _accuracies(profile: Profile, job: profiling.Job, plans: list[dict[str, int]]) -> list[tuple[Interval, float]]:
    """Estimated and found accuracy of each plan on the whole validation split, nothing trained."""
    gaps = []
    with training_lock():
        for plan in plans:
            smaller = job.cut(plan)
            recalibrate(smaller, job.ctx)
            gaps.append((estimate.accuracy(profile, plan), evaluate(smaller, job.ctx, job.ctx.validation_items)))
    return gaps


def _trained(
    profile: Profile, job: profiling.Job, plans: list[dict[str, int]], epochs: int
) -> list[tuple[Interval, float]]:  # fmt: skip
    """The same after fine-tuning as a recipe does by default."""
    gaps, model = [], job.ctx.model
    items = float(epochs * job.ctx.row.sizes["train"])
    for plan in plans:
        guess = estimate_accuracy.recovered(profile, plan, items=items)
        with training_lock():
            smaller = job.cut(plan)
            train(smaller, job.ctx, Schedule(epochs, model.recovery_rate, model.weight_decay))
            if guess is not None:
                gaps.append((guess, evaluate(smaller, job.ctx, job.ctx.validation_items)))
        print(f"{len(gaps)} of {len(plans)} trained", file=sys.stderr)
    return gaps


def _told(gaps: list[tuple[Interval, float]], epochs: int) -> dict:
    """Of the trained plans, in points."""
    return {
        "trained_epochs": epochs,
        "trained_error_points": median_spread([100 * abs(guess.value - found) for guess, found in gaps])
        if gaps
        else None,
        "trained_in_band": _share([guess.low <= found <= guess.high for guess, found in gaps]),
        "trained": [
            {name: round(100 * value, 1) for name, value in
             (("estimated", guess.value), ("low", guess.low), ("high", guess.high), ("found", found))}
            for guess, found in gaps
        ],
    }  # fmt: skip


def _payload(pairs: list[Pair], gaps: list[tuple[Interval, float]]) -> dict:
    valid = [pair for pair in pairs if pair.valid]
    by = {side: [pair for pair in valid if pair.precision == side] for side in PRECISIONS}
    return {
        "plans": len(gaps),
        "latency_error": _errors(valid),
        "latency_error_by_precision": {side: _errors(found) for side, found in by.items()},
        "in_band": _share([pair.inside for pair in valid]),
        "in_band_by_precision": {side: _share([pair.inside for pair in found]) for side, found in by.items()},
        "not_valid": len(pairs) - len(valid),
        "accuracy_error_points": median_spread([100 * abs(guess.value - found) for guess, found in gaps]),
        "accuracy_in_band": _share([guess.low <= found <= guess.high for guess, found in gaps]),
        "pairs": [_pair(pair) for pair in pairs],
    }


def _errors(pairs: list[Pair]) -> dict | None:
    return median_spread([abs(pair.error) for pair in pairs]) if pairs else None


def _share(inside: list[bool]) -> dict | None:
    """How many lie within the band that is called 95 %, with the Wilson interval; None of none."""
    found: Share | None = wilson(sum(inside), len(inside)) if inside else None
    return found.model_dump() if found else None


def _pair(pair: Pair) -> dict:
    times = {"estimated_ms": pair.estimated.value, "low_ms": pair.estimated.low, "high_ms": pair.estimated.high,
             "measured_ms": pair.measured_ms, "error": pair.error}  # fmt: skip
    told = {name: round(value, 4) for name, value in times.items()}
    return {"widths": pair.widths, "precision": pair.precision, **told, "valid": pair.valid}
