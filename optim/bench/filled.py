"""Invented records that look real, and a data folder filled with them through the store's own door.

The benchmarks of the pages use them, and so do the tests.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from .. import recipes
from ..hardware import processor_name
from ..records import Event, Project, Recipe
from ..results import Check, File, Fingerprint, Group, Interval, Latency, Parity, Result, Score
from ..stats import wilson
from ..store import Store

DATASET, MODEL, WIDTH = "fashion-mnist", "resnet8", 2.0
REFERENCE_MS, REFERENCE_BYTES = 0.317, 1_240_000
EPOCHS = 5
ONNX = b"x" * 1000
"""What stands for an ONNX file."""
SHA256 = hashlib.sha256(ONNX).hexdigest()
CHECKS = (
    Check(name="Checker and shape inference", passed=True, fact="every shape known, opset 18"),
    Check(name="Parity", passed=True, fact="largest difference 2.1e-06 of the largest logit, on 1,000 images"),
    Check(name="Reload in a fresh process", passed=True, fact="loads and answers in 0.4 s"),
)


def fill(home: Path, runs: int) -> Project:
    """Make `runs` done runs of one project, numbers invented from a seed, records real."""
    store, random = Store(home), np.random.default_rng(0)
    project = store.project(DATASET, default_reference=f"{MODEL}:{WIDTH:g}")
    for recipe in _recipes(runs):
        put(store, project, recipe, _result(recipe, random), _events(random))
    return project


def put(store: Store, project: Project, recipe: Recipe, result: Result, events: Iterable[Event]) -> None:
    """One done run with its events and a file, through the doors that the driver uses."""
    store.submit(recipe, project)
    claimed = store.claim()
    assert claimed is not None
    for event in events:
        store.append_event(claimed.id, event)
    (store.folder(claimed.id) / "model.onnx").write_bytes(ONNX)
    np.savez_compressed(store.folder(claimed.id) / "predictions.npz", allow_pickle=False, **answers(result, claimed.id))
    store.finish(claimed.id, result)


def answers(result: Result, seed: int) -> dict[str, np.ndarray]:
    """What such a file might answer on validation, to the last hit as its score says: hard items are hard for all."""
    share, truth = result.file.score.validation, np.random.default_rng(0)
    labels, difficulty = truth.integers(0, 10, share.n).astype(np.uint8), truth.normal(size=share.n)
    wrong = share.n - round(share.value * share.n)
    hardest = np.argsort(-difficulty - np.random.default_rng(seed).normal(0, 0.2, share.n))[:wrong]
    predicted = labels.copy()
    predicted[hardest] = (predicted[hardest] + 1) % 10
    return {"validation": predicted, "validation_labels": labels}


def a_fingerprint(processor: str = "Example CPU", **changes: object) -> Fingerprint:
    known = {"cores": 2, "onnxruntime": "1.32.0", "provider": "CPUExecutionProvider", "optimization_level": "all"}
    return Fingerprint.model_validate({"processor": processor, "threads": 1, "batch": 1, **known, **changes})


def a_latency(p50_ms: float, reference_ms: float = REFERENCE_MS, *, valid: bool = True) -> Latency:
    ratio = reference_ms / p50_ms
    times = {"p50_ms": p50_ms, "p90_ms": p50_ms * 1.06, "p99_ms": p50_ms * 1.2, "mean_ms": p50_ms * 1.02}
    return Latency(
        **times,
        low_ms=p50_ms * 0.97,
        high_ms=p50_ms * 1.04,
        calls=4000,
        rounds=25,
        threads=1,
        batch=1,
        valid=valid,
        reasons=() if valid else ("the machine was busy: 31 % of the time",),
        ratio=Interval(value=ratio, low=ratio * 0.97, high=ratio * 1.03),
    )


def a_file(accuracy: float, size_bytes: int, precision: str = "fp32", n: int = 4000) -> File:
    share = wilson(round(accuracy * n), n)
    test = wilson(round((accuracy - 0.004) * 10_000), 10_000)
    return File(
        sha256=SHA256,
        params=size_bytes // 4,
        macs=size_bytes * 40,
        size_bytes=size_bytes,
        precision="int8" if precision == "int8" else "fp32",
        opset=18,
        parity=Parity(passed=True, max_rel_diff=2.1e-6, label_agreement=1.0, n=1000),
        checks=CHECKS,
        score=Score(metric="accuracy", validation=share, test=test),
    )


def a_result(accuracy: float, p50_ms: float, size_bytes: int, precision: str = "fp32", **changes: object) -> Result:
    stages = {"Baseline": 0.2, "Prune": 0.1, "Distil": 12.0, "Export": 1.1, "Gate": 2.0, "Score": 0.6, "Time": 3.0}
    made = {
        "file": a_file(accuracy, size_bytes, precision),
        "latency": a_latency(p50_ms),
        "fingerprint": a_fingerprint(),
        "reference_sha256": "0" * 64,
        "groups": (
            Group(name="s1", label="stage 1", before=32, after=16),
            Group(name="s2", label="stage 2", before=64, after=32),
        ),
        "variant": "bf16 channels_last",
        "stage_seconds": stages,
    }
    return Result.model_validate({**made, **changes})


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


def _result(recipe: Recipe, random: np.random.Generator) -> Result:
    """What such a recipe might give on this machine."""
    kept = 1 - recipes.sparsity(recipe)
    int8 = recipes.precision(recipe) == "int8"
    accuracy = 0.91 - 0.05 * (1 - kept) ** 2 + random.normal(0, 0.003)
    p50_ms = REFERENCE_MS * (0.15 + 0.85 * kept**2) / (1.9 if int8 else 1) * (1 + random.random() / 10)
    size = round(REFERENCE_BYTES * kept**2 / (4 if int8 else 1))
    groups = tuple(
        Group(name=f"stage{i}", label=f"stage {i}", before=16 * 2**i, after=max(1, round(kept * 16 * 2**i)))
        for i in (1, 2, 3)
    )
    here = a_fingerprint(processor_name())
    return a_result(accuracy, p50_ms, size, recipes.precision(recipe), groups=groups, fingerprint=here)
