"""Timing again, with real parts: a new time of the same bytes, and nothing else."""

from __future__ import annotations

import shutil

import pytest

from optim import operators, pipeline, timing
from optim.errors import Cancelled, GateFailed
from optim.records import Event


@pytest.fixture
def dense(home, reference):
    """The reference of a project, made and timed; its task, and its result."""
    task, result = reference
    folder = shutil.copytree(task.folder, home / "runs" / "1")
    return task.with_(folder=str(folder), home=str(home)), result


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_recorded_file_is_timed_again_and_stays_as_it_is(home, dense):
    task, made = dense
    folder = home / "runs" / "1"
    before, events = contents(folder), list[Event]()
    again = pipeline.run(task.with_(recorded=made, train_device="quantum"), events.append)
    assert again.with_(latency=made.latency) == made
    assert again.latency != made.latency and again.latency.calls >= 662
    after = contents(folder)
    assert after.pop(operators.FILE) != before.pop(operators.FILE), "operators are timed with the file, each time"
    assert after == before and operators.read(folder, made.file.sha256) is not None
    assert {event.stage for event in events} == {"Time"}


def test_a_session_tells_the_time_of_the_reference_too(home, dense):
    task, made = dense
    assert made.reference_latency is None
    reference = home / "reference.onnx"
    reference.write_bytes((home / "runs" / "1" / "model.onnx").read_bytes())
    session = timing.time_file(home / "runs" / "1" / "model.onnx", task.with_(reference_file=str(reference)), print)
    assert session.reference_latency.ratio.value == session.reference_latency.ratio.high == 1
    assert session.latency.ratio.value == pytest.approx(1, rel=0.5)
    assert session.reference_sha256 == made.file.sha256


def test_a_changed_file_is_not_timed_and_a_cancel_is_heard(home, dense):
    task, made = dense
    with pytest.raises(Cancelled):
        pipeline.run(task.with_(recorded=made), cancelled=lambda: True)
    (home / "runs" / "1" / "model.onnx").write_bytes(b"changed")
    with pytest.raises(GateFailed, match="gone or was changed"):
        pipeline.run(task.with_(recorded=made))
