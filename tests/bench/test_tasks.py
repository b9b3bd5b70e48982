"""What the searches over texts and recommendations report of their answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optim import catalog, searches, views
from optim.bench import tasks
from optim.errors import ParetoscopeError
from optim.store import Store
from tests import search_factory


def test_models_are_named_with_data_and_width():
    assert tasks.parsed(" names/lstm:2") == ("names", "lstm", 2.0)
    assert tasks.parsed("names/lstm") == ("names", "lstm", 1.0)
    assert len({tasks.parsed(text) for text in tasks.MODELS.split(",")}) == 11
    models = {tasks.parsed(text)[1] for text in tasks.MODELS.split(",")}
    assert models == {row.name for kind in ("text", "recommendation") for row in catalog.models_for(kind)}
    for wrong in ("names/lstm:wide", "names/resnet8", "nams/lstm", "names"):
        with pytest.raises(ParetoscopeError):
            tasks.parsed(wrong)


def test_an_answer_is_reported_with_its_command_and_its_numbers_beside_the_reference(home):
    made = search_factory.ended(home)
    store = Store(home)
    found = tasks.answer(home, made, views.search_object(store, made))
    run, reference = store.run(made.answer.run_id), store.reference_run(made.project)
    assert found is not None
    assert found["command"].startswith("python -m optim run --dataset fashion-mnist --model resnet8")
    assert found["qualifies"] and found["ratio"]["value"] == run.latency.ratio.value
    assert found["size_ratio"] == reference.result.file.size_bytes / run.result.file.size_bytes
    small = tasks.smallest(home, made)
    assert small is not None and small["size_ratio"] >= found["size_ratio"] and small["validation_loss"]["value"] < 0.01
    nothing = searches.create(home, made.with_(answer=None))
    assert tasks.answer(home, nothing, views.search_object(store, nothing)) is None


def test_the_readme_shows_the_stored_answers_as_they_are():
    root = Path(__file__).parents[2]
    stored = json.loads((root / "tests/bench/results/tasks.json").read_text())
    table = tasks.table(stored)
    assert len(table.splitlines()) == 2 + len(stored["answers"]), "every model has an answer that keeps the goal"
    assert table in (root / "README.md").read_text("utf-8")
