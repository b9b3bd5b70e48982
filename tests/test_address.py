"""Links: short stable names in the address, labels on screen, and whatever else stands there does no harm."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from optim import jobs
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
    assert at.title[0].value == "2.3x faster, nothing measurable lost"
    assert not set(said(at)) & {"cost", "scale"}


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
    at = open_page("pareto")
    assert at.title[0].value == "Only the reference is measured yet"
    at = open_page("pareto", project="fashion-mnist-resnet8-2")
    assert at.title[0].value == "2.3x faster, nothing measurable lost"
