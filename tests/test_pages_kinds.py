"""Every page over a text project and a recommendation project: it opens, it works, and it speaks of their items."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from streamlit.proto.Metric_pb2 import Metric as MetricProto
from streamlit.testing.v1 import AppTest

from optim import baselines, catalog, conditions, jobs, profiles, searches
from optim.records import State
from optim.searches import Answer, Goal, Search, Trial
from optim.store import Store
from tests import other_kinds, profile_factory

APP = Path(__file__).parents[1] / "app.py"
OF_IMAGES = re.compile(r"(?<!prune-)\b(images?|pictures?|pixels?|channels?|NCHW)\b", re.IGNORECASE)


@pytest.fixture(autouse=True)
def no_driver(monkeypatch):
    monkeypatch.setattr(jobs, "ensure_driver", lambda home: None)


@pytest.fixture(params=list(other_kinds.PROJECTS))
def project(request, home):
    return other_kinds.fill(home, request.param)[0]


def opened(page, **query):
    at = AppTest.from_file(APP, default_timeout=60).run()
    at.query_params.update(query)
    at.switch_page(f"pages/{page}.py").run()
    return settled(at)


def settled(at):
    assert not at.exception, at.exception
    assert not at.error, at.error
    return at


def texts(at):
    """All that is said, but for what is typed or stands in help."""
    kinds = (at.title, at.subheader, at.markdown, at.info, at.warning, at.success, at.button, at.toggle)
    said = [str(getattr(one, "label", "") or one.value) for kind in kinds for one in kind]
    heads = [str(column) for kind in (at.table, at.dataframe) for one in kind for column in one.value.columns]
    figures = [one.proto.spec for one in at.get("plotly_chart")]
    return " ".join([*said, *heads, *figures])


def speaks_of(at, row):
    """Of this data's items and metric, and of no images."""
    told = texts(at).replace("The Motion Picture", "")  # a film
    found = OF_IMAGES.search(told)
    assert not found, told[max(found.start() - 200, 0) : found.end() + 200]
    assert "validation score" not in told and "None" not in told and "nan" not in told
    return told


def test_compare_tells_who_pays_and_shows_items_that_can_be_shown(project, home):
    row = catalog.dataset(project.dataset)
    told = speaks_of(opened("compare", runs="2,3,4"), row)
    for head in ("Side by side", "How wide they are", "Promise against delivery", "Who pays", "Which came from which"):
        assert head in told
    assert f"Paired on the same validation {row.items[1]}" in told
    assert ("users who chose" in told) == row.ranks == ("Where they disagree" not in told)
    if not row.ranks:
        assert "#### name " in told and "validation names" in told


def test_export_says_the_terms_that_bind_a_file(project):
    row = catalog.dataset(project.dataset)
    told = speaks_of(opened("export", run="2"), row)
    assert ("The data's terms bind the file too" in told and "no commercial use" in told) == bool(row.terms)


def test_compare_tells_every_metric_and_the_calibration_of_classes(project):
    at = opened("compare", runs="2,4")
    rows = {value for frame in at.dataframe if "measured" in frame.value for value in frame.value["measured"]}
    row = catalog.dataset(project.dataset)
    names = [catalog.METRICS[name].label for name in (row.metric, *row.further)]
    assert {f"Validation {name}" for name in names} <= rows
    assert ("Calibration error (ECE)" in rows) != row.ranks


@pytest.mark.parametrize("page", ["pareto", "runs", "export", "system"])
def test_the_other_pages_open(project, page):
    row = catalog.dataset(project.dataset)
    query = {"run": "4"} if page in {"runs", "export"} else {}
    told = speaks_of(opened(page, **query), row)
    expected = {"pareto": f"validation {row.items[1]}", "runs": f"{row.count(row.sizes['validation'])}",
                "export": f"MACs for one {row.request}", "system": "Baselines"}[page]  # fmt: skip
    assert page == "export" or expected in told
    assert ("of the reference's NDCG at 10" in told) == (row.ranks and page == "pareto")
    if page in {"runs", "pareto"}:
        assert row.goodness.label in told


def test_a_run_at_work_shows_its_curve(project, home):
    store = Store(home)
    recipe = store.run(2).recipe
    store.submit(recipe.with_(seed=7), project)
    at = opened("runs")
    assert [run.state for run in store.runs(limit=1)] == [State.QUEUED]
    speaks_of(at, catalog.dataset(project.dataset))


def test_design_previews_and_runs(project, home):
    row, (model, _) = catalog.dataset(project.dataset), project.reference.split(":")
    at = opened("design", dataset=project.dataset, model=model)
    told = speaks_of(at, row)
    assert f"What the teacher says of one {row.items[0]}" in told and "Width of each layer group" in told
    next(button for button in at.button if "Run" in button.label).click()
    settled(at.run())
    assert Store(home).runs(limit=1)[0].recipe.dataset == project.dataset


def test_design_shows_a_measured_profile(project, home):
    row, (model, _) = catalog.dataset(project.dataset), project.reference.split(":")
    body = baselines.anatomy(project.dataset, model, 1.0, home)
    here = conditions.here(device="cpu", threads=1, batch=1)
    digest = baselines.digest(project.dataset, model, 1.0, home)
    profiles.save(home, profile_factory.a_profile(body, fingerprint=here, baseline_sha256=digest))
    at = opened("design", dataset=project.dataset, model=model)
    at.toggle("profile.shown").set_value(True).run()
    told = speaks_of(settled(at), row)
    assert "estimate" in told and "of validation" in told


def test_auto_tells_of_a_search(project, home):
    store, row = Store(home), catalog.dataset(project.dataset)
    base = store.run(1).recipe
    trials = tuple(Trial(run_id=run, shape={"importance": "l2"}) for run in (2, 3, 4))
    answer = Answer(sentence=f"Run 3 keeps the goal on 10 validation {row.items[1]}.", run_id=3)
    search = Search(id=0, base=base, project=project, goal=Goal(max_loss=1.0), budget_s=600, created_at=time.time())
    made = searches.create(home, search)
    ended = {"spent_s": 598.0, "state": "done", "phase": "done", "ended_at": time.time()}
    searches.save(home, made.with_(trials=trials, answer=answer, **ended))
    model, _, _ = project.reference.partition(":")
    asked = {"dataset": project.dataset, "model": model, "search": str(made.id)}
    told = speaks_of(opened("design", mode="auto", **asked), row)
    assert answer.sentence in told and row.goodness.label in told
    assert ("1 point is 22 % of the reference's NDCG at 10, 4.6 %" in told) == row.ranks


def test_widths_by_hand_name_this_model_s_groups_and_no_change_is_neither_good_nor_bad(project):
    model = project.reference.partition(":")[0]
    at = opened("design", dataset=project.dataset, model=model)
    assert {one.proto.direction for one in at.metric[:3]} == {MetricProto.DOWN}
    at.button_group("prune-channels.allocation").set_value("manual").run()
    first = {"names": "embedding:32", "movielens-small": "factors:32"}[project.dataset]
    assert first in settled(at).text_input("prune-channels.widths").proto.placeholder
    assert [one.delta for one in at.metric[:2]] == ["0 %"] * 2
    assert {(one.proto.color, one.proto.direction) for one in at.metric[:2]} == {(MetricProto.GRAY, MetricProto.NONE)}
