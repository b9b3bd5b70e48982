"""Which arithmetic trains fastest here: timed once per machine and model, then kept: a seed keeps its meaning."""

from __future__ import annotations

import copy
import json
import math
import time

import torch
from torch import nn

from .atomic import write_text
from .context import Context, Variant
from .models.network import Network
from .training import Loop, Schedule, batch_size, hard_loss

GAIN = 1.15
"""All cores on one layer must be this much faster than any other way: they wait for each other at every layer, and so
crawl as soon as anything else runs on the machine."""
SMALLEST_PART = 24
"""A replica's part of a batch: fewer items would make its batch statistics too rough."""
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
    found = Variant(**known[key]["chosen"])
    return found if ctx.row.kind == "image" else found._replace(channels_last=None)  # older choices named a layout


def timed_choice(network: Network, ctx: Context) -> tuple[Variant, dict[str, float]]:
    """The choice, and the items per second of all that was tried: first number format and layout, then threads."""
    layouts = layouts_for(ctx)
    cores = torch.get_num_threads()
    if ctx.device.type == "cpu":  # one thread repeats well; what it prefers, several prefer too
        layouts = tuple(layout._replace(threads=1) for layout in layouts)
    speeds = time_variants(network, ctx, layouts)
    best = max(speeds, key=speeds.__getitem__)
    if ctx.device.type == "cpu" and cores > 1:
        many = best._replace(threads=cores)
        others = [best, *(side_by_side(best, cores, batch_size(ctx)) if may_be_split(network) else ())]
        found = time_variants(network, ctx, (many, *others))
        fastest = max(others, key=found.__getitem__)
        best = many if found[many] > GAIN * found[fastest] else fastest
        speeds |= found
    return best, {str(variant): speed for variant, speed in speeds.items()}


def layouts_for(ctx: Context) -> tuple[Variant, ...]:
    """Number formats and memory layouts worth trying: filters alone have a layout, and only for images does bf16 pay.

    Steps of a recurrent layer are small: in bf16 they spend their time on conversions, and a ranking of thousands of
    items does not stand its 8 bits of mantissa.
    """
    if ctx.row.kind != "image":
        return (Variant(channels_last=None),)
    return LAYOUTS if ctx.device.type == "cpu" or torch.cuda.is_bf16_supported() else LAYOUTS[:2]


def may_be_split(network: Network) -> bool:
    """Whether replicas may share a batch: dropout would draw in the order in which their threads happen to run."""
    return not any(m.p if isinstance(m, nn.Dropout) else m.dropout if isinstance(m, nn.RNNBase) else 0
                   for m in network.modules())  # fmt: skip


def side_by_side(variant: Variant, cores: int, batch: int) -> list[Variant]:
    """The ways to share the cores among replicas whose parts of the batch are equal and not too small.

    >>> [str(v) for v in side_by_side(Variant(), 4, 96)]
    ['fp32 NCHW, 2 x 2 threads', 'fp32 NCHW, 4 x 1 thread']
    """
    counts = [n for n in range(2, cores + 1) if cores % n == 0 and batch % n == 0 and batch // n >= SMALLEST_PART]
    return [variant._replace(replicas=n, threads=cores // n) for n in counts]


def time_variants(network: Network, ctx: Context, variants: tuple[Variant, ...]) -> dict[Variant, float]:
    """Training items per second of each variant: the best of interleaved steps, some even where one takes long."""
    before, loops = ctx.variant, {}
    for variant in variants:
        ctx.variant = variant
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
    for loop in loops.values():
        loop.close()
    ctx.variant = before
    size = next(iter(loops.values())).size
    return {variant: round(size / spent, 1) for variant, spent in seconds.items()}


def _time_step(loop: Loop) -> float:
    loop.replicas.train()
    index = torch.arange(loop.size, device=loop.ctx.device)
    started = time.perf_counter()
    float(loop.take(index))
    return time.perf_counter() - started
