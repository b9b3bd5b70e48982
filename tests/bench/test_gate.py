"""`bench gate` counts what it says: distorted ones that pass, clean ones that are refused."""

from __future__ import annotations

import random
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from optim import latency
from optim.bench import gate
from optim.bench.gate import FIRST, Outcome, Trial
from optim.errors import RequestError
from tests import factories


def outcome(kind, mean_ms, *, valid=True):
    time = factories.a_latency(0.2, valid=valid).with_(mean_ms=mean_ms)
    return Outcome(Trial(kind, () if kind == "clean" else ("plain",), 0.5), time, 1.5)


def test_the_trials_are_those_that_were_asked_for_and_begin_with_clean_ones():
    planned = gate.trials(50, 10, 30, random.Random(0))
    kinds = [trial.kind for trial in planned]
    assert [kinds.count(kind) for kind in ("midway", "from the start", "clean")] == [40, 10, 30]
    assert kinds[:FIRST] == ["clean"] * FIRST
    assert all(bool(trial.busy) == (trial.kind != "clean") and 0 <= trial.delay_s < 1 for trial in planned)
    assert len({trial.delay_s for trial in planned}) > 30
    assert planned == gate.trials(50, 10, 30, random.Random(0)) != gate.trials(50, 10, 30, random.Random(1))


def test_neighbours_of_a_part_of_the_time_are_trials_of_their_own():
    planned = gate.trials(10, 2, 10, random.Random(0), 30)
    beside = [trial for trial in planned if trial.kind == gate.PART]
    assert (len(planned), len(beside)) == (50, 30)
    assert {trial.duty for trial in beside} == set(gate.DUTIES) and all(len(trial.busy) == 1 for trial in beside)
    assert {trial.duty for trial in planned if trial.kind != gate.PART} == {1.0}


@pytest.mark.parametrize("duty", [0.3, 1.0])
def test_a_neighbour_goes_on_until_the_measurement_is_over(duty):
    with gate._neighbours(Trial(gate.PART, tuple(gate.BUSY), 0.0, duty), 1.0) as many:
        assert [process.poll() for process in many] == [None] * len(gate.BUSY)
    assert all(process.poll() is not None for process in many)


def test_of_those_of_a_part_of_the_time_the_refused_and_the_slipped_are_told():
    clean = [outcome("clean", 1.0)] * 5
    beside = [outcome(gate.PART, 1.02), outcome(gate.PART, 1.02, valid=False), outcome(gate.PART, 1.2)]
    told = gate.summary([*clean, *beside])
    assert (told["part_time"], told["part_time_distorted"], told["part_time_refused_though_right"]) == (3, 1, 1)
    assert (told["slipped"], told["disturbed"]) == (1, 0)


def test_only_a_distorted_one_that_passes_has_slipped():
    clean = [outcome("clean", 1.0)] * 9 + [outcome("clean", 1.01, valid=False)]
    disturbed = [
        outcome("midway", 1.04), outcome("midway", 1.06), outcome("midway", 0.9), outcome("midway", 3.0, valid=False),
        outcome("from the start", 1.0, valid=False),
    ]  # fmt: skip
    told = gate.summary([*clean, *disturbed])
    assert (told["slipped"], told["distorted"], told["disturbed"], told["disturbed_from_the_start"]) == (2, 3, 5, 1)
    assert (told["refused_clean"], told["clean"], told["disturbed_and_refused"]) == (1, 10, 2)
    assert [slip["off_percent"] for slip in told["slips"]] == [6.0, -10.0]


def test_a_ratio_that_is_off_is_distorted_too():
    clean, skewed = [outcome("clean", 1.0)] * 5, outcome("midway", 1.01)
    ratio = skewed.latency.ratio
    skewed = skewed._replace(latency=skewed.latency.with_(ratio=ratio.with_(value=0.9 * ratio.value, low=0.1)))
    told = gate.summary([*clean, skewed])
    assert (told["slipped"], told["distorted"], told["distorted_ratio"]) == (1, 1, 1)
    assert (told["slips"][0]["off_percent"], told["slips"][0]["ratio_off_percent"]) == (1.0, -10.0)
    assert told["slips"][0]["ratio"] == pytest.approx(0.9 * ratio.value, abs=1e-4)


def test_each_is_tried_as_often_as_in_a_run(monkeypatch):
    tried = []

    def measure_both(*_, attempts, threads, **__):
        tried.append((attempts, threads))
        return latency.Timed(candidate=factories.a_latency(0.2), reference=factories.a_latency(0.4))

    monkeypatch.setattr(gate, "measuring_lock", nullcontext)
    monkeypatch.setattr(gate, "_neighbours", lambda *_: nullcontext())
    monkeypatch.setattr(gate.latency, "measure_both", measure_both)
    planned = [Trial("clean", (), 0.0), Trial("midway", ("plain",), 0.5), Trial("from the start", ("plain",), 0.0)]
    gate.measured(planned, Path("a.onnx"), Path("b.onnx"), np.zeros((1, 1)), threads=2)
    assert tried == [(latency.ATTEMPTS, 2)] * 3


def test_what_was_left_alone_and_is_off_counts_as_distorted():
    clean = [outcome("clean", 1.0)] * 5
    told = gate.summary([*clean, outcome("clean", 1.3, valid=False), outcome("clean", 1.2), outcome("midway", 1.0)])
    assert (told["clean"], told["refused_clean"], told["left_alone_but_distorted"]) == (5, 0, 2)
    assert [slip["off_percent"] for slip in told["slips"]] == [20.0]


def test_numbers_that_do_not_fit_together_are_refused():
    for wrong in ({"disturbed": 5, "from_the_start": 6}, {"clean": 2}):
        with pytest.raises(RequestError, match="fit together"):
            gate.main(**wrong)


@pytest.mark.parametrize("threads", [0, -1, 100_000])
def test_threads_that_this_machine_has_not_are_refused_before_anything_is_timed(threads):
    with pytest.raises(RequestError):
        gate.main(threads=threads)
