"""The Auto tab of Design in its states, what its buttons ask for, and the ways to and from a search."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from optim import figures_search, jobs, search_jobs, search_views, searches
from optim.errors import RequestError
from optim.store import Store
from pages.parts import state
from tests import factories, search_factory
from tests.search_factory import an_older_one

APP = Path(__file__).parents[1] / "app.py"


@pytest.fixture(autouse=True)
def no_driver(monkeypatch):
    monkeypatch.setattr(jobs, "ensure_driver", lambda home: None)


def opened(page="design", **query):
    at = AppTest.from_file(APP, default_timeout=60).run()
    at.query_params.update({"mode": "auto", **query} if page == "design" else query)
    at.switch_page(f"pages/{page}.py").run()
    assert not at.exception, at.exception
    return at


def texts(at):
    kinds = (at.title, at.subheader, at.markdown, at.error, at.info, at.warning, at.success)
    return " ".join(str(element.value) for kind in kinds for element in kind)


def labels(at):
    return [button.label for button in at.button]


def links(at):
    """Labels of the links, and what each asks for."""
    found = [element.proto for element in at.get("page_link")]
    return {one.label: parse_qs(one.query_string) for one in found}


def press(at, label):
    next(button for button in at.button if button.label == label).click()
    at.run()
    assert not at.exception, at.exception
    return at


STATES = (search_factory.begun, search_factory.at_work, search_factory.ended, search_factory.in_vain)


def test_a_search_under_way_says_what_it_cannot_try(home):
    search_factory.at_work(home)
    an_older_one(home)
    at = opened()
    assert any("No early stride is tried from resnet8:1" in str(one.value) for one in (*at.markdown, *at.caption))


@pytest.mark.parametrize("fill", [Store, *STATES])
def test_the_tab_speaks_in_every_state(home, fill):
    fill(home)
    at = opened()
    assert len(at.title) == 1 and not at.error
    assert "None" not in texts(at).replace("None qualifies", "")
    assert "Search" in labels(at)


def test_without_a_search_it_says_what_will_stand_here(home):
    Store(home)
    assert "No search yet" in texts(opened())


def test_a_search_that_has_just_begun_measures_the_profile(home):
    search_factory.begun(home)
    told = texts(opened())
    assert "Now: measuring the profile" in told
    assert "Each measured run of it becomes a point here" in told


def test_while_it_runs_it_says_what_is_tried_and_how_to_stop_it(home):
    search = search_factory.at_work(home)
    at = opened()
    told = texts(at)
    assert f"Now: run {search.trials[-1].run_id}, 14 % of the time" in told
    assert "is 6.5x faster and loses 0.2 points, so far" in told
    assert "The worker is not running" in told
    assert {"Pause", "10 minutes more"} <= set(labels(at))
    press(at, "Pause")
    assert searches.take_wish(home, search.id).state == "paused"


def test_a_paused_search_is_resumed_or_extended(home):
    search = search_factory.at_work(home)
    searches.save(home, search.with_(state="paused"))
    at = opened()
    assert {"Resume", "10 minutes more"} <= set(labels(at)) and "Pause" not in labels(at)
    press(at, "10 minutes more")
    assert next(button for button in at.button if button.label == "Resume").disabled
    assert "The worker is told" in texts(at)
    assert searches.take_wish(home, search.id).more_s == 600


def test_at_its_end_stand_the_sentence_the_controls_and_the_way_to_the_plot(home):
    search = search_factory.ended(home)
    at = opened()
    told = texts(at)
    assert search.answer.sentence in told
    assert "Test: not opened for this run." in told
    assert "same network from scratch" in told.lower() and ": not run, it takes about 140 s" in told
    assert "Not drawn, because the time is not valid: 1 run" in told
    assert not at.warning
    rows = at.dataframe[0].value
    assert next(iter(rows["run"])) == search.answer.run_id
    assert (rows["verdict"] == "control").sum() == 3
    press(at, "Show it in the plot")
    assert at.title[0].value and at.query_params["run"] in ([str(search.answer.run_id)], str(search.answer.run_id))


def test_controls_have_short_labels_in_the_plot_and_their_names_under_it(home):
    search = search_factory.ended(home)
    ran = [control for control in search.controls if control.run_id]
    told = texts(opened())
    info = figures_search.search_info(search_views.sight(Store(home), search))
    labels = [text for trace in figures_search.search_plot(info, "light").data for text in trace.text or ()]
    for control in ran:
        assert f"run {control.run_id} {control.name}" in told
        assert f"run {control.run_id}" in [label.strip() for label in labels]
    assert all(len(label.strip()) < 16 for label in labels)


def test_the_answer_says_why_pareto_may_name_another_run(home):
    search_factory.ended(home)
    assert "Pareto goes by the measured loss, and may name a faster run." in texts(opened())


def test_a_control_that_is_as_good_is_said(home):
    search_factory.ended(home, beaten=("without a teacher",))
    (warning,) = opened().warning
    assert warning.value == "As fast and not measurably worse: **without a teacher**. Here the teacher bought nothing."


def test_a_row_of_the_table_goes_to_the_run(home):
    search = search_factory.ended(home)
    at = opened()
    at.session_state[f"auto.table{search.id}"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()
    assert not at.exception
    assert f"Run {search.answer.run_id}: done" in texts(at)


def test_the_address_chooses_the_search_that_is_shown_whole(home):
    search_factory.ended(home)
    search_factory.in_vain(home)
    at = opened()
    assert "Nothing qualifies" in texts(at) and "loses 0.2 points" in texts(at)
    assert len(at.dataframe) == 1
    press(at, "Show search 1")
    assert at.subheader[0].value.startswith("Run 9 is 6.5x faster")
    assert "Show search 2" in labels(at)
    assert "There is no search 77" in texts(opened(search="77"))


def test_a_deleted_answer_does_not_break_the_tab(home):
    search = search_factory.ended(home)
    Store(home).delete(search.answer.run_id)
    at = opened()
    assert "which it found, is deleted" in texts(at)
    assert "Show it in the plot" not in labels(at)


def test_runs_and_compare_name_the_search_and_lead_to_it(home):
    search = search_factory.ended(home)
    best, control = search.answer.run_id, search.controls[0].run_id
    told = links(opened("runs", run=str(control)))
    assert told["Made by search 1, as its control: without a teacher"] == {"mode": ["auto"], "search": ["1"]}
    told = links(opened("compare", runs=f"{best},{control}"))
    assert {"Made by search 1", "Made by search 1, as its control: without a teacher"} <= set(told)
    assert not any("Made by" in label for label in links(opened("runs", run="1")))


def test_the_plot_marks_the_controls_and_names_those_that_were_not_run(home):
    search = search_factory.ended(home)
    told = texts(opened("pareto"))
    assert "2 controls of search 1 not run: same network from scratch; dense, trained as long." in told
    searches.save(home, search.with_(answer=None, state="running"))
    assert "controls of search" not in texts(opened("pareto"))


@pytest.mark.parametrize(
    ("fill", "told"),
    [
        (Store, "Nothing is running."),
        (search_factory.begun, "The worker is not running, search 1 waits."),
        (search_factory.at_work, "Run 10 is running."),
        (search_factory.ended, "Nothing is running."),
    ],
)
def test_the_sidebar_tells_what_goes_on(home, fill, told):
    fill(home)
    assert told in [
        element.value.removeprefix(":small[:gray[").removesuffix("]]") for element in opened().sidebar.markdown
    ]


def test_between_two_runs_of_a_search_the_sidebar_names_the_search(home, monkeypatch):
    search_factory.begun(home)
    monkeypatch.setattr(state, "worker", lambda: state.READY)
    assert ":small[:gray[Search 1 is running.]]" in [element.value for element in opened().sidebar.markdown]


def test_a_high_confidence_is_not_rounded_to_certainty(home):
    search = search_factory.ended(home)
    searches.save(home, search.with_(goal=search.goal.with_(confidence=0.999)))
    assert "with 99.9 % confidence" in texts(opened()) and "100 % confidence" not in texts(opened())


def test_a_width_that_cannot_be_is_said_before_the_search_is_asked_for(home):
    Store(home)
    at = opened(width="0.01")
    assert any("0.01" in str(error.value) for error in at.error)
    assert next(button for button in at.button if button.label == "Search").disabled
    at = opened(width="0.375")
    assert any("the search trains one first" in str(info.value) for info in at.info)


def test_the_same_search_cannot_be_begun_twice(home):
    search = search_factory.at_work(home)
    asked = {"dataset": "fashion-mnist", "model": "resnet8", "width": 2.0, "max_loss": search.goal.max_loss,
             "confidence": search.goal.confidence, "budget_s": 60.0}  # fmt: skip
    with pytest.raises(RequestError, match=rf"search {search.id}, exploring.*--resume {search.id}"):
        search_jobs.search_for(home, **asked)
    assert search_jobs.search_for(home, **{**asked, "max_loss": 2.0}).id != search.id
    searches.save(home, search.with_(state="done"))
    assert search_jobs.search_for(home, **asked).goal == search.goal


def test_a_ring_is_called_found_only_where_something_qualifies(home):
    for fill, ring in ((search_factory.in_vain, "nearest"), (search_factory.ended, "found")):
        seen = search_views.sight(Store(home), fill(home))
        info = figures_search.search_info(seen)
        assert info.ring == ring
        assert (ring in [trace.name for trace in figures_search.search_plot(info, "light").data]) == bool(info.chosen)


def test_a_paused_search_can_be_ended(home):
    search = search_factory.at_work(home)
    searches.save(home, search.with_(state="paused"))
    assert {"Resume", "End now"} <= set(labels(opened()))


def test_who_ends_it_sees_how_long_the_controls_may_take_and_can_skip_them(home):
    search = search_factory.at_work(home)
    hurried = {"phase": "control", "hurried": True, "budget_s": 600.0, "spent_s": 260.0, "explored_s": 200.0}
    searches.save(home, search.with_(**hurried))
    at = opened()
    assert "Skip the controls" in labels(at) and "End now" not in labels(at)
    (bar,) = at.get("progress")
    assert bar.proto.text == "Running its controls, at most 2 min left"
    assert bar.proto.value == round(100 * 260 / (260 + 120))


def test_only_its_own_disturbed_runs_are_offered_to_be_timed_again(home):
    search = search_factory.in_vain(home)
    store = Store(home)
    other = search_factory.put(store, search.project, factories.a_recipe("quantize-int8"), 0.9124, 1.8, valid=False)
    seen = search_views.sight(store, search.with_(goal=search.goal.with_(max_loss=40.0)))
    named = {one.run.id for one in search_views.to_time_again(seen)}
    assert other.id not in named and named, "run 6 of the search was disturbed"
