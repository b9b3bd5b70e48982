"""Every page in four states: empty, busy, done, failed. What matters is said, and actions do what they say."""

import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from optim import examples, jobs, recipes
from optim.records import State
from optim.store import Store
from tests import factories

APP = Path(__file__).parents[1] / "app.py"
PAGES = ("design", "runs", "pareto", "export")
STATES = {
    "empty": Store,
    "busy": factories.busy,
    "done": lambda home: factories.stored(home, factories.some_runs()),
    "failed": factories.broken,
}


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    """One data folder per state, made once."""
    made = {}
    for name, fill in STATES.items():
        made[name] = tmp_path_factory.mktemp(name) / "home"
        fill(made[name])
        factories.a_baseline(made[name])
    return made


@pytest.fixture(autouse=True)
def no_driver(monkeypatch):
    """Pages ask for a driver; none is started here."""
    asked = []
    monkeypatch.setattr(jobs, "ensure_driver", asked.append)
    return asked


@pytest.fixture
def open_page(homes, home, monkeypatch):
    """Start in a state (on a copy of its data folder), then go to a page."""

    def opened(state, page="", **query):
        shutil.copytree(homes[state], home)
        at = AppTest.from_file(APP, default_timeout=60).run()
        if page:
            at.query_params.update(query)
            at.switch_page(f"pages/{page}.py").run()
        assert not at.exception, at.exception
        return at

    return opened


def title(at):
    return at.title[0].value


def texts(at):
    return " ".join(
        str(element.value)
        for kind in (at.markdown, at.caption, at.error, at.info, at.warning, at.success)
        for element in kind
    )


def press(at, label):
    next(button for button in at.button if button.label == label).click()
    at.run()
    assert not at.exception, at.exception
    return at


@pytest.mark.parametrize("page", ["", *PAGES])
@pytest.mark.parametrize("state", STATES)
def test_every_page_speaks_in_every_state(open_page, state, page):
    at = open_page(state, page)
    assert len(at.title) == 1
    assert not at.error or state == "failed"
    assert "None" not in texts(at)
    assert "nan" not in texts(at).split()


def test_start_says_the_best_so_far(open_page):
    assert title(open_page("done")) == "2.3x faster, nothing measurable lost"


def test_start_offers_the_quickest_way_first(open_page):
    at = open_page("empty")
    assert title(at).endswith("accurate enough?")
    assert "Try it now" in [button.label for button in at.button]


def test_try_it_now_queues_the_first_front_once(open_page, home):
    at = open_page("empty")
    press(at, "Try it now")
    first = Store(home).runs()
    assert len(first) == 8
    assert all(run.state is State.QUEUED for run in first)
    at.switch_page("app.py").run()
    press(at, "Try it now")
    assert len(Store(home).runs()) == 8


def test_empty_pages_say_what_to_do_next(open_page):
    at = open_page("empty", "pareto")
    assert title(at) == "No run is measured yet"
    assert any(button.label for button in at.button)


def test_design_answers_the_slider(open_page):
    at = open_page("empty", "design", dataset="fashion-mnist")
    before = [metric.value for metric in at.metric]
    at.slider("prune-channels.sparsity").set_value(0.75).run()
    assert not at.exception
    assert before != [metric.value for metric in at.metric]
    assert "less arithmetic" in title(at)


def test_design_refuses_in_words(open_page):
    at = open_page("empty", "design")
    at.slider("prune-channels.sparsity").set_value(0.99).run()
    assert title(at) == "This recipe cannot be run as it stands"
    assert "without channels" in at.error[0].value
    assert next(button for button in at.button if button.label == "Run").disabled


def test_design_from_scratch_needs_training(open_page):
    at = open_page("empty", "design")
    at.toggle("use.distill").set_value(False).run()
    at.button_group("start").set_value("scratch").run()
    assert "must be trained" in at.error[0].value


def test_run_queues_the_recipe_that_is_shown(open_page, home):
    at = open_page("empty", "design")
    at.slider("prune-channels.sparsity").set_value(0.25).run()
    press(at, "Run")
    own = [run for run in Store(home).runs() if not run.is_reference]
    assert [recipes.sparsity(run.recipe) for run in own] == [0.25]


def test_the_sweep_says_how_many_and_queues_them(open_page, home):
    at = open_page("empty", "design")
    press(at, "Run 6 runs")
    assert len([run for run in Store(home).runs() if not run.is_reference]) == 6


def test_the_command_is_the_one_that_makes_the_same_run(open_page):
    at = open_page("empty", "design")
    shown = " ".join(code.value for code in at.code)
    assert "python -m optim run --dataset fashion-mnist --model resnet8" in shown
    assert "--step prune-channels" in shown


