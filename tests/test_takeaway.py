"""What a user takes away, and what comes shipped."""

import io
import json
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from optim import catalog, examples, judging, package, presets, recipes, remarks, snippets, views, words
from optim.errors import StoreError
from optim.home import ASSETS
from tests.factories import MODEL, some_runs


@pytest.fixture
def run():
    return some_runs()[3]


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A list of example runs in a folder of its own."""
    monkeypatch.setattr(examples, "LIST", tmp_path / "runs.json")
    return tmp_path / "runs.json"


def test_the_zip_holds_all_that_is_needed_and_equal_content_gives_equal_bytes(run, tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(MODEL)
    archive = zipfile.ZipFile(io.BytesIO(package.everything(run, file)))
    assert archive.namelist() == ["model.onnx", "MODEL_CARD.md", "recipe.json", "infer.py"]
    assert archive.read("model.onnx") == MODEL
    assert recipes.from_json(archive.read("recipe.json")) == run.recipe
    assert package.everything(run, file) == package.everything(run, file)


@pytest.mark.parametrize("dataset", catalog.DATASETS)
def test_the_script_is_short_and_compiles(run, dataset):
    one = run.with_(recipe=run.recipe.with_(dataset=dataset))
    script = package.infer(one)
    assert len(script.splitlines()) <= 20
    compile(script, "infer.py", "exec")
    imported = {
        name.partition(" ")[0]
        for line in script.splitlines()
        if line.startswith(("import ", "from "))
        for name in line.partition(" ")[2].split(", ")
    }
    assert imported <= {"numpy", "onnxruntime"} | set(sys.stdlib_module_names)


@pytest.fixture
def unpacked(run, tmp_path):
    """The zip's folder with a model that answers, and a call of its script from elsewhere."""
    folder = tmp_path / "zip"
    folder.mkdir()
    (folder / "infer.py").write_text(package.infer(run.with_(recipe=run.recipe.with_(dataset="digits"))))
    stub = "class InferenceSession:\n    def __init__(self, path, **_): open(path).close()\n"
    stub += "    def run(self, names, feed): return [[row.ravel()[:10] for row in feed['input']]]\n"
    (folder / "onnxruntime.py").write_text(stub)
    (folder / "model.onnx").touch()

    def call(*arguments):
        return subprocess.run(
            [sys.executable, folder / "infer.py", *arguments], cwd=tmp_path, capture_output=True, text=True
        )

    return call


@pytest.mark.parametrize("shape", [(3, 1, 8, 8), (3, 8, 8)])
def test_the_script_runs_from_anywhere_and_takes_images_without_a_channel(unpacked, tmp_path, shape):
    noise = unpacked()
    assert noise.returncode == 0 and "two images of noise" in noise.stderr and "noise" not in noise.stdout
    np.save(tmp_path / "images.npy", np.zeros(shape))
    told = unpacked("images.npy")
    assert (told.returncode, len(told.stdout.splitlines())) == (0, 3), told.stderr


@pytest.mark.parametrize("dataset", catalog.DATASETS)
def test_the_script_says_how_it_is_called(run, unpacked, tmp_path, dataset):
    script = package.infer(run.with_(recipe=run.recipe.with_(dataset=dataset)))
    (tmp_path / "zip" / "infer.py").write_text(script, "utf-8")
    told = unpacked("--help")
    assert told.returncode == 0 and ": python infer.py " in told.stdout and not told.stderr


def test_the_script_says_what_is_wrong_in_one_line(unpacked, tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((3, 7, 7)))
    told = unpacked("images.npy")
    assert told.stderr == "error: shape (3, 7, 7); needed: (n from 1, 1, 8, 8)\n"
    assert len(unpacked("none.npy").stderr.splitlines()) == 1
    (tmp_path / "zip" / "model.onnx").unlink()
    assert "model.onnx" in unpacked("images.npy").stderr
    assert "Traceback" not in unpacked().stderr


def test_the_script_scales_bytes_and_refuses_what_is_no_picture(unpacked, tmp_path):
    """Bytes taken for pixels from 0 to 1 gave 69 % of Fashion-MNIST instead of 91 %, without a word."""
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8), np.uint8)
    np.save(tmp_path / "bytes.npy", pixels)
    np.save(tmp_path / "scaled.npy", pixels / 255)
    assert unpacked("bytes.npy").stdout == unpacked("scaled.npy").stdout != ""
    for wrong in (pixels.astype(np.float32), np.full((2, 8, 8), np.nan), -(pixels / 255.0), pixels[:0]):
        np.save(tmp_path / "wrong.npy", wrong)
        told = unpacked("wrong.npy")
        assert (told.returncode, told.stdout) == (1, "") and told.stderr.startswith("error: "), told
        assert "Traceback" not in told.stderr and len(told.stderr.splitlines()) == 1


def test_the_files_in_the_zip_can_be_read_and_have_the_run_s_date(run, tmp_path):
    (tmp_path / "model.onnx").write_bytes(MODEL)
    for entry in zipfile.ZipFile(io.BytesIO(package.everything(run, tmp_path / "model.onnx"))).infolist():
        assert entry.external_attr >> 16 == 0o100644
        assert entry.date_time[0] == time.gmtime(run.ended_at)[0]


