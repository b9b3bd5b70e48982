"""What a finished run keeps to explain itself, with real parts: answers, confidence, images, operators."""

from __future__ import annotations

import shutil

import numpy as np
import onnx
import pytest

from optim import answers, catalog, cost, keeping, operators, pipeline, together
from optim.context import read_splits
from optim.records import Companion


@pytest.fixture
def dense(home, reference):
    """The reference of a project, made and timed; its task, its result, and its folder in this test's own home."""
    task, result = reference
    folder = shutil.copytree(task.folder, home / "runs" / "1")
    return task.with_(folder=str(folder), home=str(home)), result, folder


def test_answers_truth_and_confidence_lie_beside_the_file(dense):
    _, result, folder = dense
    found = answers.read(folder)
    right = found.predicted == found.labels
    assert right.mean() == pytest.approx(result.file.score.validation.value)
    assert ((found.confidence > 0.09) & (found.confidence <= 1)).all()
    assert found.confidence[right].mean() > found.confidence[~right].mean()


def test_the_images_are_kept_once_and_are_those_of_the_split(reference):
    from pathlib import Path

    kept = answers.items(Path(reference[0].home), "digits")
    images, labels = read_splits("digits").validation
    assert np.abs(kept.images / 255 - images).max() <= 0.5 / 255 + 1e-6
    assert (kept.labels == labels).all()


def test_an_older_folder_is_completed_when_it_is_timed_again(home, dense):
    task, result, folder = dense
    with np.load(folder / answers.FILE) as file:
        whole = dict(file)
    np.savez_compressed(folder / answers.FILE, validation=whole["validation"], test=whole["test"])
    (folder / operators.FILE).unlink()
    assert answers.read(folder) is None
    pipeline.run(task.with_(recorded=result))
    with np.load(folder / answers.FILE) as file:
        assert set(file.files) == set(whole)
        assert all((file[name] == whole[name]).all() for name in file.files)
    assert operators.read(folder, result.file.sha256) is not None
    assert answers.items(home, "digits") is not None


def test_answers_that_are_not_the_file_s_are_left_alone(dense):
    _, result, folder = dense
    wrong = np.zeros(300, dtype=np.uint8)
    np.savez_compressed(folder / answers.FILE, validation=wrong)
    assert not keeping.complete(folder, folder / result.file.name, catalog.dataset("digits"), read_splits("digits"))
    with np.load(folder / answers.FILE) as file:
        assert file.files == ["validation"]


def test_the_operators_are_those_of_the_file_with_all_its_arithmetic(dense):
    _, result, folder = dense
    found = operators.read(folder, result.file.sha256)
    layers = cost.weighted(onnx.load(folder / result.file.name))
    assert sum(one.macs for one in layers) == result.file.macs
    assert sum(one.macs for one in found.operators) == result.file.macs
    assert {one.layer for one in layers} == {one.name for one in found.operators if one.macs}
    assert all(one.us > 0 for one in found.operators)
    assert operators.read(folder, "another file") is None


def test_the_operators_of_an_int8_file_are_named_by_their_layers_too(home, templates):
    from tests.heavy import a_task, warmed

    task = a_task(warmed(home, templates), 5, ("quantize-int8",))
    result = pipeline.run(task)
    found = operators.read(home / "runs" / "5", result.file.sha256)
    assert sum(one.macs for one in found.operators) == result.file.macs
    assert any(one.role == "conversion" for one in found.operators)


def test_several_files_are_timed_in_one_session(home, dense):
    task, result, folder = dense
    other = shutil.copytree(folder, home / "runs" / "2")
    companion = Companion(run_id=2, file=str(other / "model.onnx"), sha256=result.file.sha256)
    timed = pipeline.run(task.with_(recorded=result, together=(companion,)))
    assert timed.session and set(timed.against) == {2}
    assert [one.run_id for one in timed.beside] == [2]
    assert timed.against[2].value * timed.beside[0].against[1].value == pytest.approx(1)
    assert timed.against[2].value == pytest.approx(1, rel=0.5)
    assert timed.latency.calls >= 662 and timed.beside[0].latency.calls >= 662


def test_a_timing_process_that_dies_says_so(tmp_path):
    from optim.errors import RunError

    for name in ("a.onnx", "b.onnx"):
        (tmp_path / name).write_bytes(b"no model")
    with pytest.raises(RunError, match="The timing process failed"):
        together.measure(
            [tmp_path / "a.onnx", tmp_path / "b.onnx"],
            threads=1,
            request=np.zeros((1, 1, 8, 8), np.float32),
            device="cpu",
        )
