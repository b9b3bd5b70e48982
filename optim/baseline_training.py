"""Dense baselines: load one, or train it visibly and keep it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import NamedTuple

import onnxruntime
import torch
from safetensors import SafetensorError

from . import baselines, catalog
from .atomic import whole_folder, write_text
from .cache import read_network, write_network
from .context import SCRATCH_RATE, Context
from .hardware import processor_name
from .importance import with_taylor
from .inference import logits_of
from .models.network import CLASSES, Network
from .plan import Anatomy, cost
from .results import Share
from .stats import wilson
from .surgery import anatomy
from .training import Schedule, train
from .variants import choose_variant

EPOCHS = {"digits": 40, "fashion-mnist": 25}
"""Long enough that more epochs gain less than the noise of the validation set."""


class Baseline(NamedTuple):
    network: Network
    score: dict[str, Share]
    """Of the network in torch: `validation` and `test`."""


def fresh(dataset: str, model: str, width: float, ctx: Context) -> Network:
    """An untrained network for this data, its normalization set from the training split, seeded by the context."""
    row = catalog.dataset(dataset)
    torch.manual_seed(ctx.seed)
    network: Network = catalog.load(catalog.model(model).function)(width, row)
    assert network.widths[CLASSES] == len(row.classes)
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
        make(model, width, ctx, found, EPOCHS[dataset])
        ctx.stage = stage
    try:
        network = read_network(found, fresh(dataset, model, width, ctx))
    except (OSError, ValueError, RuntimeError, SafetensorError):
        raise baselines.damaged(found, "weights.safetensors") from None
    if not all(torch.isfinite(tensor).all() for tensor in network.state_dict().values()):
        raise baselines.damaged(found, "weights.safetensors")
    return network


def make(model: str, width: float, ctx: Context, target: Path, epochs: int) -> dict:
    """Train from scratch, write the folder `target` (weights, anatomy, samples, card); the card is returned."""
    seed, ctx.seed, variant = ctx.seed, 0, ctx.variant
    network = fresh(ctx.row.name, model, width, ctx)
    ctx.variant = choose_variant(network, ctx, variant_key(model, width, ctx))
    started = time.perf_counter()
    train(network, ctx, Schedule(epochs, SCRATCH_RATE))
    seconds = time.perf_counter() - started
    card = keep(network.cpu(), model, width, ctx, target, epochs, seconds)
    ctx.seed, ctx.variant = seed, variant
    return card


def keep(network: Network, model: str, width: float, ctx: Context, target: Path, epochs: int, seconds: float) -> dict:
    """Write weights, anatomy, samples and card of a trained baseline as one folder."""
    body = body_of(network, model, width, ctx)
    params, macs = cost(body, {})
    card = {
        "dataset": ctx.row.name,
        "model": model,
        "width": width,
        "score": {name: share.model_dump() for name, share in _scores(network, ctx).items()},
        "params": params,
        "macs": macs,
        "command": command(ctx.row.name, model, width, epochs),
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


def command(dataset: str, model: str, width: float, epochs: int) -> str:
    """The command line that trains the same baseline."""
    return f"python -m optim baseline --dataset {dataset} --model {model} --width {width:g} --epochs {epochs}"


def variant_key(model: str, width: float, ctx: Context) -> str:
    """What the choice of arithmetic depends on: device, threads, torch, and the size of the work."""
    where = (
        torch.cuda.get_device_name()
        if ctx.device.type == "cuda"
        else f"{processor_name()} {torch.get_num_threads()} threads"
    )
    return f"{ctx.device.type} {where} torch {torch.__version__} replicas {ctx.row.name} {model}:{width:g}"


def _scores(network: Network, ctx: Context) -> dict[str, Share]:
    scores = {}
    for name in ("validation", "test"):
        split = getattr(ctx.splits, name)
        predicted = logits_of(network, _exact(ctx), torch.from_numpy(split.inputs)).argmax(1).numpy()
        scores[name] = wilson(int((predicted == split.labels).sum()), len(split.labels))
    return scores


def _samples(network: Network, ctx: Context) -> dict:
    """One validation image of each class, pixels in 255ths, with float32 logits."""
    split = ctx.splits.validation
    first = [int((split.labels == label).argmax()) for label in range(len(ctx.row.classes))]
    images = torch.from_numpy(split.inputs[first])
    return {
        "shape": list(ctx.row.shape),
        "images": [[round(float(v), 3) for v in image.flatten()] for image in images],
        "labels": split.labels[first].tolist(),
        "logits": [[round(float(v), 4) for v in row] for row in logits_of(network, _exact(ctx), images)],
    }


def _exact(ctx: Context) -> Context:
    """The same data, evaluated in float32 on the CPU."""
    return Context(ctx.row, ctx.splits, ctx.home)