def test_the_card_tells_the_checks_of_the_fp32_parent_apart(run):
    one, same = run.result.file.checks[0], run.result.file.checks[0].with_(name="same answers as the network")
    labels = one.with_(name="same labels as its FP32 parent")
    file = run.result.file.with_(checks=(one, same, one, labels), precision="int8")
    made = run.with_(result=run.result.with_(file=file))
    before, after = package.model_card(made).split("This INT8 file:")
    assert before.index("The FP32 file that it was made of:") < before.index(same.name)
    assert labels.name in after


def test_how_to_run_it_takes_six_lines_for_every_data_set(run, tmp_path):
    name = package.file_name(run, tmp_path / "model.onnx")
    for row in catalog.DATASETS.values():
        lines = [line for line in snippets.snippet(row, name).splitlines() if line]
        assert len(lines) == 6 and name in lines[2]
        compile("\n".join(lines), "snippet", "exec")
        assert ("infer.py leaves out what was chosen" in lines[-1]) == row.ranks


def test_the_card_says_what_the_file_loses_and_tells_every_metric(run):
    assert "| Against the reference, accuracy on validation | loses 7.2 points |" in package.model_card(
        run, loss="loses 7.2 points"
    )
    assert "accuracy on validation" not in package.model_card(run)
    score = run.result.file.score
    more = score.with_(further=(score.with_(metric="recall@10"),))
    made = run.with_(result=run.result.with_(file=run.result.file.with_(score=more)))
    told = f"Validation {catalog.METRICS['recall@10'].label}"
    assert told in package.model_card(made) and told in dict(package.facts(made))


def test_the_card_tells_what_was_measured_and_how_to_make_it_again(run):
    card = package.model_card(run)
    for told in ("on 4,000 images", "4,000 calls", "MIT", "python -m optim run", run.result.file.sha256):
        assert told in card


def test_a_file_that_failed_a_check_is_not_offered(run, tmp_path):
    file = run.result.file
    bad = run.with_(result=run.result.with_(file=file.with_(checks=(file.checks[0].with_(passed=False),))))
    assert "must pass every check" in package.problem(bad, tmp_path)
    assert package.headline(bad) == "This file failed 1 check"


def test_a_missing_file_is_said_in_words(run, tmp_path):
    with pytest.raises(StoreError, match="cannot be read"):
        package.onnx_bytes(run, tmp_path / "none.onnx")
    assert "Retry run 4" in package.problem(run, tmp_path / "none.onnx")


def test_a_file_that_was_changed_is_not_offered(run, tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(MODEL)
    assert not package.problem(run, file)
    file.write_bytes(MODEL + b"y")
    assert "changed since it was checked" in package.problem(run, file)
    with pytest.raises(StoreError, match="changed"):
        package.everything(run, file)


def test_no_examples_is_no_error(shipped):
    assert examples.runs() == ()


def test_examples_are_read_in_order(shipped, run):
    both = [run.with_(origin="example"), some_runs()[0].with_(origin="example")]
    shipped.write_text(json.dumps([one.model_dump(mode="json") for one in both]))
    assert [one.id for one in examples.runs()] == [1, 4]
    assert examples.machine(examples.runs()) == "Example CPU"
    assert examples.datasets(examples.runs()) == "Fashion-MNIST"


def test_a_damaged_list_says_so(shipped):
    shipped.write_text("[{")
    with pytest.raises(StoreError, match="damaged"):
        examples.runs()


def test_the_first_front_is_one_project_and_begins_with_its_reference():
    front = presets.first_front()
    assert {recipe.dataset for recipe in front} == {presets.DATASET}
    assert not front[0].steps
    assert not front[0].steps


def test_a_shipped_run_has_a_name_of_its_own_and_the_card_says_what_the_ratio_means(run, tmp_path):
    own, shipped = tmp_path / "model.onnx", ASSETS / "examples" / "runs" / "4" / "model.onnx"
    assert package.file_name(run, own).endswith(f"-run{run.id}.onnx")
    assert package.zip_name(run, shipped).endswith(f"-example{run.id}.zip")
    assert f"(example {run.id})" in package.model_card(run, "example")
    assert f"| Against the reference, dense {run.project.reference} |" in package.model_card(run)
    assert package.line(run).count("INT8") <= 1
    settled = words.ratio(judging.settled_ratio(run.latency), "as fast")
    assert settled in package.model_card(run) and settled in dict(package.facts(run)).values(), "as on Pareto"


def test_p99_is_left_out_where_too_few_calls_were_timed(run, tmp_path):
    def told(calls):
        timed = run.with_(result=run.result.with_(latency=run.result.latency.with_(calls=calls)), measurement=None)
        rows = " ".join(" ".join(row) for row in package.facts(timed))
        return (
            rows,
            package.model_card(timed),
            remarks.time_line(timed.latency),
            views.run_object(timed, None, tmp_path)["latency"],
        )

    assert all("p99" in one for one in told(662)[:3]) and told(662)[3]["p99_ms"] > 0
    assert not any("p99" in one for one in told(661)[:3]) and told(661)[3]["p99_ms"] is None
    assert all("p90" in one for one in told(661)[:3])
