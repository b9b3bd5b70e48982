"""Links: short stable names in the address, labels on screen, and whatever else stands there does no harm."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from optim import jobs, presets
from optim.store import Store
from tests import factories

APP = Path(__file__).parents[1] / "app.py"


@pytest.fixture(autouse=True)
def no_driver(monkeypatch):
    monkeypatch.setattr(jobs, "ensure_driver", lambda home: None)


@pytest.fixture
def open_page(home):
    """A page of the app by its address."""
    factories.stored(home, factories.some_runs())
    factories.a_baseline(home)

    def opened(page, **query):
        at = AppTest.from_file(APP, default_timeout=60).run()
        at.query_params.update(query)
        at.switch_page(f"pages/{page}.py").run()
        assert not at.exception, at.exception
        return at

    return opened


def said(at):
    return {name: value[-1] if isinstance(value, list) else value for name, value in at.query_params.items()}


def test_a_link_names_data_set_and_model_as_the_catalogue_does(open_page):
    at = open_page("design", dataset="digits", model="cnn")
    assert (at.selectbox("dataset").value, at.selectbox("model").value) == ("digits", "cnn")
    assert "--dataset digits --model cnn" in " ".join(code.value for code in at.code)
    assert said(at) == {"dataset": "digits", "model": "cnn"}


def test_a_link_with_labels_still_works_and_is_put_right(open_page):
    at = open_page("design")
    label = at.selectbox("dataset").options[0]
    at = open_page("design", dataset=label)
    assert at.selectbox("dataset").value == "digits"
    assert said(at)["dataset"] == "digits"


def test_a_choice_reaches_the_address_and_the_default_leaves_it(open_page):
    at = open_page("design")
    assert "dataset" not in said(at)
    at.selectbox("dataset").set_value("digits").run()
    assert said(at)["dataset"] == "digits"
    at.selectbox("dataset").set_value("fashion-mnist").run()
    assert "dataset" not in said(at)


@pytest.mark.parametrize("value", ["", "no such thing", "x" * 5000, "ünï", "%00"])
def test_a_name_that_nobody_knows_falls_back(open_page, value):
    at = open_page("design", dataset=value, model=value, start=value, width=value)
    assert at.selectbox("dataset").value == "fashion-mnist"
    at = open_page("pareto", cost=value, scale=value, source=value, accept=value, precision=value, project=value)
    assert at.title[0].value == "2.3x faster, nothing measurable lost on validation"
    assert not set(said(at)) & {"cost", "scale"}


def test_what_an_address_asks_for_in_vain_is_said_until_something_is_chosen(open_page):
    at = open_page("design", dataset="nope", width="abc")
    told = [warning.value for warning in at.warning]
    assert "Data set: the address asks for `nope`, which is not there. Fashion-MNIST is shown." in told
    assert "Width: the address asks for `abc`, which is not there. 1 is shown." in told
    at.selectbox("dataset").set_value("digits").run()
    assert not [one for one in at.warning if "nope" in one.value]
    at = open_page("design", dataset="digits", model="lstm")
    assert any("asks for `lstm`" in warning.value for warning in at.warning)
    assert not [w for w in open_page("design", dataset="digits", model="cnn").warning if "address" in w.value]


def test_the_plots_cost_and_scale_are_words(open_page):
    at = open_page("pareto", cost="size", scale="linear")
    assert (at.button_group("cost").value, at.button_group("scale").value) == ("size", "linear")
    assert "smaller" in at.title[0].value
    at.button_group("cost").set_value("macs").run()
    assert said(at)["cost"] == "macs"


def test_what_was_chosen_is_still_chosen_when_the_page_is_visited_again(open_page):
    at = open_page("pareto", cost="size")
    at.switch_page("pages/runs.py").run()
    at.query_params.clear()
    at.switch_page("pages/pareto.py").run()
    assert at.button_group("cost").value == "size"


def test_projects_are_told_apart_by_a_word(open_page, home):
    other = factories.a_project("digits", "cnn:1")
    factories.stored(home, [factories.done(1, accuracy=0.99, p50_ms=0.02, kb=10, project=other)], other)
    assert len(Store(home).projects()) == 2
    at = open_page("pareto", project="digits-cnn-1")
    assert at.title[0].value == "Only the reference is measured yet"
    at = open_page("pareto", project="fashion-mnist-resnet8-2")
    assert at.title[0].value == "2.3x faster, nothing measurable lost on validation"


def test_the_plot_opens_where_there_is_something_to_draw(open_page, home):
    """Not at the newest project, of which only the reference is measured."""
    other = factories.a_project("digits", "cnn:1")
    factories.stored(home, [factories.done(1, accuracy=0.99, p50_ms=0.02, kb=10, project=other)], other)
    assert open_page("pareto").title[0].value == "2.3x faster, nothing measurable lost on validation"


DIGITS = factories.a_project("digits", "resnet8:2")


def a_digits_run(home, *, valid=True):
    run = factories.done(1, accuracy=0.99, p50_ms=0.02, kb=10, project=DIGITS)
    time = run.result.latency.with_(valid=valid, reasons=() if valid else ("busy",))
    factories.stored(home, [run.with_(result=run.result.with_(latency=time))], DIGITS)


def test_a_new_project_does_not_move_the_plot_that_is_looked_at(open_page, home):
    at = open_page("pareto")
    shown = at.title[0].value
    a_digits_run(home)
    at.run()
    assert at.title[0].value == shown and "project" not in said(at)
    at.selectbox("project").set_value("digits-resnet8-2").run()
    Store(home).delete(Store(home).runs()[0].id)
    at.run()
    assert at.title[0].value == shown, "what was chosen is gone"


def test_the_newest_project_with_a_valid_time_stands_first(open_page, home):
    a_digits_run(home, valid=False)
    at = open_page("pareto")
    assert at.selectbox("project").value == "fashion-mnist-resnet8-2"
    at.switch_page("app.py").run()
    assert at.title[0].value == "2.3x faster, nothing measurable lost on validation"


def test_a_run_in_the_address_brings_its_project_along(open_page, home):
    a_digits_run(home)
    number = Store(home).runs()[0].id
    at = open_page("pareto", run="5")
    assert at.selectbox("project").value == "fashion-mnist-resnet8-2" and not at.warning
    assert open_page("pareto", run=str(number)).selectbox("project").value == "digits-resnet8-2"


def test_try_it_now_compares_with_its_own_reference(home):
    Store(home).project("digits", default_reference="cnn:3.3125")
    made = presets.submit_first_front(home)
    assert {run.project.reference for run, _ in made} == {"resnet8:2"}
