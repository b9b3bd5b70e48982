"""A benchmark's report says under which circumstances it was made."""

from __future__ import annotations

import json

import pytest

from optim import bench
from optim.bench import filled, live
from optim.errors import RequestError
from optim.records import State
from optim.store import Store


def test_json_is_one_object_with_machine_threads_versions_commit_and_date(capsys):
    bench.report("nothing", {"ratio": bench.median_spread([1.0, 2.0, 4.0])}, True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["bench"] == "nothing"
    assert printed["ratio"] == {"value": 2.0, "low": 1.5, "high": 3.0, "n": 3}
    assert printed["machine"]["processor"]
    assert {"threads", "commit", "date"} <= printed.keys()
    assert {"python", "torch", "onnxruntime"} <= printed["versions"].keys()


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
