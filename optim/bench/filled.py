"""A data folder filled with finished runs through the store's own door, for benchmarks of the pages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .. import recipes
from ..hardware import processor_name
from ..records import (
    Check,
    Event,
    File,
    Fingerprint,
    Group,
    Interval,
    Latency,
    Parity,
    Project,
    Recipe,
    Result,
    Run,
    Score,
)
from ..stats import wilson
from ..store import Store

DATASET, MODEL, WIDTH = "fashion-mnist", "resnet8", 2.0
ITEMS, REFERENCE_MS, REFERENCE_BYTES = 4000, 0.317, 1_240_000
EPOCHS = 5


def fill(home: Path, runs: int) -> Project:
    """Make `runs` done runs of one project, numbers invented from a seed, records real."""
    store, random = Store(home), np.random.default_rng(0)
    project = store.project(DATASET, default_reference=f"{MODEL}:{WIDTH:g}")
    for recipe in _recipes(runs):
        store.submit(recipe, project)
        claimed = store.claim()
        assert claimed is not None
        for event in _events(random):
            store.append_event(claimed.id, event)
        store.finish(claimed.id, _result(claimed, random))
    return project


def _recipes(runs: int) -> Iterator[Recipe]:
    """The reference first, then ever other sparsities, temperatures and precisions."""
    base = Recipe(dataset=DATASET, model=MODEL, width=WIDTH)
    yield base
    for number in range(1, runs):
        steps = [f"prune-channels:sparsity={0.9 * number / runs:.4f}", f"distill:temperature={1 + number % 16}"]
        steps += ["quantize-int8"] if number % 2 else []
        yield base.with_(steps=tuple(map(recipes.parse_step, steps)))


def _events(random: np.random.Generator) -> Iterator[Event]:
    for epoch in range(EPOCHS):
        curve = {
            "epoch": epoch + 1.0,
            "loss": 1 / (epoch + 1),
            "validation": 0.85 + 0.01 * epoch + 0.005 * random.random(),
        }
        yield Event(time=time.time(), stage="Distil", done=epoch + 1, total=EPOCHS, metrics=curve)


def _result(run: Run, random: np.random.Generator) -> Result:
    kept = 1 - recipes.sparsity(run.recipe)
    int8 = recipes.precision(run.recipe) == "int8"
    noise = random.normal(0, 0.003)
    size = round(REFERENCE_BYTES * kept**2 / (4 if int8 else 1))
    latency = _latency(REFERENCE_MS * (0.15 + 0.85 * kept**2) / (1.9 if int8 else 1) * (1 + random.random() / 10))
    groups = tuple(
        Group(name=f"stage{i}", label=f"stage {i}", before=16 * 2**i, after=max(1, round(kept * 16 * 2**i)))
        for i in (1, 2, 3)
    )
    return Result(
        file=_file(0.91 - 0.05 * (1 - kept) ** 2 + noise, size, int8=int8),
        latency=latency,
        fingerprint=_fingerprint(),
        reference_sha256="0" * 64,
        groups=groups,
        stage_seconds={"Prune": 0.2, "Distil": 12.0, "Export": 0.6, "Gate": 1.8, "Score": 0.5, "Time": 2.1},
    )


def _file(accuracy: float, size_bytes: int, *, int8: bool) -> File:
    return File(
        sha256=f"{size_bytes:064x}",
        params=size_bytes // 4,
        macs=size_bytes * 40,
        size_bytes=size_bytes,
        precision="int8" if int8 else "fp32",
        opset=20,
        parity=Parity(passed=True, max_rel_diff=2e-6, label_agreement=1.0, n=1000),
        checks=(Check(name="valid ONNX with inferred shapes", passed=True, fact="invented for a benchmark"),),
        score=Score(metric="accuracy", validation=wilson(round(accuracy * ITEMS), ITEMS)),
    )


def _latency(p50_ms: float) -> Latency:
    ratio = REFERENCE_MS / p50_ms
    return Latency(
        p50_ms=p50_ms,
        p90_ms=1.05 * p50_ms,
        p99_ms=1.2 * p50_ms,
        mean_ms=1.02 * p50_ms,
        low_ms=0.98 * p50_ms,
        high_ms=1.03 * p50_ms,
        calls=720,
        rounds=30,
        threads=1,
        batch=1,
        valid=True,
        ratio=Interval(value=ratio, low=0.97 * ratio, high=1.03 * ratio),
    )


def _fingerprint() -> Fingerprint:
    return Fingerprint(
        processor=processor_name(),
        cores=2,
        onnxruntime="0",
        provider="CPUExecutionProvider",
        threads=1,
        batch=1,
        optimization_level="ORT_ENABLE_ALL",
    )
