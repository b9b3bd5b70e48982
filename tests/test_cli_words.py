"""What the command line says to a reader: legends, attempts, verdicts, refusals."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from optim import cli_text, cli_wait, hardware, jobs, store_moves, views
from optim.allocate import by_share
from optim.cli import main
from optim.driver_process import DriverStatus
from optim.errors import KnobError, RequestError, RunError
from optim.home import home_dir, home_option
from optim.progress import WAITING
from optim.records import Event, State
from optim.store import Store
from tests import factories, other_kinds


def call(*arguments):
    return CliRunner().invoke(main, [str(part) for part in arguments], prog_name="python -m optim")


@pytest.fixture
def store(home):
    store = Store(home)
    store.adopt(factories.some_runs(), store.project("fashion-mnist", reference="resnet8:2"))
    return store


def test_the_line_of_a_run_that_waits_for_the_machine(store):
    run, _ = store.submit(factories.a_recipe("prune-channels:sparsity=0.3"), store.projects()[0])
    store.claim()
    store.append_event(run.id, Event(time=1, stage="", message="started"))
    store.append_event(run.id, Event(time=2, stage="", message=WAITING))
    line, about = cli_wait.where(store, store.run(run.id), store.runs(states=[State.DONE]))
    assert "waiting since" in line
    assert "left" not in line
    assert about.endswith("waits")


def test_a_worker_that_went_away_is_told(store):
    run, _ = store.submit(factories.a_recipe("prune-channels:sparsity=0.3"), store.projects()[0])
    store.claim()
    store.requeue(run.id)
    told = "attempt 2 of 3: its worker went away"
    assert told in cli_wait.where(store, store.run(run.id), [])[0]
    store.claim()
    again = store.run(run.id)
    assert told in cli_wait.where(store, again, [])[0]
    assert told in cli_text.runs_text([again])
    assert told[1:] in cli_text.run_text(again, store)


def test_a_time_that_is_not_valid_is_explained_under_the_table():
    runs = factories.some_runs()[:2]
    assert "?" not in cli_text.runs_text(runs)
    result = runs[1].result
    runs[1] = runs[1].with_(result=result.with_(latency=factories.a_latency(0.1, valid=False)))
    assert cli_text.runs_text(runs).splitlines()[-1].startswith("? The time is not valid")


def test_the_front_says_the_verdicts_of_the_page(store):
    near = factories.done(10, "prune-channels:sparsity=0.1", accuracy=0.9108, p50_ms=0.3171, kb=1200)
    store.adopt([near], store.projects()[0])
    (front,) = views.front_objects(store, store.projects())
    text = cli_text.fronts_text([front])
    assert set(front["tied"]) <= {run["id"] for run in front["dominated"]}
    for verdict in ("on the front", "tied with the front", "dominated", "reference"):
        assert verdict in text
    assert "1 thread, batch 1" in text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--width", "nan"), "Allowed: a number from 0.25 to 4."),
        (("--start", "middle"), "Allowed: baseline, scratch."),
        (("--step", "distill:teacher=foo"), "Allowed: dense, "),
    ],
)
def test_a_refused_option_says_what_is_allowed_in_our_words(options, says):
    told = call("run", "--dataset", "digits", "--model", "cnn", *options)
    assert told.exit_code == 2
    assert says in told.stderr


def test_the_catalogue_says_what_a_default_of_0_means():
    assert "0 = automatic" in call("catalog").stdout


def test_an_equal_recipe_says_that_it_opens_the_existing_run(home, monkeypatch):
    monkeypatch.setattr(jobs, "ensure_driver", lambda _: DriverStatus(alive=True))
    equal = ("run", "--dataset", "digits", "--model", "cnn", "--detach")
    assert "already" not in call(*equal).stderr
    assert "Run 1 is making exactly this already: it is queued." in call(*equal).stderr
    store = Store(home)
    store.claim()
    store.finish(1, factories.a_result(0.9, 0.3, 1000))
    store.folder(1).mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(Store, "has_its_file", lambda *_: True)
    assert "Run 1 has made exactly this already." in call(*equal).stderr


@pytest.mark.parametrize("command", [("list",), ("show", "1"), ("pareto",), ("cancel", "1")], ids=" ".join)
def test_a_command_that_looks_at_runs_makes_no_data_folder(tmp_path, home, command):
    told = call(*command, "--home", tmp_path / "none")
    assert told.exit_code == 2
    assert "There is no data folder" in told.stderr
    assert not (tmp_path / "none").exists()
    if command[0] != "cancel":
        assert call(*command).exit_code == (2 if command[0] == "show" else 0)
        assert not home.exists()


def test_stopping_says_what_it_waits_for_and_what_stays_queued(store, home, monkeypatch):
    monkeypatch.setattr(cli_wait, "driver_status", lambda _: DriverStatus(True, "ready", busy=(10,)))
    monkeypatch.setattr(cli_wait, "stop_driver", lambda _: True)
    for share in (0.3, 0.6):
        store.submit(factories.a_recipe(f"prune-channels:sparsity={share}"), store.projects()[0])
    told = call("serve", "--stop")
    assert "it ends its work on run 10" in told.stderr
    assert "2 runs stay queued; they go on when the driver starts again." in told.stdout


def test_a_folder_that_is_not_the_usual_one_is_named_in_every_hint(home, tmp_path, monkeypatch):
    other = tmp_path / "my data"
    assert home_option(home_dir()) == ""
    assert home_option(other) == f" --home '{other}'"


def test_training_on_a_gpu_that_is_not_there_is_refused_at_once(home, monkeypatch):
    monkeypatch.setattr(hardware, "count_gpus", lambda: 0)
    with pytest.raises(RequestError, match="No NVIDIA GPU"):
        hardware.check_gpu("cuda")
    hardware.check_gpu("auto")
    monkeypatch.setattr(hardware, "count_gpus", lambda: 1)
    hardware.check_gpu("cuda")


def test_a_waiting_run_respects_a_driver_that_was_asked_to_leave(home, monkeypatch):
    store, seen = Store(home), iter([True, False])
    run, _ = store.submit(factories.a_recipe("prune-channels"), store.project("fashion-mnist", reference="resnet8:2"))
    monkeypatch.setattr(cli_wait, "DRIVER_LOOK_SECONDS", -1.0)
    monkeypatch.setattr(cli_wait, "driver_status", lambda _: DriverStatus(alive=next(seen)))
    with pytest.raises(RunError, match="asked to leave"):
        cli_wait.follow(home, run.id)
    assert store.run(run.id).state is State.QUEUED


def test_a_time_that_is_not_valid_has_one_sentence_not_every_reason(store):
    run = store.run(4)
    doubtful = run.latency.with_(valid=False, facts=None, reasons=("it drifted by 9 %", "31 % of the time was stolen"))
    doubtful = run.with_(measurement=None, result=run.result.with_(latency=doubtful))
    text = cli_text.run_text(doubtful, store)
    assert "not valid   It drifted by 9 %. Time it again while nothing else runs: python -m optim measure 4" in text
    assert "stolen" not in text


def test_a_width_that_is_taken_as_another_one_is_told(home, monkeypatch):
    monkeypatch.setattr(jobs, "ensure_driver", lambda _: DriverStatus(alive=True))
    told = call("run", "--dataset", "digits", "--model", "cnn", "--width", 3.3, "--detach", "--json")
    assert "note: Width 3.3 is taken as 3.3125: widths go in steps of 1/16." in told.stderr
    assert "note:" not in told.stdout
    assert "note:" not in call("run", "--dataset", "digits", "--model", "cnn", "--width", 0.5, "--detach").stderr


def test_a_device_is_refused_with_what_this_machine_has(home, monkeypatch):
    for here, allowed in ((("cpu",), "Allowed: cpu. A GPU is called cuda"), (("cpu", "cuda"), "Allowed: cpu, cuda.")):
        monkeypatch.setattr(store_moves, "timing_devices", lambda here=here: here)
        assert allowed in call("run", "--dataset", "digits", "--model", "cnn", "--device", "gpu").stderr
    monkeypatch.setattr(store_moves, "count_gpus", lambda: 0)
    told = call("run", "--dataset", "digits", "--model", "cnn", "--train-device", "gpu").stderr
    assert "Allowed: auto, cpu." in told


def test_what_was_given_ends_in_one_full_stop():
    told = str(RequestError("This search has ended.", given="it found nothing.", allowed="those that run"))
    assert told == "This search has ended. Given: it found nothing. Allowed: those that run."


def test_words_that_stand_for_nothing_are_said():
    assert "default none. What stays" in call("catalog").stdout and "default ." not in call("catalog").stdout
    told = call("export", 3)
    assert told.exit_code == 2 and "For example: python -m optim export 3 --out run-3.onnx" in told.stderr


def test_what_to_do_first_is_told_for_the_data_that_was_asked_for(home):
    for command in ("pareto", "list"):
        told = CliRunner().invoke(main, [command, "--dataset", "movielens-small"])
        assert told.exit_code == 0
        assert told.output.endswith("python -m optim run --dataset movielens-small --model matrix-factorization\n")


def test_scores_of_several_metrics_are_told_apart(home):
    other_kinds.fill(home, "movielens-small")
    told = CliRunner().invoke(main, ["show", "4"]).output
    assert re.search(r"validation +NDCG at 10: \d.\d % \(.* on 671 users\); recall at 10: \d.\d %", told)
    assert "points of NDCG at 10" in told and "of 671 users" in told


def test_a_group_that_would_be_emptied_is_named_with_its_own_width():
    knobs = {"sparsity": 0.99, "allocation": "uniform", "round_to": 1}
    with pytest.raises(KnobError, match=r"nothing of narrow\. Given: sparsity=0\.99 of a width of 8"):
        by_share({"wide": np.ones(40), "narrow": np.ones(8)}, knobs, {"wide": "wide", "narrow": "narrow"})


def test_a_driver_that_breaks_down_is_started_again_but_not_for_ever(home, monkeypatch):
    started = []
    monkeypatch.setattr(cli_wait, "DRIVER_LOOK_SECONDS", -1.0)
    monkeypatch.setattr(cli_wait, "driver_status", lambda _: DriverStatus(alive=len(started) == 0 and not watch._seen))
    monkeypatch.setattr(cli_wait, "ensure_driver", started.append)
    home.mkdir(parents=True)
    (home / "driver.json").write_text("{}")
    watch = cli_wait.Watch(home, "run 7")
    for _ in range(cli_wait.DEATHS + 1):
        watch.look()
    with pytest.raises(RunError, match="broke down 4 times, and run 7 waits"):
        watch.look()
    assert len(started) == cli_wait.DEATHS


@pytest.mark.parametrize("how", [("--teacher", "cnn:1"), ("--epochs", 3)])
def test_refresh_refuses_what_only_training_could_heed(home, how):
    told = call("baseline", "--dataset", "digits", "--model", "cnn", "--refresh", *how)
    assert told.exit_code == 2
    assert (
        f"--refresh trains nothing, so it cannot heed how to train. Given: --refresh {how[0]} {how[1]}" in told.output
    )


@pytest.mark.parametrize("threads", [0, -1, 4096])
def test_threads_are_those_of_this_machine(home, threads):
    told = call("run", "--dataset", "digits", "--model", "cnn", "--threads", threads)
    assert told.exit_code == 2 and f"Allowed: 1 to {os.cpu_count()}." in told.output


def test_a_technique_without_knobs_says_so(home):
    told = call("run", "--dataset", "digits", "--model", "cnn", "--step", "early-stride:x=1")
    assert told.exit_code == 2 and "early-stride has no knobs. Given: x." in told.output


def test_what_design_warns_of_is_said_before_a_run(home, monkeypatch):
    monkeypatch.setattr(jobs, "ensure_driver", lambda home: None)
    step = "prune-channels:allocation=manual,widths="
    told = call("run", "--dataset", "digits", "--model", "cnn", "--step", step, "--detach")
    assert told.exit_code == 0 and "warning: Every group keeps its size: nothing is removed." in told.stderr
    again = call("run", "--dataset", "digits", "--model", "cnn", "--step", step, "--detach")
    assert "warning" not in again.stderr, "it is known by then"


def test_without_its_packages_it_says_what_is_missing():
    """As with the system's own Python, outside the environment."""
    root = Path(__file__).parents[1]
    told = subprocess.run(
        [sys.executable, "-S", "-m", "optim"], cwd=root, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": ""},
    )  # fmt: skip
    assert told.returncode == 2 and "is not installed here" in told.stderr
    assert "Traceback" not in told.stderr and "pip install -r requirements.txt" in told.stderr
