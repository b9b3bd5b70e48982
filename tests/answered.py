"""What the heavy room leaves beside a file, invented: answers with truth and confidence, operators, and the images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from optim import answers, operators
from optim.operators import Operator, Operators
from optim.records import Run
from optim.store import Store

N, CLASSES = 4000, 10


def truth() -> np.ndarray:
    return (np.arange(N) % CLASSES).astype(np.uint8)


def some_answers(accuracy: float, seed: int) -> np.ndarray:
    """So many right; the wrong ones name the next class, and hit the first class twice as often."""
    labels, dice = truth(), np.random.default_rng(seed)
    odds = np.where(labels == 0, 2.0, 1.0)
    wrong = dice.choice(N, round((1 - accuracy) * N), replace=False, p=odds / odds.sum())
    found = labels.copy()
    found[wrong] = (labels[wrong] + 1) % CLASSES
    return found


def some_operators(run: Run, scale: float = 1.0) -> Operators:
    """Three layers, one addition, and what INT8 converts."""
    assert run.result is not None and run.fingerprint is not None
    widths = {"stem": (1, 32), "body": (32, 30), "head.linear": (30, 10)}
    found = [
        Operator(name=name, kind="Gemm" if "head" in name else "Conv", role="arithmetic", us=scale * 10 * place,
                 macs=round(run.result.file.macs / 3), inputs=inside, outputs=out)
        for place, (name, (inside, out)) in enumerate(widths.items(), start=1)
    ]  # fmt: skip
    found.append(Operator(name="add", kind="Add", role="memory", us=3 * scale))
    if run.result.file.precision == "int8":
        found.append(Operator(name="q", kind="QuantizeLinear", role="conversion", us=2.0))
    whole = sum(one.us for one in found) + 8
    return Operators(
        file_sha256=run.result.file.sha256, fingerprint_id=run.fingerprint.id, calls=60, call_us=whole,
        operators=tuple(found),
    )  # fmt: skip


def complete(home: Path, *, labels: bool = True, confidence: bool = True, profiles: bool = True) -> None:
    """Every done run's folder as the heavy room leaves it, and the images; without what is switched off."""
    store = Store(home)
    for run in store.runs():
        if run.result is None:
            continue
        share = run.result.file.score.validation.value
        arrays = {"validation": some_answers(share, run.id)}
        if labels:
            arrays["validation_labels"] = truth()
        if confidence:
            arrays["validation_confidence"] = np.full(N, 0.9, dtype=np.float16)
        np.savez_compressed(store.folder(run.id) / answers.FILE, **arrays)
        if profiles:
            (store.folder(run.id) / operators.FILE).write_text(some_operators(run, 1 / run.id).to_json())
    if labels:
        path = answers.items_file(home, "fashion-mnist")
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.zeros((N, 1, 28, 28), dtype=np.uint8)
        pixels[:, 0, 10:18, 10:18] = 200
        np.savez_compressed(path, images=pixels, labels=truth())
