"""What a teacher says of a real image: the answers each baseline leaves beside its weights. Light: no torch."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import baselines, catalog
from .records import Recipe


class Sample(NamedTuple):
    """One real image and what the teacher says of it."""

    name: str
    pixels: np.ndarray
    """Height, width (, channels), 0 to 1, enlarged without smoothing so that small images stay crisp."""
    logits: tuple[float, ...]
    label: int


def samples(recipe: Recipe, home: Path) -> tuple[Sample, ...]:
    """The teacher's answers to one image per class; none as long as its baseline does not exist."""
    distil = next((step for step in recipe.steps if step.technique == "distill"), None)
    teacher = str(distil.knobs["teacher"]) if distil else "dense"
    name, _, width = (recipe.model_ref if teacher == "dense" else teacher).partition(":")
    folder = baselines.folder(recipe.dataset, name, float(width), home)
    if folder is None:
        return ()
    file = folder / "samples.json"
    return _samples(file, file.stat().st_mtime_ns, catalog.dataset(recipe.dataset).classes)


@lru_cache(maxsize=16)
def _samples(file: Path, changed: int, classes: tuple[str, ...]) -> tuple[Sample, ...]:
    read = json.loads(file.read_text("utf-8"))
    channels, height, width = read["shape"]
    made = []
    for pixels, label, logits in zip(read["images"], read["labels"], read["logits"], strict=True):
        image = np.asarray(pixels, dtype=float).reshape(channels, height, width).transpose(1, 2, 0)
        large = image.repeat(224 // height, axis=0).repeat(224 // width, axis=1)
        made.append(Sample(classes[label], large.squeeze(), tuple(logits), label))
    return tuple(made)


def untrained(recipe: Recipe, home: Path) -> list[str]:
    """A sentence for each teacher that a run of this recipe would have to train first."""
    named = {str(step.knobs["teacher"]) for step in recipe.steps if "teacher" in step.knobs} - {"dense"}
    pairs = [ref.split(":") for ref in sorted(named)]
    return [
        f"The teacher {model} at width {width} has no baseline yet: it is trained first, which takes minutes."
        for model, width in pairs if baselines.folder(recipe.dataset, model, float(width), home) is None
    ]  # fmt: skip
