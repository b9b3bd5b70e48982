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

GAIN = 1.15
"""All cores must be this much faster than one: a network spread over all of them waits for each at every layer, and so
crawls as soon as anything else runs on the machine."""
SECONDS, FEWEST_STEPS, MOST_STEPS = 0.7, 4, 20
"""For each variant: long enough that a passing disturbance does not decide for good, yet short where steps are."""
LAYOUTS = tuple(Variant(bf16, channels_last) for bf16 in (False, True) for channels_last in (False, True))


def choose_variant(network: Network, ctx: Context, key: str) -> Variant:
    """The fastest arithmetic for this machine and model: timed once, interleaved, then kept under `key`."""
    path = ctx.home / "cache" / "variants.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    if key not in known:
        chosen, speeds = timed_choice(network, ctx)
        known[key] = {"chosen": chosen._asdict(), "images_per_s": speeds}
        write_text(path, json.dumps(known, indent=2))
    return Variant(**known[key]["chosen"])


def timed_choice(network: Network, ctx: Context) -> tuple[Variant, dict[str, float]]:
    """The choice, and the images per second of all that was tried: first number format and layout, then threads."""
    layouts = LAYOUTS if ctx.device.type == "cpu" or torch.cuda.is_bf16_supported() else LAYOUTS[:2]
    speeds = time_variants(network, ctx, layouts)
    best = max(speeds, key=speeds.__getitem__)
    if ctx.device.type == "cpu" and torch.get_num_threads() > 1:
        one, many = best._replace(threads=1), best._replace(threads=torch.get_num_threads())
        speeds |= time_variants(network, ctx, (one, many))
        best = many if speeds[many] > GAIN * speeds[one] else one
    return best, {str(variant): speed for variant, speed in speeds.items()}


def time_variants(network: Network, ctx: Context, variants: tuple[Variant, ...]) -> dict[Variant, float]:
    """Training images per second of each variant: the best of interleaved steps, some even where one takes long."""
    before, loops = ctx.variant, {}
    for variant in variants:
        trial = variant.arrange(copy.deepcopy(network).to(ctx.device))
        loops[variant] = Loop(trial, ctx, Schedule(1000, 1e-3), hard_loss(0.0))
    seconds = dict.fromkeys(variants, math.inf)
    started, turn = time.perf_counter(), 0
    while turn <= FEWEST_STEPS or (turn <= MOST_STEPS and time.perf_counter() - started < SECONDS * len(variants)):
        turn += 1
        ctx.breathe()
        for variant, loop in loops.items():
            ctx.variant = variant
            with variant.in_force():
                spent = _time_step(loop)
            seconds[variant] = min(seconds[variant], spent if turn > 1 else math.inf)
    ctx.variant = before
    size = next(iter(loops.values())).size
    return {variant: round(size / spent, 1) for variant, spent in seconds.items()}


def _time_step(loop: Loop) -> float:
    loop.network.train()
    index = torch.arange(loop.size, device=loop.ctx.device)
    started = time.perf_counter()
    float(loop.take(index))
    return time.perf_counter() - started
