"""The whole engine as a user meets it: command line, driver process, worker, pipeline, file. On digits, few epochs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from optim import jobs
from optim.driver_process import driver_status
from optim.recipes import complete, parse_step
from optim.records import Recipe, State
from optim.store import Store
from tests import waiting

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[1]
until = partial(waiting.until, seconds=300.0)


def command(home, *arguments):
    line = [sys.executable, "-m", "optim", *arguments, "--home", str(home)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=500)


def recipe(*steps):
    return complete(Recipe(dataset="digits", model="cnn", steps=tuple(map(parse_step, steps))))


def test_run_makes_a_file_that_answers(home):
    steps = ("--step", "prune-channels:sparsity=0.5", "--step", "distill:epochs=2", "--step", "quantize-int8")
    told = command(home, "run", "--dataset", "digits", "--model", "cnn", *steps, "--json")
    assert told.returncode == 0, told.stderr
    run = json.loads(told.stdout)
    assert run["score"]["validation"]["value"] > 0.8
    assert run["parity"]["passed"]
    assert run["latency"]["ratio"]["low"] <= run["latency"]["ratio"]["value"] <= run["latency"]["ratio"]["high"]
    assert run["params"] < run["baseline"]["params"]
    session = onnxruntime.InferenceSession(run["onnx"], providers=["CPUExecutionProvider"])
    assert session.run(["logits"], {"input": np.zeros((3, 1, 8, 8), np.float32)})[0].shape == (3, 10)
    again = command(home, "run", "--dataset", "digits", "--model", "cnn", *steps, "--json")
    assert json.loads(again.stdout)["id"] == run["id"]
    assert command(home, "serve", "--stop").returncode == 0


def test_a_killed_worker_costs_one_attempt_and_no_finished_step(home):
    run, _ = jobs.submit(home, recipe("prune-channels", "fine-tune:epochs=200"))
    store = Store(home)
    until(lambda: any(event.stage == "Recover" and event.done > 3 for event in store.events(run.id)))
    os.kill(driver_status(home).workers[0].pid, signal.SIGKILL)
    killed_at = time.monotonic()
    until(lambda: store.run(run.id).attempt == 2)
    assert time.monotonic() - killed_at < 10
    after, _ = jobs.submit(home, recipe("fine-tune:epochs=1"))
    until(lambda: any("already made" in event.message for event in store.events(run.id)))
    asked_at = time.monotonic()
    jobs.cancel(home, run.id)
    until(lambda: store.run(run.id).state is State.CANCELLED)
    assert time.monotonic() - asked_at < 5
    assert until(lambda: not store.run(after.id).state.live and store.run(after.id)).state is State.DONE


def test_a_killed_driver_loses_nothing(home):
    run, _ = jobs.submit(home, recipe("fine-tune:epochs=2"))
    store = Store(home)
    until(lambda: store.run(run.id).state is State.RUNNING)
    os.kill(driver_status(home).pid, signal.SIGKILL)
    until(lambda: not driver_status(home).alive)
    jobs.ensure_driver(home)
    done = until(lambda: not store.run(run.id).state.live and store.run(run.id))
    assert (done.state, done.attempt) == (State.DONE, 2)
