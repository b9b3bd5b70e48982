"""Which arithmetic trains fastest here: timed once per machine and model, then kept: a seed keeps its meaning."""

from __future__ import annotations

import copy
import json
import math
import time

import torch

from .atomic import write_text
from .context import Context, Variant
from .models.network import Network
from .training import Loop, Schedule, hard_loss


def choose_variant(network: Network, ctx: Context, key: str) -> Variant:
    """The fastest arithmetic for this machine and model: timed once, interleaved, then kept under `key`."""
    path = ctx.home / "cache" / "variants.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    if key not in known:
        known[key] = time_variants(network, ctx)
        write_text(path, json.dumps(known, indent=2))
    best = max(known[key], key=known[key].__getitem__)
    return Variant("bf16" in best, "channels_last" in best)


VARIANTS = tuple(Variant(bf16, channels_last) for bf16 in (False, True) for channels_last in (False, True))


def time_variants(network: Network, ctx: Context, rounds: int = 3) -> dict[str, float]:
    """Training images per second of each variant, the best of `rounds` interleaved steps."""
    variants = VARIANTS if ctx.device.type == "cpu" or torch.cuda.is_bf16_supported() else VARIANTS[:2]
    before = ctx.variant
    loops = {}
    for variant in variants:
        trial = copy.deepcopy(network).to(ctx.device)
        if variant.channels_last:
            trial.to(memory_format=torch.channels_last)
        loops[variant] = Loop(trial, ctx, Schedule(rounds + 1, 1e-3), hard_loss(0.0))
    seconds = dict.fromkeys(variants, math.inf)
    for turn in range(rounds + 1):
        for variant, loop in loops.items():
            ctx.variant = variant
            spent = _time_step(loop)
            seconds[variant] = min(seconds[variant], spent if turn else math.inf)
    ctx.variant = before
    size = next(iter(loops.values())).size
    return {str(variant): round(size / spent, 1) for variant, spent in seconds.items()}


def _time_step(loop: Loop) -> float:
    loop.network.train()
    index = torch.arange(loop.size, device=loop.ctx.device)
    started = time.perf_counter()
    float(loop.take(index))
    return time.perf_counter() - started