def test_runs_show_where_the_work_is(open_page):
    at = open_page("busy", "runs")
    assert title(at) == "Run 10 is running, 2 more runs to come"
    assert "**:blue[Distil]**" in texts(at)


def test_stopping_asks_the_store(open_page, home):
    press(open_page("busy", "runs"), "Stop")
    assert Store(home).run(10).cancel_requested


def test_cancelling_a_waiting_run(open_page, home):
    press(open_page("busy", "runs"), "Cancel")
    assert Store(home).run(11).state is State.CANCELLED


def test_a_failure_shows_reason_remedy_and_cure(open_page, home):
    at = open_page("failed", "runs")
    assert title(at) == "Run 10 failed"
    assert "The loss is not a number" in at.error[0].value
    assert "Lower the learning rate" in texts(at)
    press(at, "Retry")
    assert Store(home).run(10).state is State.QUEUED


def test_a_run_can_be_deleted(open_page, home):
    press(open_page("failed", "runs"), "Delete it")
    assert 10 not in {run.id for run in Store(home).runs()}


def test_the_pareto_page_names_the_finding_and_the_answer(open_page):
    at = open_page("done", "pareto")
    assert title(at) == "2.3x faster, nothing measurable lost"
    assert "Fastest within 1 point" in [head.value for head in at.subheader]
    at.number_input("accept").set_value(5.0).run()
    assert title(at) == "4.5x faster, 3.9 points lost"


def test_the_address_chooses_a_run(open_page):
    at = open_page("done", "pareto", run="7")
    assert "Run 7" in [head.value for head in at.subheader]


def test_every_cost_and_precision_draws(open_page):
    at = open_page("done", "pareto")
    for cost in ("Size", "MACs", "Parameters"):
        at.button_group("cost").set_value(cost).run()
        assert not at.exception
    at.button_group("precision").set_value([]).run()
    assert not at.exception


def test_new_runs_wait_for_the_reader(open_page, home):
    at = open_page("done", "pareto")
    store, project = Store(home), Store(home).projects()[0]
    late = factories.done(99, "prune-channels:sparsity=0.6", accuracy=0.92, p50_ms=0.05, kb=50)
    store.submit(late.recipe, project)
    claimed = store.claim()
    store.finish(claimed.id, late.result)
    at.run()
    assert title(at) == "2.3x faster, nothing measurable lost"
    press(at, "1 new run, update")
    assert title(at).startswith("6.3x faster")


def test_export_shows_the_checks_and_offers_the_file(open_page):
    at = open_page("done", "export", run="4")
    assert title(at) == "This file has passed all 3 checks"
    assert "2.1e-06" in texts(at)
    assert "onnxruntime" in at.code[0].value


def test_a_file_that_is_gone_is_not_offered(open_page, home):
    at = open_page("done")
    (Store(home).folder(4) / "model.onnx").unlink()
    at.query_params["run"] = "4"
    at.switch_page("pages/export.py").run()
    assert "The file is gone" in at.error[0].value


def test_a_store_of_a_newer_version_is_explained(home):
    home.mkdir(parents=True)
    (home / "store.sqlite").write_bytes(b"this is no database")
    at = AppTest.from_file(APP, default_timeout=60).run()
    assert not at.exception
    assert at.error


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Example runs as they come with a checkout."""
    runs = [run.with_(origin="example") for run in factories.some_runs()]
    (tmp_path / "runs.json").write_text(json.dumps([run.model_dump(mode="json") for run in runs]))
    monkeypatch.setattr(examples, "LIST", tmp_path / "runs.json")


def test_the_first_visit_shows_the_shipped_plot_and_says_where_it_comes_from(shipped, open_page):
    at = open_page("empty", "pareto")
    assert title(at) == "2.3x faster, nothing measurable lost"
    assert "Measured on Example CPU, not on your machine" in texts(at)


def test_own_runs_and_shipped_ones_are_never_mixed(shipped, open_page):
    at = open_page("done", "pareto")
    assert "not on your machine" not in texts(at)
    at.button_group("source").set_value("Shipped examples").run()
    assert "not on your machine" in texts(at)
    assert "9 runs measured" in texts(at)


def test_the_shipped_files_can_be_measured_here(shipped, open_page, home):
    press(open_page("empty", "pareto"), "Measure these here")
    runs = Store(home).runs()
    assert len([run for run in runs if run.origin == "example"]) == 9
    assert len([run for run in runs if run.origin == "own"]) == 1


def test_start_opens_the_example_plot(shipped, open_page):
    at = press(open_page("done"), "Open the plot")
    assert "not on your machine" in texts(at)
