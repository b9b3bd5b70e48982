"""A real profile of a small network: real files, real times, real accuracies."""

from __future__ import annotations

import numpy as np
import pytest

from optim import conditions, estimate, profile_jobs, profile_plans, profiles, profiling, timing_many
from optim.errors import Cancelled, RunError
from optim.timing_many import ManyTimer, time_all


@pytest.fixture
def few(monkeypatch):
    """Fewer plans and rounds than usual: what matters here is that all parts fit together."""
    monkeypatch.setattr(profile_plans, "stair_widths", lambda size: (size // 4, size // 2, size))
    monkeypatch.setattr(profiling, "JOINT", 6)
    monkeypatch.setattr(profiling, "ITEMS", 100)


def test_a_profile_is_measured_kept_and_not_measured_twice(home, few):
    ask = profile_jobs.request(home, "digits", "cnn", 1.0)
    events = []
    made = profiling.run(ask, events.append)
    assert profile_jobs.complete(ask) == made
    assert made.fingerprint.id == conditions.here(device="cpu", threads=1, batch=1).id
    assert {event.stage for event in events} >= {"Export", "Time", "Sensitivity", "Recover"}
    assert max(event.done for event in events) <= events[-1].total
    assert made.dense_accuracy.value > 0.9
    assert all(time.value > 0 for group in made.groups for time in group.fp32_ms + group.int8_ms)
    assert estimate.latency_ms(made, {}, "fp32").value == pytest.approx(made.dense_fp32_ms.value, rel=0.2)
    more = profiling.run(ask.with_(importance="l1"))
    assert more.importances == ("l1", "l2")
    assert more.groups[0].fp32_ms == made.groups[0].fp32_ms


@pytest.mark.parametrize(
    ("dataset", "model"),
    [("names", "textcnn"), ("movielens-small", "matrix-factorization")],
)
def test_texts_and_rankings_have_profiles_too(home, few, dataset, model):
    ask = profile_jobs.request(home, dataset, model, 1.0)
    made = profiling.run(ask)
    assert profile_jobs.complete(ask) == made
    assert {method for group in made.groups for method in group.sensitivity} == {"l2"}
    assert all(one.accuracy for one in made.joint[:3])


def test_a_profile_can_be_stopped(home, few):
    ask = profile_jobs.request(home, "digits", "cnn", 1.0)
    with pytest.raises(Cancelled):
        profiling.run(ask, cancelled=lambda: True)
    assert profiles.find(home, "digits", "cnn", 1.0) is None


def test_times_are_paired_by_round():
    """By a clock that only calls move: a call of the slow file takes three times as long as the reference's."""
    now = [0.0]

    def takes(seconds):
        def call():
            now[0] += seconds

        return call

    files, reference, _ = time_all([takes(0.003), takes(0.001)], takes(0.001), seed=1, clock=lambda: now[0])
    assert files.shape == (2, timing_many.ROUNDS)
    assert (files[0] / reference).tolist() == pytest.approx([3.0] * timing_many.ROUNDS)
    assert (files[1] / reference).tolist() == pytest.approx([1.0] * timing_many.ROUNDS)


def test_a_timing_process_that_fails_says_so(tmp_path):
    with (
        ManyTimer(tmp_path / "none.onnx", threads=1, request=np.zeros((1, 1, 8, 8), np.float32), device="cpu") as timer,
        pytest.raises(RunError),
    ):
        timer.time([tmp_path / "none.onnx"], seed=0)
