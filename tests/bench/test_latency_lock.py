"""`bench latency` times alone: it holds the machine's lock while it measures, and not while it prepares."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from optim.bench import latency
from optim.results import Interval
from tests import factories


def test_it_tells_how_a_ratio_repeats_from_session_to_session():
    ratios = [Interval(value=value, low=0.98 * value, high=1.02 * value) for value in (2.0, 2.0, 2.01, 2.1)]
    told = latency._repeats(ratios)
    assert told["intervals_that_hold_the_others"] == "3 of 4"
    assert told["between_sessions_percent"] == pytest.approx(2.38, abs=0.1)
    assert latency._repeats(ratios[:1]) == {}


def test_a_measurement_keeps_its_promise_only_where_it_is_valid_sure_and_quick_at_once():
    def timed(half, *, valid=True):
        return factories.a_latency(0.1, valid=valid).with_(
            ratio=Interval(value=2, low=2 * (1 - half), high=2 * (1 + half))
        )

    found = [timed(0.019), timed(0.019), timed(0.021), timed(0.01, valid=False), timed(0.01)]
    told = latency.kept(found, [2.9, 3.1, 2.0, 2.0, 2.0])
    assert (told["value"], told["n"]) == (0.4, 5)
    assert told["low"] < 0.4 < told["high"]


def test_it_holds_the_lock_while_it_times(monkeypatch):
    held, seen = [False], []

    @contextmanager
    def lock():
        held[0] = True
        yield
        held[0] = False

    def files(*_):
        assert not held[0]
        return Path("dense.onnx"), Path("pruned.onnx")

    def measure(*_, **__):
        seen.append(held[0])
        return factories.a_latency(0.1)

    monkeypatch.setattr(latency, "measuring_lock", lock, raising=False)
    monkeypatch.setattr(latency, "files", files)
    monkeypatch.setattr(latency.latency, "measure", measure)
    monkeypatch.setattr(latency, "report", lambda *_: None)
    latency.main(repeats=3)
    assert seen == [True, True, True]
