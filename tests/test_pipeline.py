"""A recipe through all stages on digits, with real parts. Baselines are the shipped ones, or trained once."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from optim import pipeline, variants
from optim.errors import Cancelled, GateFailed, RequestError
from optim.records import Event
from optim.results import Result
from tests.heavy import a_task, warmed

STEPS = ("prune-channels:sparsity=0.5", "fine-tune:epochs=1", "quantize-int8")


@pytest.fixture(autouse=True)
def warm(home, templates, monkeypatch):
    """Graphs were traced before, and the arithmetic of training is chosen after few steps."""
    warmed(home, templates)
    monkeypatch.setattr(variants, "SECONDS", 0.0)


def test_dense_then_pruned_and_quantized(home, reference):
    dense, reference = reference
    assert reference.latency.ratio.value == 1 and reference.file.precision == "fp32"
    assert reference.reference_sha256 == reference.file.sha256

    events: list[Event] = []
    task = a_task(home, 2, STEPS, reference=f"{dense.folder}/model.onnx")
    result = pipeline.run(task, events.append)
    stages = list(dict.fromkeys(event.stage for event in events))
    assert stages == ["Baseline", "Prune", "Recover", "Export", "Gate", "Quantize", "Score", "Time"]
    assert result.file.params < reference.file.params and result.file.macs < reference.file.macs
    assert 0.9 < (result.file.share_in_8_bits or 0) <= 1 and reference.file.share_in_8_bits == 0
    assert result.file.precision == "int8" and result.file.parity.label_agreement > 0.9
    assert [g.after * 2 for g in result.groups] == [g.before for g in result.groups]
    assert result.variant and result.latency.calls >= 662 and result.reference_sha256 == reference.file.sha256
    check_folder(home / "runs" / "2", result)

    again = pipeline.run(a_task(home, 3, STEPS, reference=f"{dense.folder}/model.onnx"))
    assert again.cached_steps == 2 and again.file.sha256 == result.file.sha256


def test_a_network_from_the_cache_goes_to_the_device_of_the_run(home, monkeypatch):
    class Kept:
        def to(self, device):
            return f"on {device}"

    monkeypatch.setattr(pipeline.StepCache, "get", lambda *_: Kept())
    monkeypatch.setattr(pipeline.collapse, "inspect", lambda *_: None)
    job = pipeline._Job(a_task(home, steps=STEPS[:1]), lambda _: None, lambda: False)
    assert job.networks()[1] == "on cpu"


def check_folder(folder, result):
    assert Result.from_json((folder / "result.json").read_text()) == result
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    test = pipeline.read_splits("digits").test
    answers = session.run(["logits"], {"input": test.inputs})[0].argmax(1)
    assert np.mean(answers == test.labels) == pytest.approx(result.file.score.test.value)
    with np.load(folder / "predictions.npz", allow_pickle=False) as kept:
        assert (kept["test"] == answers).all() and len(kept["validation"]) == result.file.score.validation.n
    facts = {p.key: p.value for p in onnx.load(folder / "model.onnx").metadata_props}
    assert len(json.loads(facts["recipe"])["steps"]) == 3


def test_a_cancelled_run_leaves_nothing_half_made(home):
    task = a_task(home, steps=STEPS)
    with pytest.raises(Cancelled):
        pipeline.run(task, cancelled=lambda: True)
    assert list((home / "runs" / "1").iterdir()) == []


def test_a_failed_gate_offers_no_file(home, monkeypatch):
    monkeypatch.setattr("optim.gate.TOLERANCE", -1.0)
    with pytest.raises(GateFailed):
        pipeline.run(a_task(home))
    assert list((home / "runs" / "1").iterdir()) == []


def test_a_missing_device_is_refused(home):
    with pytest.raises(RequestError, match="cannot be trained on this device"):
        pipeline.run(a_task(home).with_(train_device="quantum"))


def test_a_student_from_scratch_with_a_teacher(home):
    steps = ("distill:epochs=1,teacher=cnn:1",)
    result = pipeline.run(a_task(home, steps=steps, start="scratch", width=0.5))
    assert all(group.before == group.after for group in result.groups)


def test_a_shipped_file_is_checked_scored_and_timed_as_it_is(home, reference):
    task, made = reference
    shipped = Path(shutil.copytree(task.folder, home / "shipped")) / "model.onnx"
    result = pipeline.run(a_task(home, 2).with_(given_file=str(shipped)))
    assert result.file.sha256 == made.file.sha256 and result.file.score == made.file.score
    with shipped.open("ab") as file:
        file.write(b"changed")
    with pytest.raises(GateFailed, match="not the one its record describes"):
        pipeline.run(a_task(home, 3).with_(given_file=str(shipped)))
