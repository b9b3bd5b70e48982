"""The command line as other programs see it: names, help, JSON, exit codes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from optim import cli_wait, jobs, recipes
from optim.cli import main
from optim.driver_process import DriverStatus
from optim.records import Event, State
from optim.results import Failure
from optim.store import Store, opened
from tests import factories
from tests.waiting import until

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = (
    "doctor", "catalog", "baseline", "run", "list", "show", "pareto", "export", "cancel", "delete", "retry", "clean",
    "serve", "measure", "profile", "search", "bench train", "bench latency", "bench gate", "bench ui",
    "bench first-front", "bench front", "bench estimate", "bench names", "bench tasks", "ask",
)  # fmt: skip
RUN = ("run", "--dataset", "digits", "--model", "cnn")
STEPS = ("--step", "prune-channels:sparsity=0.5,importance=l2", "--step", "distill:temperature=4,epochs=3")
CONTENT = b"a model"


def call(*arguments):
    """Run a command in this process; standard output, standard error and exit code are kept apart."""
    return CliRunner().invoke(main, [str(part) for part in arguments], prog_name="python -m optim", terminal_width=100)


@pytest.fixture
def driven(home, monkeypatch):
    """A driver that ends each run at once: seed 13 fails, all others are done."""
    monkeypatch.setattr(jobs, "ensure_driver", lambda _: DriverStatus(alive=True))
    monkeypatch.setattr(cli_wait, "ensure_driver", lambda _: DriverStatus(alive=True))
    stop = threading.Event()
    thread = threading.Thread(target=drive, args=(home, stop), daemon=True)
    thread.start()
    yield home
    stop.set()
    thread.join()


def drive(home, stop):
    store = Store(home)
    while not stop.wait(0.02):
        if run := store.claim():
            store.append_event(run.id, Event(time=time.time(), stage="Distil", done=1, total=4))
            if run.recipe.seed == 13:
                failure = Failure(kind="TrainingFailed", reason="The loss is not a number.", remedy="Lower the rate.")
                store.fail(run.id, failure)
            else:
                finish(store, run)


def finish(store, run):
    folder = store.folder(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(CONTENT)
    result = factories.a_result(0.95, 0.1, len(CONTENT))
    result = result.with_(file=result.file.with_(sha256=hashlib.sha256(CONTENT).hexdigest()))
    store.finish(run.id, result)


# -- help --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_stays_as_it_is(command):
    told = call(*command.split(), "--help")
    assert told.exit_code == 0
    file = GOLDEN / f"help{'-' + command.replace(' ', '-') if command else ''}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(told.stdout)
    assert told.stdout == file.read_text(), "set WRITE_GOLDEN=1 to accept it"
    if command:
        assert "--home" in told.stdout
        assert "--json" in told.stdout


def test_help_is_light_and_quick():
    code = (
        "import sys; sys.argv = ['x', '--help']\n"
        "try:\n    import optim.__main__\nexcept SystemExit:\n    pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    child = subprocess.run([sys.executable, "-c", code], cwd=GOLDEN.parents[1], capture_output=True, text=True)
    loaded = set(json.loads(child.stdout.splitlines()[-1].replace("'", '"')))
    assert not loaded & {"torch", "onnx", "onnxruntime", "streamlit", "sqlalchemy", "distributed", "pandas", "numpy"}


# -- wrong requests ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--dataset", "digits"),
        ("run", "--dataset", "mnist", "--model", "cnn"),
        (*RUN, "--step", "prune"),
        (*RUN, "--step", "prune-channels:sparsity=1"),
        (*RUN, "--step", "distill:temperature=0"),
        (*RUN, "--step", "distill:temperature=NaN"),
        (*RUN, "--step", "distill:temperature"),
        (*RUN, "--width", "nan"),
        (*RUN, "--start", "middle"),
        (*RUN, "--threads", "0"),
        (*RUN, "--device", "tpu"),
        (*RUN, "--train-device", "tpu"),
        (*RUN, "--reference", "vgg:1"),
        ("run", "missing.json"),
        ("show", "99"),
        ("show", "9" * 30),
        ("show", "-1"),
        ("show", "one"),
        ("cancel", "99"),
        ("retry", "99"),
        ("measure", "99"),
        ("delete", "99"),
        ("export", "99", "--out", "x.onnx"),
        ("list", "--state", "lost"),
        ("list", "--home", ""),
        ("pareto", "--dataset", "mnist"),
        ("baseline", "--dataset", "digits", "--model", "vgg"),
        ("bench", "nothing"),
        ("nothing",),
    ],
    ids=" ".join,
)
def test_a_wrong_request_is_2_and_a_sentence(arguments):
    told = call(*arguments)
    assert told.exit_code == 2
    assert told.stdout == ""
    assert told.stderr.strip()
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--train-device", "tpu"), "Allowed: auto, cpu"),
        (("--reference", "vgg:1"), "resnet8"),
        (("--threads", 9), "Allowed: 1 to 8"),
        (("--device", "cuda"), "Install onnxruntime-gpu"),
        (("--batch", 0), "1 to 4096"),
        (("--step", "prune-channels:sparsity=0.9", "--step", "prune-channels:sparsity=0.9"), "leave nothing of"),
    ],
)
def test_a_refused_run_leaves_no_project(home, monkeypatch, options, says):
    monkeypatch.setattr(jobs.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(jobs, "timing_devices", lambda: ("cpu",))
    told = call(*RUN, *options)
    assert told.exit_code == 2
    assert says in told.stderr
    assert Store(home).projects() == []


def test_a_baseline_never_replaces_a_folder_of_other_things(tmp_path):
    (tmp_path / "thesis.tex").touch()
    told = call("baseline", "--dataset", "digits", "--model", "cnn", "--out", tmp_path)
    assert told.exit_code == 2
    assert "would delete them" in told.stderr
    assert (tmp_path / "thesis.tex").exists()


def test_a_broken_data_folder_is_1_and_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    told = call("list", "--home", tmp_path / "file")
    assert told.exit_code == 1
    assert told.stderr.startswith("error: The data folder cannot be written.")


def test_a_recipe_file_and_recipe_options_do_not_mix(tmp_path):
    file = tmp_path / "recipe.json"
    file.write_text(recipes.pretty(factories.a_recipe(dataset="digits", model="cnn", width=1.0)))
    told = call("run", file, "--seed", 3)
    assert told.exit_code == 2
    assert "--seed is already said by recipe.json" in told.stderr


# -- run ---------------------------------------------------------------------------------------------------------------


def test_a_run_that_is_done_prints_one_object_and_is_0(driven):
    told = call(*RUN, *STEPS, "--json")
    assert told.exit_code == 0, told.stderr
    run = json.loads(told.stdout)
    assert (run["state"], run["baseline"]["state"]) == ("done", "done")
    assert Path(run["onnx"]).read_bytes() == CONTENT
    assert run["recipe"]["steps"][0]["knobs"]["sparsity"] == 0.5
    again = json.loads(call(*RUN, *STEPS, "--json").stdout)
    assert again == run


def test_an_invalid_latency_is_still_done(driven):
    run = json.loads(call(*RUN, "--json").stdout)
    store = opened(driven)
    measured = factories.a_measurement(store.run(run["id"]), factories.a_fingerprint("New CPU"), 0.1)
    store.add_measurement(measured.with_(latency=factories.a_latency(0.1, valid=False)))
    told = call(*RUN, "--json")
    assert told.exit_code == 0
    assert json.loads(told.stdout)["latency"]["valid"] is False


def test_a_run_that_failed_is_1_with_the_reason_on_stderr_and_the_object_on_stdout(driven):
    told = call(*RUN, *STEPS, "--seed", 13, "--json")
    assert told.exit_code == 1
    assert "error: The loss is not a number. Lower the rate." in told.stderr
    assert json.loads(told.stdout)["failure"]["kind"] == "TrainingFailed"


def test_a_recipe_file_is_the_same_run_as_its_options(driven, tmp_path):
    first = json.loads(call(*RUN, *STEPS, "--json").stdout)
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(first["recipe"]))
    assert json.loads(call("run", file, "--json").stdout)["id"] == first["id"]


def test_detached_it_is_queued_at_once(home, monkeypatch):
    monkeypatch.setattr(jobs, "ensure_driver", lambda _: DriverStatus(alive=True))
    told = call(*RUN, *STEPS, "--detach", "--json")
    assert told.exit_code == 0
    run = json.loads(told.stdout)
    assert (run["state"], run["id"], run["latency"]) == ("queued", 2, None)
    assert [r.state for r in Store(home).runs()] == [State.QUEUED, State.QUEUED]


def test_ctrl_c_leaves_the_run_and_says_how_to_go_on(home, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "ensure_driver", lambda _: DriverStatus(alive=True))
    monkeypatch.setattr(cli_wait, "follow", interrupted)
    told = call(*RUN)
    assert told.exit_code == 130
    assert "python -m optim show 1" in told.stderr
    assert "python -m optim cancel 1" in told.stderr
    assert Store(home).run(1).state is State.QUEUED


def test_the_reference_can_be_another_model(driven, monkeypatch):
    monkeypatch.setattr(jobs.os, "cpu_count", lambda: 8)
    told = call(*RUN, "--reference", "resnet8:2", "--threads", 2, "--json")
    run = json.loads(told.stdout)
    assert run["project"]["reference"] == "resnet8:2"
    assert run["project"]["threads"] == 2
    assert run["baseline"]["recipe"]["model"] == "resnet8"


# -- the others --------------------------------------------------------------------------------------------------------


def test_list_show_and_pareto_print_the_same_objects(driven):
    run = json.loads(call(*RUN, *STEPS, "--json").stdout)
    assert json.loads(call("show", run["id"], "--json").stdout) == run
    assert json.loads(call("list", "--json").stdout)[0] == run
    assert json.loads(call("list", "--dataset", "fashion-mnist", "--json").stdout) == []
    assert len(json.loads(call("list", "--state", "done", "--limit", 1, "--json").stdout)) == 1
    front = json.loads(call("pareto", "--dataset", "digits", "--json").stdout)
    assert run in front["front"] + front["dominated"]
    for words in (("show", run["id"]), ("list",), ("pareto",), ("catalog",)):
        told = call(*words)
        assert told.exit_code == 0
        assert "cnn" in told.stdout


def test_an_empty_data_folder_says_what_to_do():
    for command in ("list", "pareto"):
        assert "python -m optim run" in call(command).stdout
    assert json.loads(call("list", "--json").stdout) == []
    assert json.loads(call("pareto", "--json").stdout)["front"] == []


def test_export_copies_the_checked_bytes_and_nothing_else(driven, tmp_path):
    run = json.loads(call(*RUN, "--json").stdout)
    told = call("export", run["id"], "--out", tmp_path / "m.onnx", "--json")
    assert json.loads(told.stdout)["onnx"] == str(tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == CONTENT
    Path(run["onnx"]).write_bytes(b"changed since")
    assert call("export", run["id"], "--out", tmp_path / "n.onnx").exit_code == 2
    assert not (tmp_path / "n.onnx").exists()


def test_a_changed_file_is_made_again_by_its_recipe_and_by_retry(driven, tmp_path):
    run = json.loads(call(*RUN, *STEPS, "--json").stdout)
    for again in ((*RUN, *STEPS, "--json"), ("retry", run["id"])):
        Path(run["onnx"]).write_bytes(b"changed since")
        assert call(*again).exit_code == 0
        until(lambda: Store(driven).run(run["id"]).state == "done")
        assert call("export", run["id"], "--out", tmp_path / "m.onnx").exit_code == 0
        assert (tmp_path / "m.onnx").read_bytes() == CONTENT


def test_a_file_that_failed_a_check_is_never_exported(home, tmp_path):
    store = Store(home)
    run = factories.done(1, accuracy=0.9, p50_ms=0.3, kb=100)
    parity = run.result.file.parity.with_(passed=False)
    bad = run.with_(result=run.result.with_(file=run.result.file.with_(parity=parity)))
    store.adopt([bad], store.project("fashion-mnist", reference="resnet8:2"))
    told = call("export", 1, "--out", tmp_path / "m.onnx")
    assert (told.exit_code, "did not pass" in told.stderr) == (2, True)


def test_cancel_retry_and_delete(home, monkeypatch):
    monkeypatch.setattr(jobs, "ensure_driver", lambda _: DriverStatus(alive=True))
    call(*RUN, *STEPS, "--detach")
    assert call("delete", 2).exit_code == 2
    assert json.loads(call("cancel", 2, "--json").stdout)["state"] == "cancelled"
    assert call("cancel", 2).exit_code == 2
    assert json.loads(call("retry", 2, "--json").stdout)["state"] == "queued"
    assert call("clean").exit_code == 2
    call("cancel", 2)
    call("cancel", 1)
    assert json.loads(call("delete", 2, "--json").stdout) == {"deleted": 2}
    assert call("show", 2).exit_code == 2


def test_cancelling_a_queued_run_says_that_it_is_cancelled(home, monkeypatch):
    monkeypatch.setattr(jobs, "ensure_driver", lambda _: DriverStatus(alive=True))
    call(*RUN, *STEPS, "--detach")
    assert call("cancel", 2).stdout == "Run 2 is cancelled.\n"


def test_a_knob_given_twice_is_refused(home):
    told = call(*RUN, "--step", "prune-channels:sparsity=0.5,sparsity=0.7", "--detach")
    assert told.exit_code == 2
    assert "A knob is given twice." in told.stderr and "sparsity once" in told.stderr


def test_a_run_that_is_compared_with_another_model_says_so(home, monkeypatch):
    monkeypatch.setattr(jobs, "ensure_driver", lambda _: DriverStatus(alive=True))
    assert "Compared with" not in call(*RUN, *STEPS, "--detach").stderr
    other = ("run", "--dataset", "digits", "--model", "resnet8", *STEPS, "--detach")
    told = call(*other)
    assert "Compared with cnn:1, the reference of this project; for another: --reference resnet8:1." in told.stderr


def test_clean_empties_the_cache_and_leftovers_and_nothing_else(driven):
    call(*RUN, *STEPS, "--json")
    for name in (
        "cache/steps/abc/w",
        "cache/templates/t",
        "cache/variants.json",
        "runs/77/model.onnx",
        "runs/2/.work-x/m",
    ):
        (driven / name).parent.mkdir(parents=True, exist_ok=True)
        (driven / name).write_bytes(b"x" * 1000)
    told = json.loads(call("clean", "--json").stdout)
    assert told["freed_bytes"] >= 4000
    assert (driven / "cache/variants.json").exists()
    assert not (driven / "runs/77").exists()
    assert not (driven / "runs/2/.work-x").exists()
    assert (driven / "runs/2/model.onnx").exists()


def test_the_catalogue_as_json_has_every_knob():
    told = json.loads(call("catalog", "--json").stdout)
    assert {row["name"] for row in told["techniques"]} >= {"prune-channels", "distill", "quantize-int8", "fine-tune"}
    distill = next(row for row in told["techniques"] if row["name"] == "distill")
    temperature = next(knob for knob in distill["knobs"] if knob["name"] == "temperature")
    assert (temperature["low"], temperature["high"]) == (1, 20)


def test_no_driver_to_stop_is_no_error():
    assert json.loads(call("serve", "--stop", "--json").stdout) == {"stopped": False}


def test_seeds_are_runs_of_their_own_and_json_lists_them(driven):
    told = call(*RUN, "--step", "fine-tune:epochs=1", "--seed", 3, "--seeds", 3, "--json")
    assert told.exit_code == 0, told.stderr
    printed = json.loads(told.stdout)
    assert [run["recipe"]["seed"] for run in printed] == [3, 4, 5]
    assert {run["state"] for run in printed} == {"done"}
    said = call(*RUN, "--step", "fine-tune:epochs=1", "--seed", 3, "--seeds", 3).stdout
    assert "mean of 3 seeds: validation" in said


def test_of_several_seeds_one_that_fails_is_told_and_the_others_stand(driven):
    told = call(*RUN, "--step", "fine-tune:epochs=1", "--seed", 12, "--seeds", 2, "--json")
    assert told.exit_code == 1
    assert "failed: The loss is not a number. Lower the rate." in told.stderr
    assert [run["state"] for run in json.loads(told.stdout)] == ["done", "failed"]


def test_seeds_can_be_left_to_the_queue_and_are_counted(driven):
    told = call(*RUN, "--step", "fine-tune:epochs=1", "--seeds", 2, "--detach", "--json")
    assert (told.exit_code, len(json.loads(told.stdout))) == (0, 2)
    assert call(*RUN, "--seeds", 0).exit_code == 2
