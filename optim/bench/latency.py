"""`bench latency`: how well a time repeats, and how long it takes to get one."""

from __future__ import annotations

import tempfile
import time
from math import exp, log
from pathlib import Path
from statistics import stdev

from .. import catalog, latency, request
from ..baseline_training import obtain
from ..context import Context, read_splits
from ..errors import RequestError
from ..export import export
from ..locks import measuring_lock
from ..records import Recipe
from ..results import Interval, Latency
from ..stats import wilson
from ..techniques.prune_channels import prune_channels
from . import median_spread, report

SPARSITY = 0.5
HALF_WIDTH, SECONDS = 0.02, 3.0
"""What a typical measurement is to keep: an interval of the ratio no wider than this to either side, in this time."""


def main(
    json: bool = False, *, dataset: str = "fashion-mnist", model: str = "resnet8", width: float = 1.0, repeats: int = 20
) -> None:
    """Time one half-pruned file against its dense reference again and again: how it repeats, and the seconds."""
    if repeats < 1:
        raise RequestError("The benchmark needs something to time.", given=f"{repeats} repeats", allowed="1 or more")
    with tempfile.TemporaryDirectory() as folder:
        reference, candidate = files(Path(folder), dataset, model, width)
        item = request.real(catalog.dataset(dataset), read_splits(dataset), 1)
        seconds, found = [], []
        for seed in range(repeats):
            with measuring_lock():
                started = time.perf_counter()
                found.append(latency.measure(candidate, reference, threads=1, request=item, device="cpu", seed=seed))
                seconds.append(time.perf_counter() - started)
    payload = {**_payload(found), "seconds": median_spread(seconds), "within_2_percent_and_3_s": kept(found, seconds)}
    report("latency", payload, json)


def kept(found: list[Latency], seconds: list[float]) -> dict:
    """The share of all measurements that are valid, sure enough and quick enough at once, with its Wilson interval."""
    keep = [one.valid and _half_width(one) <= HALF_WIDTH and spent <= SECONDS
            for one, spent in zip(found, seconds, strict=True)]  # fmt: skip
    return wilson(sum(keep), len(keep)).model_dump()


def _half_width(one: Latency) -> float:
    """Of the interval of its ratio, as a share."""
    return (one.ratio.high / one.ratio.low - 1) / 2


def _payload(found: list[Latency]) -> dict:
    half_widths = [100 * _half_width(one) for one in found]
    return {
        "ratio": median_spread([one.ratio.value for one in found]),
        "ratio_half_width_percent": median_spread(half_widths),
        **_repeats([one.ratio for one in found if one.valid]),
        "p50_ms": median_spread([one.p50_ms for one in found]),
        "mean_ms": median_spread([one.mean_ms for one in found]),
        "rounds": median_spread([one.rounds for one in found]),
        "valid": sum(one.valid for one in found),
        "reasons": [list(one.reasons) for one in found],
    }


def _repeats(ratios: list[Interval]) -> dict:
    """From session to session: the spread of the ratio, and how many intervals hold the mean of the other sessions."""
    if len(ratios) < 2:
        return {}
    logs = [log(one.value) for one in ratios]
    others = [exp((sum(logs) - mine) / (len(logs) - 1)) for mine in logs]
    held = sum(one.low <= other <= one.high for one, other in zip(ratios, others, strict=True))
    return {"between_sessions_percent": 100 * stdev(logs), "intervals_that_hold_the_others": f"{held} of {len(ratios)}"}


def files(folder: Path, dataset: str, model: str, width: float) -> tuple[Path, Path]:
    """The dense file and one with half of the channels, in `folder`."""
    ctx = Context(catalog.dataset(dataset), read_splits(dataset), folder)
    recipe = Recipe(dataset=dataset, model=model, width=width)
    dense = obtain(model, width, ctx)
    files = {"dense": dense, "pruned": prune_channels(dense, ctx, sparsity=SPARSITY)}
    for name, network in files.items():
        export(network, ctx.row, recipe, folder / f"{name}.onnx", folder / "templates")
    return folder / "dense.onnx", folder / "pruned.onnx"
