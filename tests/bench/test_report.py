"""A benchmark's report says under which circumstances it was made."""

from __future__ import annotations

import json

import pytest

from optim import baselines, bench, conditions, profile_jobs, profiles
from optim.bench import filled, live, ui
from optim.errors import RequestError
from optim.records import State
from optim.store import Store
from tests import profile_factory


def test_json_is_one_object_with_machine_threads_versions_commit_and_date(capsys):
    bench.report("nothing", {"ratio": bench.median_spread([1.0, 2.0, 4.0])}, True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["bench"] == "nothing"
    assert printed["ratio"] == {"value": 2.0, "low": 1.5, "high": 3.0, "n": 3}
    assert printed["machine"]["processor"]
    assert {"threads", "commit", "date"} <= printed.keys()
    assert {"python", "torch", "onnxruntime"} <= printed["versions"].keys()


def test_no_number_of_its_own_is_overwritten():
    with pytest.raises(AssertionError, match="overwritten"):
        bench.report("nothing", {"threads": 7}, True)


def test_words_carry_the_same_facts(capsys):
    bench.report("nothing", {"ratio": {"value": 2.5}}, False)
    printed = capsys.readouterr().out
    assert "value              2.5" in printed
    assert "processor" in printed


def test_a_filled_folder_holds_done_runs_of_one_project(home):
    project = filled.fill(home, 5)
    runs = Store(home).runs(project.id)
    assert [run.state for run in runs] == [State.DONE] * 5
    assert runs[-1].is_reference
    assert len({run.recipe.id for run in runs}) == 5
    assert Store(home).events(runs[0].id)


def test_no_browser_is_said_with_its_remedy(monkeypatch):
    monkeypatch.setattr(live, "browser", lambda: None)
    pytest.importorskip("playwright")
    with pytest.raises(RequestError, match="PARETOSCOPE_BROWSER"), live.chromium():
        pass


def test_the_pages_are_given_the_profile_of_the_users_folder(tmp_path):
    """It fits the runs that the bench stores, and makes the slider's estimate."""
    digest = baselines.digest(filled.DATASET, filled.MODEL, filled.WIDTH, tmp_path)
    own = profile_factory.a_profile(
        fingerprint=conditions.here(device="cpu", threads=1, batch=1), baseline_sha256=digest
    )
    profiles.save(tmp_path / "own", own)
    ui.give_profile(tmp_path / "bench", tmp_path / "own")
    asked = profile_jobs.request(tmp_path / "bench", filled.DATASET, filled.MODEL, filled.WIDTH)
    assert profile_jobs.complete(asked) == own
