"""`bench gate` counts what it says: distorted ones that pass, clean ones that are refused."""

from __future__ import annotations

import random

import pytest

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


def test_what_was_left_alone_and_is_off_counts_as_distorted():
    clean = [outcome("clean", 1.0)] * 5
    told = gate.summary([*clean, outcome("clean", 1.3, valid=False), outcome("clean", 1.2), outcome("midway", 1.0)])
    assert (told["clean"], told["refused_clean"], told["left_alone_but_distorted"]) == (5, 0, 2)
    assert [slip["off_percent"] for slip in told["slips"]] == [20.0]


def test_numbers_that_do_not_fit_together_are_refused():
    for wrong in ({"disturbed": 5, "from_the_start": 6}, {"clean": 2}):
        with pytest.raises(RequestError, match="fit together"):
            gate.main(**wrong)
