"""What decides the network that the first steps of a recipe make: the key under which it is kept."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from . import baselines, catalog
from .cache import key_of
from .context import Context
from .records import Recipe, Step


def key(recipe: Recipe, steps: Sequence[Step], ctx: Context) -> str:
    """The hash of everything that decides what these first steps of the recipe make of its start."""
    versions = [catalog.technique(step.technique).version for step in steps]
    told = recipe.with_(steps=tuple(steps)).model_dump(mode="json")
    where = [torch.__version__, str(ctx.device), torch.get_num_threads(), str(ctx.variant)]
    speed = ctx.speed if any("latency_target" in step.knobs for step in steps) else None
    profile = [] if speed is None else [speed.digest]
    return key_of(told, versions, ctx.splits.digest, _start(recipe, ctx), where, *profile)


def _start(recipe: Recipe, ctx: Context) -> list[str]:
    """Which baseline weights the recipe and its teachers rest on: one that is trained anew has another digest."""
    teachers = [str(step.knobs["teacher"]) for step in recipe.steps if "teacher" in step.knobs]
    named = [recipe.model_ref if name == "dense" else name for name in teachers]
    refs = [ref.split(":") for ref in {recipe.model_ref, *named}]
    return sorted(filter(None, (baselines.digest(ctx.row.name, m, float(width), ctx.home) for m, width in refs)))
