"""What a teacher says of a real item: the answers each baseline leaves beside its weights. Light: no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import baselines, catalog, texts
from .records import Recipe


class Sample(NamedTuple):
    """One real item and what the teacher says of it."""

    name: str
    logits: tuple[float, ...]
    labels: tuple[int, ...]
    """The true class, or what the user has chosen."""
    pixels: np.ndarray | None = None
    """Height, width (, channels), 0 to 1, enlarged without smoothing so that small images stay crisp."""
    text: str = ""
    """What a text says."""


def samples(recipe: Recipe, home: Path) -> tuple[Sample, ...]:
    """The teacher's answers to a few items, one of each class; none as long as its baseline does not exist."""
    distil = next((step for step in recipe.steps if step.technique == "distill"), None)
    teacher = str(distil.knobs["teacher"]) if distil else "dense"
    name, _, width = (recipe.model_ref if teacher == "dense" else teacher).partition(":")
    folder = baselines.folder(recipe.dataset, name, float(width), home)
    if folder is None:
        return ()
    file = folder / "samples.json"
    return _samples(file, file.stat().st_mtime_ns, recipe.dataset)


@lru_cache(maxsize=16)
def _samples(file: Path, changed: int, dataset: str) -> tuple[Sample, ...]:
    read, row = json.loads(file.read_text("utf-8")), catalog.dataset(dataset)
    made = []
    items = read["images"] if row.traits.shown == "picture" else read["inputs"]
    for item, label, logits in zip(items, read["labels"], read["logits"], strict=True):
        if row.traits.shown == "picture":
            made.append(Sample(row.classes[label], tuple(logits), (label,), _large(item, read["shape"])))
        elif row.traits.shown == "text":
            text = texts.decode(row, np.asarray(item))
            made.append(Sample(f"{text} ({row.classes[label]})", tuple(logits), (label,), text=text))
        else:
            made.append(Sample(f"{row.items[0]} {item[0]}", tuple(logits), tuple(label)))
    return tuple(made)


def _large(pixels: Sequence[float], shape: Sequence[int]) -> np.ndarray:
    channels, height, width = shape
    image = np.asarray(pixels, dtype=float).reshape(channels, height, width).transpose(1, 2, 0)
    return image.repeat(224 // height, axis=0).repeat(224 // width, axis=1).squeeze()


def untrained(recipe: Recipe, home: Path) -> list[str]:
    """A sentence for each teacher that a run of this recipe would have to train first."""
    named = {str(step.knobs["teacher"]) for step in recipe.steps if "teacher" in step.knobs} - {"dense"}
    pairs = [ref.split(":") for ref in sorted(named)]
    return [
        f"The teacher {model} at width {width} has no baseline yet: it is trained first, which takes minutes."
        for model, width in pairs if baselines.folder(recipe.dataset, model, float(width), home) is None
    ]  # fmt: skip
