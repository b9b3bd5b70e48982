"""Dense baselines: load one, or train it visibly and keep it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
import torch
from safetensors import SafetensorError

from . import baselines, catalog, marks
from .atomic import whole_folder, write_text
from .cache import read_network, write_network
from .catalog_metrics import METRICS
from .context import Context
from .errors import TrainingFailed
from .hardware import processor_name
from .importance import with_taylor
from .inference import logits_of
from .models.network import CLASSES, Network
from .plan import Anatomy, cost
from .results import Share
from .surgery import anatomy
from .techniques.distill import distill
from .training import Schedule, train
from .variants import choose_variant

TAUGHT = {"temperature": 2.0, "alpha": 0.7}
"""How a baseline learns from a teacher."""
USERS = 3
"""Of whom samples are kept, where an answer is a ranking: one takes as many logits as there are items."""


class Baseline(NamedTuple):
    network: Network
    score: dict[str, Share]
    """Of the network in torch: `validation` and `test`."""


def fresh(dataset: str, model: str, width: float, ctx: Context) -> Network:
    """An untrained network for this data, its normalization set from the training split, seeded by the context."""
    row = catalog.dataset(dataset)
    torch.manual_seed(ctx.seed)
    network: Network = catalog.load(catalog.model(model).function)(width, row)
    assert network.widths[CLASSES] == row.outputs
    network.expect(torch.from_numpy(ctx.splits.train.labels))
    if row.kind == "image":
        pixels = torch.from_numpy(ctx.splits.train.inputs)
        network.mean.fill_(round(float(pixels.mean()), 4))
        network.std.fill_(round(float(pixels.std()), 4))
    return network


def obtain(model: str, width: float, ctx: Context) -> Network:
    """The baseline, on the CPU in evaluation mode; trained with the standard schedule first where there is none."""
    dataset = ctx.row.name
    found = baselines.folder(dataset, model, width, ctx.home)
    if found is None:
        stage, ctx.stage = ctx.stage, "Baseline"
        ctx.progress(message=f"no baseline of {model} at width {width:g} yet: training it once")
        found = baselines.own_folder(dataset, model, width, ctx.home)
        make(model, width, ctx, found, ctx.row.epochs)
        ctx.stage = stage
    try:
        network = read_network(found, fresh(dataset, model, width, ctx))
    except (OSError, ValueError, RuntimeError, SafetensorError):
        raise baselines.damaged(found, "weights.safetensors") from None
    if not all(torch.isfinite(tensor).all() for tensor in network.state_dict().values()):
        raise baselines.damaged(found, "weights.safetensors")
    return network


def make(model: str, width: float, ctx: Context, target: Path, epochs: int, teacher: str = "") -> dict:
    """Train from scratch, write the folder `target` (weights, anatomy, samples, card); the card is returned.

    `teacher`: the baseline (`MODEL:WIDTH`) that it learns from too, by its softened answers; trained first if missing.
    """
    teacher = teacher and catalog.check_model_ref(teacher)
    before, ctx.seed, ctx.model = (ctx.seed, ctx.model, ctx.variant), 0, catalog.model(model)
    network = fresh(ctx.row.name, model, width, ctx)
    ctx.variant = choose_variant(network, ctx, variant_key(model, width, ctx))
    started = time.perf_counter()
    with _told_apart(f"{model}:{width:g}", ctx):
        network = _taught(network, ctx, epochs, teacher) if teacher else _trained(network, ctx, epochs)
    seconds = time.perf_counter() - started
    card = keep(network.cpu(), model, width, ctx, target, epochs, seconds, teacher)
    ctx.seed, ctx.model, ctx.variant = before
    return card


@contextmanager
def _told_apart(name: str, ctx: Context) -> Iterator[None]:
    """What goes wrong is told as the baseline's own: no change of a recipe that needs it would cure it."""
    warnings, cures = len(ctx.warnings), len(ctx.cures)
    try:
        yield
    except TrainingFailed as error:
        what = f"The baseline {name} could not be trained. {error.what}"
        remedy = "Its rate is the model's own: choose another width or model."
        raise TrainingFailed(what, given=error.given, remedy=remedy) from error
    ctx.warnings[warnings:] = [f"Training the baseline {name}: {told}" for told in ctx.warnings[warnings:]]
    del ctx.cures[cures:]


def _trained(network: Network, ctx: Context, epochs: int) -> Network:
    row = ctx.model
    train(network, ctx, Schedule(epochs, row.scratch_rate, row.weight_decay, row.label_smoothing))
    return network


def _taught(network: Network, ctx: Context, epochs: int, teacher: str) -> Network:
    """The same with most of the loss from the teacher, by the technique that every recipe may use."""
    name, _, width = teacher.partition(":")
    taught = replace(ctx, teacher=lambda _: obtain(name, float(width), ctx))
    return distill(
        network, taught, teacher=teacher, epochs=epochs, learning_rate=ctx.model.scratch_rate,
        weight_decay=ctx.model.weight_decay, label_smoothing=ctx.model.label_smoothing, **TAUGHT,
    )  # fmt: skip


