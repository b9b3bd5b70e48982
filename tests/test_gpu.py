"""Training on an NVIDIA GPU: what must live on the device, and what must come back. `pytest -m gpu` runs it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from optim import gate
from optim.baseline_training import make
from optim.cache import StepCache, read_network
from optim.context import training_device
from optim.export import as_trained, export
from optim.inference import evaluate
from optim.records import Recipe
from optim.techniques.distill import distill
from optim.techniques.fine_tune import fine_tune
from optim.techniques.prune_channels import prune_channels
from optim.training import Schedule, train
from optim.variants import choose_variant
from tests.heavy import a_context, a_network

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no NVIDIA GPU here"),
]
ROOT = Path(__file__).parents[1]


@pytest.fixture
def ctx(home):
    """Digits on the GPU; a teacher comes on the CPU, as baselines do."""
    context = a_context(home, device=torch.device("cuda"))
    context.teacher = lambda name: a_network(context, width=0.25)
    return context


def devices(network):
    return {tensor.device.type for tensor in network.state_dict().values()}


def test_auto_is_the_gpu_where_there_is_one():
    assert training_device("auto").type == training_device("cuda").type == "cuda"


def test_training_stays_on_the_gpu_and_learns(ctx):
    network = a_network(ctx, lively=False)
    best = train(network, ctx, Schedule(6, 0.1))
    assert devices(network) == {"cuda"}
    assert best > 0.5
    assert evaluate(network, ctx, ctx.validation_items) == pytest.approx(best, abs=0.01)


@pytest.mark.parametrize("augment", [True, False])
def test_a_teacher_follows_to_the_gpu(ctx, augment):
    network = a_network(ctx, width=0.25)
    student = distill(network, ctx, epochs=2, learning_rate=0.05, alpha=0.3, augment=augment)
    assert devices(student) == {"cuda"}
    assert devices(network) == {"cpu"}
    assert all(math.isfinite(event.metrics["loss"]) for event in ctx.events if "loss" in event.metrics)


def test_a_network_pruned_and_trained_on_the_gpu_makes_a_file_that_passes_the_gate(ctx, home):
    pruned = prune_channels(a_network(ctx).to(ctx.device), ctx, sparsity=0.5)
    assert devices(pruned) == {"cuda"}
    trained = fine_tune(pruned, ctx, epochs=2, learning_rate=0.05)
    home.mkdir(parents=True, exist_ok=True)
    path = home / "model.onnx"
    export(trained, ctx.row, Recipe(dataset="digits", model="cnn"), path, home / "templates")
    parity, checks = gate.check_fp32(path, as_trained(trained), ctx.splits)
    assert parity.passed
    assert all(check.passed for check in checks)
    assert devices(trained) == {"cuda"}, "exporting leaves the network where it was"


def test_the_arithmetic_of_the_gpu_is_timed_once_kept_and_trains(ctx, monkeypatch):
    network = a_network(ctx)
    chosen = choose_variant(network, ctx, "key")
    assert chosen.threads == 0
    assert devices(network) == {"cpu"}
    monkeypatch.setattr("optim.variants.timed_choice", lambda *_: pytest.fail("timed twice"))
    ctx.variant = choose_variant(network, ctx, "key")
    assert ctx.variant == chosen
    assert 0 <= train(network, ctx, Schedule(2, 0.05)) <= 1


def test_what_is_kept_of_a_network_on_the_gpu_can_be_read_without_one(ctx, home):
    network = a_network(ctx).to(ctx.device)
    store = StepCache(home / "steps")
    store.put("a", network)
    again = store.get("a", network)
    assert again is not None
    assert devices(again) == {"cpu"}
    assert all(torch.equal(tensor.cpu(), again.state_dict()[name]) for name, tensor in network.state_dict().items())


def test_a_baseline_trained_on_the_gpu_is_kept_and_scored_on_the_cpu(ctx, home):
    card = make("cnn", 0.25, ctx, home / "baseline", epochs=3)
    assert 0 <= card["score"]["validation"]["value"] <= 1
    assert devices(read_network(home / "baseline", a_network(ctx, width=0.25))) == {"cpu"}


def test_a_run_says_that_it_was_trained_on_the_gpu(home):
    words = ["run", "--dataset", "digits", "--model", "cnn", "--step", "prune-channels", "--step", "distill:epochs=1"]
    command = [sys.executable, "-m", "optim", *words, "--train-device", "cuda", "--json", "--home", str(home)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert told.returncode == 0, told.stderr
    run = json.loads(told.stdout)
    assert run["train_device"] == "cuda"
    assert run["parity"]["passed"]
