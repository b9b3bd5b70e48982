"""The times of a profile: plans are exported a few at a time, and their files timed in turns with the dense one."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from . import request
from .context import Context
from .locks import measuring_lock, training_lock
from .plan import Widths
from .profile_pace import Pace
from .profiles import ProfileAsk
from .results import Interval
from .stats import ratio_interval
from .timing_many import QUIET, Bulk, ManyTimer

CHUNK = 12
"""Plans timed in one go, each as FP32 and INT8."""
ATTEMPTS = 3


class Times(NamedTuple):
    """Of one plan, in milliseconds."""

    fp32: Interval
    int8: Interval


class Maker(Protocol):
    """What is needed of a `profiling.Job`."""

    ask: ProfileAsk
    ctx: Context
    pace: Pace

    def tell(self, message: str) -> None: ...
    def exported(self, plan: Widths, path: Path) -> tuple[Path, Path]: ...
    def wait(self) -> None: ...


def time_plans(job: Maker, plans: Sequence[Widths]) -> tuple[list[Times], Interval, int]:
    """Times of each plan, of the first plan's FP32 file (the reference), and how many sessions stayed disturbed.

    Milliseconds are ratios to the reference times its own time over all sessions: what the machine does in the
    meantime cancels out.
    """
    ask, ratios, dense, disturbed = job.ask, [], [], 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        job.ctx.stage = "Export"
        with training_lock(job.wait):
            reference = job.exported(plans[0], folder / "dense.onnx")[0]
        item = request.real(job.ctx.row, job.ctx.splits, ask.batch)
        with ManyTimer(reference, threads=ask.threads, request=item, device=ask.device) as timer:
            for start in range(0, len(plans), CHUNK):
                bulk = _chunk(job, plans[start : start + CHUNK], folder, timer, seed=start)
                ratios += bulk.ratios()
                dense.append(float(np.quantile(bulk.reference, QUIET)))
                disturbed += bulk.disturbed
    whole = ratio_interval(dense) if len(dense) > 1 else Interval(value=dense[0], low=dense[0], high=dense[0])
    scaled = [_scaled(ratio, whole.value) for ratio in ratios]
    return [Times(*pair) for pair in zip(scaled[::2], scaled[1::2], strict=True)], whole, disturbed


def _chunk(job: Maker, plans: Sequence[Widths], folder: Path, timer: ManyTimer, seed: int) -> Bulk:
    """Export these plans, then time them; a session that was disturbed is tried again."""
    job.ctx.stage = "Export"
    paths: list[Path] = []
    for number, plan in enumerate(plans):
        job.tell("making the files")
        with training_lock(job.wait):
            paths += job.exported(plan, folder / f"{number}.onnx")
    job.ctx.stage = "Time"
    for attempt in range(ATTEMPTS):
        job.tell(f"{len(paths)} files in turns with the dense one")
        with measuring_lock(job.wait):
            bulk = timer.time(paths, seed + attempt)
        if not bulk.disturbed:
            break
    job.pace.did("file", len(plans))
    return bulk


def _scaled(ratio: Interval, dense_ms: float) -> Interval:
    return Interval(value=ratio.value * dense_ms, low=ratio.low * dense_ms, high=ratio.high * dense_ms)