def keep(
    network: Network, model: str, width: float, ctx: Context, target: Path, epochs: int, seconds: float,
    teacher: str = "",
) -> dict:  # fmt: skip
    """Write weights, anatomy, samples and card of a trained baseline as one folder."""
    body = body_of(network, model, width, ctx)
    params, macs = cost(body, {})
    scores, further = _scores(network, ctx)
    card = {
        "dataset": ctx.row.name,
        "model": model,
        "width": width,
        "metric": ctx.row.metric,
        "score": {name: share.model_dump() for name, share in scores.items()},
        **({"further": further} if further else {}),
        "params": params,
        "macs": macs,
        "command": command(ctx.row.name, model, width, epochs, teacher),
        **({"teacher": teacher} if teacher else {}),
        "epochs": epochs,
        "seconds": round(seconds, 1),
        "seed": 0,
        "variant": str(ctx.variant),
        "splits": ctx.splits.digest,
        "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
    }
    with whole_folder(target) as folder:
        write_network(folder, network)
        (folder / "anatomy.json").write_text(body.to_json())
        (folder / "samples.json").write_text(json.dumps(_samples(network, ctx)))
        (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    return card


def body_of(network: Network, model: str, width: float, ctx: Context) -> Anatomy:
    """The anatomy with all importances, measured in float32 on the CPU."""
    return with_taylor(anatomy(network, ctx.row, model, width), network, _exact(ctx))


def refresh(model: str, width: float, ctx: Context, folder: Path) -> Anatomy:
    """Write the anatomy of the baseline in this folder anew: an earlier version may have known fewer importances."""
    network = read_network(folder, fresh(ctx.row.name, model, width, ctx))
    body = body_of(network, model, width, ctx)
    write_text(folder / "anatomy.json", body.to_json())
    return body


def command(dataset: str, model: str, width: float, epochs: int, teacher: str = "") -> str:
    """The command line that trains the same baseline."""
    taught = f" --teacher {teacher}" if teacher else ""
    return f"python -m optim baseline --dataset {dataset} --model {model} --width {width:g} --epochs {epochs}{taught}"


def variant_key(model: str, width: float, ctx: Context) -> str:
    """What the choice of arithmetic depends on: device, threads, torch, and the size of the work."""
    where = (
        torch.cuda.get_device_name()
        if ctx.device.type == "cuda"
        else f"{processor_name()} {torch.get_num_threads()} threads"
    )
    return f"{ctx.device.type} {where} torch {torch.__version__} replicas {ctx.row.name} {model}:{width:g}"


def _scores(network: Network, ctx: Context) -> tuple[dict[str, Share], dict[str, dict[str, dict]]]:
    """By split the shares of the data set's metric, and, as JSON has them, by the name of each further metric."""
    scores, further = {}, {name: {} for name in ctx.row.further}
    for split in ("validation", "test"):
        inputs, labels = getattr(ctx.splits, split)
        logits = logits_of(network, _exact(ctx), torch.from_numpy(inputs)).numpy()
        seen = (ctx.splits.seen or {}).get(split)
        worth = marks.of(logits, labels, (ctx.row.metric, *ctx.row.further), seen)
        scores[split] = marks.share(worth[ctx.row.metric], ctx.row.goodness)
        for name, told in further.items():
            told[split] = marks.share(worth[name], METRICS[name]).model_dump()
    return scores, further


def _samples(network: Network, ctx: Context) -> dict:
    """A few validation items, as they can be shown, with the network's float32 logits.

    Of classes one item of each; of users the first ones. Pixels are kept as numbers from 0 to 1, tokens and ids as they
    are.
    """
    row, split = ctx.row, ctx.splits.validation
    if row.ranks:
        chosen = list(range(min(USERS, len(split.labels))))
        labels = [np.flatnonzero(split.labels[user]).tolist() for user in chosen]
    else:
        chosen = [int((split.labels == label).argmax()) for label in range(len(row.classes))]
        labels = split.labels[chosen].tolist()
    inputs = torch.from_numpy(split.inputs[chosen])
    flat = inputs.flatten(1).tolist()
    shown = [[round(v, 3) for v in one] for one in flat] if row.kind == "image" else flat
    return {
        "shape": list(row.shape),
        ("images" if row.kind == "image" else "inputs"): shown,
        "labels": labels,
        "logits": [[round(float(v), 4) for v in one] for one in logits_of(network, _exact(ctx), inputs)],
    }


def _exact(ctx: Context) -> Context:
    """The same data, evaluated in float32 on the CPU."""
    return Context(ctx.row, ctx.splits, ctx.home)
