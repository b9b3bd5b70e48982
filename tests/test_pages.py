"""Every page in four states: empty, busy, done, failed. What matters is said, and actions do what they say."""

import json
import os
import shutil
import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from optim import conditions, cures, doctor, drafts, examples, jobs, profile_jobs, profiles, recipes, words
from optim.bench import filled
from optim.doctor import Line
from optim.records import Event, State
from optim.results import Failure
from optim.store import Store
from tests import factories, profile_factory

APP = Path(__file__).parents[1] / "app.py"
PAGES = ("design", "runs", "pareto", "export", "system")
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


@pytest.fixture(autouse=True)
def quick_doctor(monkeypatch):
    """The doctor's own tests ask the heavy packages; here two lines stand for his."""
    lines = [Line("Python", True, "3.11"), Line("Disk", False, "full", "Make room.")]
    monkeypatch.setattr(doctor, "check", lambda home: lines)
    monkeypatch.setattr(doctor, "now", lambda home: [])


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
    assert title(open_page("done")) == "2.3x faster, nothing measurable lost on validation"


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


def test_before_the_first_own_run_the_plot_shows_the_shipped_ones_and_says_so(open_page):
    at = open_page("empty", "pareto")
    assert "faster" in title(at)
    assert any(":blue-badge[Example] Measured on" in text.value for text in at.markdown)


def test_empty_pages_say_what_to_do_next(open_page, monkeypatch):
    monkeypatch.setattr("optim.examples.runs", lambda: ())
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


def test_design_names_the_slider_s_true_end_and_what_is_left_near_it(open_page):
    at = open_page("empty", "design", dataset="fashion-mnist", model="resnet8", width="2")
    slider = at.slider("prune-channels.sparsity")
    assert round((slider.max - slider.min) / slider.step, 6).is_integer()
    slider.set_value(0.96).run()
    assert "-100 %" not in [metric.delta for metric in at.metric]
    assert at.metric[0].delta.startswith("-99.")


def test_design_does_not_start_from_a_baseline_that_is_not_there(open_page):
    at = open_page("empty", "design", dataset="digits", model="cnn", width="0.3125")
    assert title(at) == "A model that was not trained here yet"
    assert "the first run trains its baseline" in texts(at) and "starts from the trained" not in texts(at)


def test_design_says_at_once_that_there_are_fewer_cores(open_page):
    at = open_page("empty", "design", threads="64")
    assert f"It has {os.cpu_count()}." in texts(at)


def test_the_early_answer_is_that_of_the_recipe_that_is_drawn(open_page):
    at = open_page("empty", "design", dataset="fashion-mnist")
    at.slider("prune-channels.sparsity").set_value(0.3).run()
    at.number_input("distill.weight_decay").set_value(3e-7).run()
    assert not at.exception
    assert len(at.title) == 1
    assert len(at.metric) == 3
    shown = " ".join(code.value for code in at.code)
    assert "sparsity=0.3" in shown
    assert "weight_decay=3e-07" in shown


def profiled(home, **changes):
    """The profile of the model that Design shows, made on this machine."""
    ask = profile_jobs.request(home, "fashion-mnist", "resnet8", 1.0)
    mark = conditions.here(device="cpu", threads=1, batch=1)
    profiles.save(home, profile_factory.a_profile(factories.an_anatomy(), fingerprint=mark, **changes))
    return ask


def test_design_has_a_model_profiled(open_page, home):
    at = press(open_page("empty", "design", dataset="fashion-mnist", model="resnet8"), "Measure the profile")
    ask = profile_jobs.request(home, "fashion-mnist", "resnet8", 1.0)
    assert profile_jobs.find(ask).state == "queued"
    assert "Stop" in [button.label for button in at.button]
    assert "Latency, about ms" not in [metric.label for metric in at.metric]


def test_design_says_that_a_profile_was_disturbed_and_measures_it_again(open_page, home):
    at = open_page("empty", "design", dataset="fashion-mnist", model="resnet8")
    ask = profiled(home)
    assert "disturbed" not in texts(at.run())
    profiled(home, disturbed=2)
    assert "Other load disturbed 2 sessions of its timing" in texts(at.run())
    press(at, "Measure the profile again")
    assert profile_jobs.find(ask).ask.again


def test_design_estimates_from_the_profile(open_page, home):
    at = open_page("done", "design", dataset="fashion-mnist", model="resnet8")
    profiled(home)
    at.run()
    assert not at.exception, at.exception
    shown = {metric.label: metric.value for metric in at.metric}
    assert float(shown["Latency, about ms"]) > 0
    assert 10 < float(shown["Accuracy, about %"]) < 100
    assert "Estimates: FP32 latency" in texts(at)
    assert "(95 % band)" in texts(at)
    assert "by estimate" in texts(at)
    at.toggle(key="profile.shown").set_value(True).run()
    assert not at.exception, at.exception
    assert "before anything is trained again" in texts(at)


def test_design_shows_the_measured_dot_once_the_recipe_was_run(open_page, home):
    at = open_page("empty", "design", dataset="fashion-mnist", model="resnet8")
    profiled(home)
    store, mark = Store(home), conditions.here(device="cpu", threads=1, batch=1)
    press(at, "Run")
    asked = next(run for run in store.runs() if run.recipe.steps)
    result, told = factories.a_result(0.88, 0.12, 90_000, fingerprint=mark), factories.some_events(asked)
    for _ in store.runs():  # the reference goes first
        filled.put(store, asked.project, asked.recipe, result, told)
    at = AppTest.from_file(APP, default_timeout=60).run()
    at.query_params.update(dataset="fashion-mnist", model="resnet8")
    at.switch_page("pages/design.py").run()
    assert not at.exception, at.exception
    shown = {metric.label: metric.value for metric in at.metric}
    assert shown["Latency, ms"] == "0.12"
    assert "measured 0.12 ms and 88.0 % for this recipe" in texts(at)
    assert "The estimate of latency was" in texts(at)


def test_design_does_not_use_another_machine_s_profile(open_page, home):
    at = open_page("empty", "design", dataset="fashion-mnist", model="resnet8")
    profiles.save(home, profile_factory.a_profile(factories.an_anatomy()))
    at.run()
    assert "Latency, about ms" not in [metric.label for metric in at.metric]


def test_design_refuses_in_words(open_page):
    at = open_page("empty", "design")
    at.slider("prune-channels.sparsity").set_value(0.99).run()
    assert title(at) == "This recipe cannot be run as it stands"
    assert "would leave nothing of" in at.error[0].value
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


def test_design_says_that_a_recipe_was_measured_already(open_page, home):
    at = open_page("done", "design", model="resnet8", width="2")
    known = next(run for run in Store(home).runs() if [s.technique for s in run.recipe.steps] == ["quantize-int8"])
    at.session_state["_loaded"] = drafts.choices(known.recipe)
    at.run()
    assert f"Run {known.id} has made exactly this" in texts(at)


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


def test_the_change_beside_milliseconds_is_that_of_the_ratio(open_page):
    """Not that of two sessions, which may contradict it: of the shipped run 6 they did."""
    at = open_page("empty", "pareto", focus="6")
    run = next(run for run in examples.runs() if run.id == 6)
    (metric,) = [one for one in at.metric if one.label == "Latency, ms"]
    assert run.latency is not None and metric.value == words.three(run.latency.p50_ms)
    assert metric.delta == words.change(1, run.latency.ratio.value)


def test_the_picked_run_stays_picked_while_others_come_and_go(open_page, home):
    at = open_page("done", "runs", run="4")
    Store(home).delete(max(run.id for run in Store(home).runs()))
    at.run()
    assert "Run 4: done" in [head.value for head in at.subheader]


def test_the_pareto_page_names_the_finding_and_the_answer(open_page):
    at = open_page("done", "pareto")
    assert title(at) == "2.3x faster, nothing measurable lost on validation"
    assert "Fastest within 1 point" in [head.value for head in at.subheader]
    at.number_input("accept").set_value(5.0).run()
    assert title(at) == "4.5x faster, 3.9 points lost on validation"


def test_the_address_chooses_a_run(open_page):
    at = open_page("done", "pareto", run="7")
    assert "Run 7" in [head.value for head in at.subheader]


def test_every_cost_and_precision_draws(open_page):
    at = open_page("done", "pareto")
    for cost in ("size", "macs", "params"):
        at.button_group("cost").set_value(cost).run()
        assert not at.exception
    at.button_group("precision").set_value([]).run()
    assert not at.exception


def test_what_was_found_and_drawn_serves_the_next_visitor(open_page, monkeypatch):
    open_page("done", "pareto")
    monkeypatch.setattr("optim.findings.find", pytest.fail)
    monkeypatch.setattr("optim.figures.pareto_plot", pytest.fail)
    at = AppTest.from_file(APP, default_timeout=60).run()
    assert not at.switch_page("pages/pareto.py").run().exception


@pytest.mark.parametrize(("asked", "told"), [(-5.0, "A loss of −5 points"), (100.0, "A loss of 100 points")])
def test_a_loss_that_cannot_be_accepted_is_said(open_page, asked, told):
    at = open_page("done", "pareto")
    at.number_input("accept").set_value(asked).run()
    assert at.warning[0].value == f"{told} cannot be accepted: 0 to 50 can. Plot and title go by 1 point."
    assert title(at) == "2.3x faster, nothing measurable lost on validation"
    assert at.number_input("accept").set_value(0.001).run().warning == []


def test_new_runs_wait_for_the_reader(open_page, home):
    at = open_page("done", "pareto")
    store, project = Store(home), Store(home).projects()[0]
    late = factories.done(99, "prune-channels:sparsity=0.6", accuracy=0.92, p50_ms=0.05, kb=50)
    store.submit(late.recipe, project)
    claimed = store.claim()
    store.finish(claimed.id, late.result)
    at.run()
    assert title(at) == "2.3x faster, nothing measurable lost on validation"
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
    assert "The model file is gone" in at.error[0].value
    assert "Retry run 4" in at.error[0].value
    assert "Run 4 on the Runs page" in [link.proto.label for link in at.get("page_link")]


def test_runs_offer_to_make_a_file_again_that_is_gone(open_page, home):
    at = open_page("done")
    (Store(home).folder(4) / "model.onnx").unlink()
    at.query_params["run"] = "4"
    at.switch_page("pages/runs.py").run()
    press(at, "Retry")
    assert Store(home).run(4).state is State.QUEUED


def test_a_done_run_can_be_timed_again_and_its_failure_is_told(open_page, home):
    at = open_page("done", "runs", run="4")
    press(at, "Time again")
    store = Store(home)
    assert store.run(4).timed_again
    assert "waits to be timed again" in texts(at)
    assert "2.3x faster" in title(at.switch_page("pages/pareto.py").run())
    store.claim()
    store.fail(4, Failure(kind="RunError", reason="The timing process failed.", remedy="Close other programs."))
    at.query_params["run"] = "4"
    at.switch_page("pages/runs.py").run()
    assert "Timing again failed: The timing process failed." in texts(at)
    (store.folder(4) / "model.onnx").unlink()
    at.run()
    assert next(button for button in at.button if button.label == "Time again").disabled


def test_the_plot_offers_each_machine_and_the_card_tells_the_other_times(open_page, home):
    at = open_page("done")
    store = Store(home)
    new = factories.a_fingerprint("New CPU")
    for number in (1, 4):
        store.add_measurement(factories.a_measurement(store.run(number), new, 0.5))
    at.query_params["run"] = "4"
    at.switch_page("pages/pareto.py").run()
    assert "9 runs measured on Example CPU" in texts(at)
    assert "Also timed under other conditions: 0.5 ms on New CPU" in texts(at)
    at.selectbox("machine").set_value(new.id).run()
    assert "2 runs measured on New CPU" in texts(at)


def repeated(home):
    """Run 6 with two more seeds, done."""
    store = Store(home)
    run = store.run(6)
    for seed in (1, 2):
        filled.put(store, run.project, run.recipe.with_(seed=seed), run.result, factories.some_events(run))
    return store


def test_seeds_are_one_mark_and_each_can_be_reached(open_page, home):
    at = open_page("done")
    store = repeated(home)
    numbers = [run.id for run in store.runs(limit=2)]
    at.query_params["run"] = str(numbers[0])
    at.switch_page("pages/pareto.py").run()
    assert not at.exception
    assert "11 runs measured" in texts(at)
    assert "the mean of 3 seeds" in texts(at)
    assert f"the numbers below are those of run {numbers[0]}" in texts(at)
    rows = at.dataframe[0].value
    assert list(rows["run"]).count(6) == 1
    assert not set(numbers) & set(rows["run"])


def test_a_run_is_repeated_over_five_seeds(open_page, home):
    at = open_page("done", "runs", run="6")
    press(at, "Repeat over 5 seeds")
    made = Store(home).runs(states=[State.QUEUED])
    assert sorted(run.recipe.seed for run in made) == [1, 2, 3, 4]


def test_the_reference_is_not_repeated(open_page):
    at = open_page("done", "runs", run="1")
    assert "Repeat over 5 seeds" not in [button.label for button in at.button], "the reference has no luck to average"


def test_the_loss_is_told_with_what_it_rests_on(open_page):
    told = texts(open_page("done", "pareto", run="4"))
    assert "Validation: loses 0.3 points" in told or "Validation: loses 0.4 points" in told
    assert "of 4,000 images" in told
    assert "gained, p = " in told
    assert "images resolve gaps of about" in told
    assert "Its test set was opened 9 times." in told


def test_the_openings_of_each_project_are_counted(open_page):
    at = open_page("done", "system")
    assert "Openings of the test sets" in [head.value for head in at.subheader]


def test_a_closed_test_set_can_be_opened(open_page, home):
    at = open_page("done")
    store = Store(home)
    run = store.run(6)
    file = run.result.file
    closed = run.result.with_(file=file.with_(score=file.score.with_(test=None)))
    store.submit(run.recipe.with_(seed=9), run.project, open_test=False)
    store.finish(store.claim().id, closed)
    number = store.runs(limit=1)[0].id
    (store.folder(number)).mkdir(parents=True)
    (store.folder(number) / "model.onnx").write_bytes(factories.MODEL)
    at.query_params["run"] = str(number)
    at.switch_page("pages/runs.py").run()
    assert "Test: not opened for this run." in texts(at)
    press(at, "Open the test set")
    assert store.run(number).opening
    assert "waits to have its test set opened" in texts(at)


@pytest.mark.parametrize("page", ["runs", "pareto"])
@pytest.mark.parametrize("number", ["²", "9" * 5000, "-1", "two"])
def test_an_address_with_no_run_in_it_chooses_none(open_page, page, number):
    open_page("done", page, run=number)


def test_system_says_when_it_looked_and_reads_counts_anew(open_page, monkeypatch):
    at = open_page("empty", "system")
    assert "Checked at " in texts(at)
    monkeypatch.setattr(doctor, "now", lambda home: [Line("Disk", True, "now 3 GiB free")])
    assert "now 3 GiB free" in texts(at.run()) and title(at) == "This machine is ready"


def test_system_says_what_is_wrong_first_and_what_to_do(open_page):
    at = open_page("empty", "system")
    assert title(at) == "1 thing to look at on this machine"
    assert "Make room." in texts(at)


def test_a_run_is_changed_with_its_target_and_training_device(open_page, home):
    at = open_page("empty")
    project = Store(home).project("fashion-mnist", threads=3, batch=8, default_reference="resnet8:2")
    run, _ = Store(home).submit(factories.a_recipe("prune-channels:sparsity=0.3"), project, train_device="cpu")
    Store(home).request_cancel(run.id)
    at.query_params["run"] = str(run.id)
    at.switch_page("pages/runs.py").run()
    press(at, "Change it in Design")
    shown = " ".join(code.value for code in at.code)
    assert "--threads 3 --batch 8 --reference resnet8:2 --train-device cpu" in shown
    assert "sparsity=0.3" in shown


def test_a_recipe_that_design_cannot_hold_is_not_put_into_its_sliders(open_page, home):
    at = open_page("empty")
    project = Store(home).project("fashion-mnist", default_reference="resnet8:2")
    recipe = factories.a_recipe("fine-tune:epochs=1", "prune-channels", "fine-tune:epochs=2")
    run, _ = Store(home).submit(recipe, project)
    Store(home).request_cancel(run.id)
    at.query_params["run"] = str(run.id)
    at.switch_page("pages/runs.py").run()
    assert "Change it in Design" not in [button.label for button in at.button]
    assert "this recipe has them otherwise" in texts(at)


def test_knobs_of_training_follow_the_data_until_they_are_moved(open_page):
    at = open_page("empty", "design", dataset="digits", model="cnn")
    assert [at.session_state[f"distill.{knob}"] for knob in ("epochs", "temperature", "alpha")] == [3, 4.0, 0.7]
    at.slider("distill.alpha").set_value(0.3).run()
    at.selectbox("dataset").set_value("names").run()
    assert [at.session_state[f"distill.{knob}"] for knob in ("epochs", "temperature", "alpha")] == [10, 2.0, 0.3]
    assert "epochs=10" in " ".join(code.value for code in at.code)
    assert "may win back little" not in texts(at)
    at.number_input("distill.epochs").set_value(7).run()
    at.selectbox("dataset").set_value("movielens-small").run()
    assert [at.session_state[f"distill.{knob}"] for knob in ("epochs", "temperature", "alpha")] == [7, 4.0, 0.3]


def test_a_teacher_of_other_data_is_left_behind(open_page):
    at = open_page("empty", "design", dataset="names", model="lstm")
    teachers = at.selectbox("distill.teacher")
    assert {"transformer:3", "lstm-2:1", "lstm:2"} <= set(teachers.options)
    teachers.set_value("textcnn:2").run()
    at.selectbox("dataset").set_value("movielens-small").run()
    assert not at.error and at.selectbox("distill.teacher").value == "dense"


def test_a_run_that_is_changed_in_design_keeps_what_it_was_trained_with(open_page, home):
    at = open_page("empty", "design", dataset="digits", model="cnn")
    project = Store(home).project("names", default_reference="lstm:2")
    recipe = factories.a_recipe("fine-tune:epochs=3", dataset="names", model="lstm", width=1.0)
    run, _ = Store(home).submit(recipe, project)
    Store(home).request_cancel(run.id)
    at.query_params["run"] = str(run.id)
    at.switch_page("pages/runs.py").run()
    press(at, "Change it in Design")
    assert at.number_input("fine-tune.epochs").value == 3


def test_rates_are_numbers_and_shares_are_percent(open_page):
    at = open_page("empty", "design")
    assert at.slider("prune-channels.sparsity").proto.format == "percent"
    assert at.slider("distill.learning_rate").proto.format == "%.5g"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("sparsity=0.1,round_to=32", "keeps every width"),
        ("sparsity=0.97,allocation=global", "not 97 %"),
        ("sparsity=0.005", "So small a sparsity keeps every"),
        ("sparsity=0.5", ""),
    ],
)
def test_another_share_than_the_wish_is_said(homes, setting, told):
    recipe = factories.a_recipe(f"prune-channels:{setting}", "fine-tune", width=1.0)
    said = " ".join(drafts.preview(recipe, homes["empty"]).warnings)
    assert told in said
    assert bool(told) == ("not 97 %" in said or "keeps every" in said)


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
    assert title(at) == "2.3x faster, nothing measurable lost on validation"
    assert "Measured on Example CPU, not on your machine" in texts(at)


def test_an_example_is_compared_with_the_reference_of_its_own_data(tmp_path, monkeypatch, open_page):
    other = factories.a_project("digits", "cnn:1")
    runs = [factories.done(1, accuracy=0.99, p50_ms=0.02, kb=10, project=other)]
    runs += [run.with_(id=run.id + 1) for run in factories.some_runs()]
    records = [run.with_(origin="example").model_dump(mode="json") for run in runs]
    (tmp_path / "runs.json").write_text(json.dumps(records))
    monkeypatch.setattr(examples, "LIST", tmp_path / "runs.json")
    at = open_page("empty", "export", example="5")
    latency = next(metric for metric in at.metric if metric.label == "Latency, ms")
    assert latency.delta == "-56 %"


def test_own_runs_and_shipped_ones_are_never_mixed(shipped, open_page):
    at = open_page("done", "pareto")
    assert "not on your machine" not in texts(at)
    at.button_group("source").set_value("shipped").run()
    assert "not on your machine" in texts(at)
    assert "9 runs measured" in texts(at)


def test_the_shipped_files_can_be_measured_here(shipped, open_page, home):
    at = open_page("empty", "pareto")
    assert "9 runs will wait on Runs" in texts(at)
    assert not Store(home).runs(), "it asks first"
    press(at, "Measure now")
    runs = Store(home).runs()
    assert len([run for run in runs if run.origin == "example"]) == 9
    assert len([run for run in runs if run.origin == "own"]) == 1


def test_start_opens_the_example_plot(shipped, open_page):
    at = press(open_page("done"), "Open the plot")
    assert "not on your machine" in texts(at)


def disturbed(*numbers):
    """Runs of which these have no valid time."""
    for run in factories.some_runs():
        time = run.result.latency
        if run.id in numbers:
            time = time.with_(valid=False, reasons=("it drifted",))
        yield run.with_(result=run.result.with_(latency=time))


def test_times_that_are_not_valid_are_said_beside_the_finding_and_timed_again_at_once(open_page, home):
    at = open_page("empty")
    factories.stored(home, list(disturbed(6, 9)))
    at.run()
    assert "2 runs left out: their times are not valid" in texts(at)
    assert "0.085 ms, not valid" in texts(at)
    assert "Go to Pareto to time these 2 again" in [link.proto.label for link in at.get("page_link")]
    at.switch_page("pages/pareto.py").run()
    assert "2 runs left out" in texts(at)
    press(at, "Time these 2 again")
    assert "2 runs wait to be timed again." in texts(at)
    assert [run.id for run in Store(home).runs() if run.timed_again] == [9, 6]
    assert "Time these 2 again" not in [button.label for button in at.button]


def test_without_a_valid_time_the_page_says_why_and_offers_to_time_again(open_page, home):
    at = open_page("empty")
    factories.stored(home, list(disturbed(*range(1, 10))))
    at.switch_page("pages/pareto.py").run()
    assert title(at) == "No valid time yet: the machine was busy" and "It drifted." in texts(at)
    assert "Accept more loss" not in texts(at) and not at.get("plotly_chart")
    button = next(one for one in at.button if one.label == "Time these 9 again")
    assert button.proto.type == "primary"
    at.segmented_control(key="cost").set_value("size").run()
    assert at.get("plotly_chart") and "No valid time" not in title(at)


def test_the_runs_page_says_that_no_time_is_valid_and_offers_to_time_again(open_page, home):
    at = open_page("empty")
    factories.stored(home, list(disturbed(*range(1, 10))))
    at.switch_page("pages/runs.py").run()
    assert title(at) == "All 9 runs have ended, no time is valid"
    assert "9 done, 9 without a valid time" in texts(at) and "It drifted." in texts(at)
    press(at, "Time these 9 again")
    assert sum(run.timed_again for run in Store(home).runs()) == 9
    assert "It drifted." not in texts(at)


def test_one_run_has_ended_and_not_all_of_them(open_page, home):
    at = open_page("empty")
    factories.stored(home, factories.some_runs()[:1])
    assert title(at.switch_page("pages/runs.py").run()) == "Run 1 has ended"


def test_what_was_timed_again_in_vain_is_told(open_page, home):
    at = open_page("empty")
    factories.stored(home, list(disturbed(*range(1, 10))))
    store = Store(home)
    for run in store.runs():
        again = factories.a_measurement(run, run.fingerprint, 0.2)
        store.add_measurement(again.with_(latency=run.latency, file_sha256=run.result.file.sha256))
    at.switch_page("pages/pareto.py").run()
    assert "Timed twice, still disturbed: it drifted." in texts(at)


def test_try_it_now_says_when_all_runs_exist(open_page, home, monkeypatch):
    at = open_page("done")
    own = Store(home).runs()[:3]
    monkeypatch.setattr("optim.presets.submit_all", lambda *a: [(run, False) for run in own])
    press(at, "Try it now")
    assert title(at) == "2.3x faster, nothing measurable lost on validation"
    assert "All 3 runs exist already; here they are." in texts(at)


def test_all_that_wait_are_cancelled_at_once_and_what_runs_goes_on(open_page, home):
    press(open_page("busy", "runs"), "Cancel all 2 waiting")
    assert [Store(home).run(number).state for number in (10, 11, 12)] == [
        State.RUNNING,
        State.CANCELLED,
        State.CANCELLED,
    ]


def test_a_second_attempt_is_told_on_its_card(open_page, home):
    at = open_page("busy", "runs")
    Store(home).requeue(10)
    at.run()
    assert "waits for attempt 2 of 3: its worker went away" in texts(at)
    Store(home).claim()
    assert "Attempt 2 of 3: its worker went away." in texts(at.run())


def test_a_width_out_of_range_is_refused_in_words_and_cannot_be_run(open_page):
    at = open_page("empty", "design")
    assert at.number_input("width").label == "Width, 0.25 to 4"
    at.number_input("width").set_value(100.0).run()
    assert not at.exception
    assert title(at) == "This recipe cannot be run as it stands"
    assert "100" in at.error[0].value
    assert "0.25 to 4" in at.error[0].value
    assert "Run" not in [button.label for button in at.button]


def test_a_typed_knob_out_of_range_is_refused_in_words(open_page):
    at = open_page("empty", "design")
    at.number_input("distill.weight_decay").set_value(7.0).run()
    assert not at.exception
    assert "weight_decay cannot take this value. Given: 7.0. Allowed:" in at.error[0].value
    assert "Run" not in [button.label for button in at.button]


@pytest.mark.parametrize("label", ["Delete it", "Change it in Design"])
def test_a_click_on_a_stale_page_acts_on_no_other_run(open_page, home, label):
    gone, *others = sorted((run.id for run in factories.some_runs()), reverse=True)
    at = open_page("done", "runs", run=str(gone))
    store = Store(home)
    stale = next(button for button in at.button if button.label == label)
    jobs.delete(home, gone)
    stale.click()
    at.run()
    assert not at.exception
    assert [run.id for run in store.runs()] == others
    assert f"There is no run {gone}" in at.warning[0].value
    assert not at.success and at.title[0].value != "Design"
    assert not any("There is no run" in one.value for one in at.run().warning)


def test_the_run_deleted_here_is_not_asked_for_again(open_page, home):
    gone = max(run.id for run in factories.some_runs())
    at = open_page("done", "runs", run=str(gone))
    press(at, "Delete it")
    assert at.success[0].value == f"Run {gone} is deleted." and not at.warning


@pytest.mark.parametrize("page", ["export", "pareto"])
def test_a_run_that_cannot_be_shown_is_said_once(open_page, page):
    at = open_page("failed", page, run="999")
    assert "There is no run 999" in at.warning[0].value
    assert not at.run().warning
    at = AppTest.from_file(APP, default_timeout=60).run()
    at.query_params["run"] = "10"
    at.switch_page(f"pages/{page}.py").run()
    told = {
        "export": "Run 10 (failed) has no file to export; this is run 9.",
        "pareto": "Run 10 (failed) is not in this plot.",
    }
    assert at.warning[0].value == told[page]


def test_a_link_to_another_run_of_the_plot_wins_over_the_one_that_was_chosen(open_page):
    at = open_page("done", "pareto", run="7")
    at.query_params["run"] = "5"
    at.run()
    assert "Run 5" in [head.value for head in at.subheader]


def test_a_worker_on_its_way_is_told_and_not_started_twice(open_page, monkeypatch):
    at = open_page("busy", "runs")
    assert "Start the worker" in [button.label for button in at.button]
    goes_on = threading.Event()
    asked = []
    monkeypatch.setattr(jobs, "ensure_driver", lambda home: (asked.append(home), goes_on.wait(60)))
    press(at, "Start the worker")
    at.run()
    assert "The worker is starting" in texts(at)
    assert "Start the worker" not in [button.label for button in at.button]
    goes_on.set()
    assert len(asked) == 1


def test_an_example_from_a_machine_like_this_one_is_not_called_foreign():
    assert examples.measured_on("CPU A", "CPU A") == "Measured on another machine with this processor, CPU A."
    assert "with this processor" in examples.measured_on("CPU A, 2 cores, ONNX Runtime 1.2 (ab12)", "CPU A")
    assert examples.measured_on("CPU A2", "CPU A") == "Measured on CPU A2, not on your machine."


def test_a_typed_width_that_is_taken_as_another_one_is_told(open_page):
    at = open_page("empty", "design")
    assert "steps of 1/16" not in texts(at)
    at.number_input(key="width").set_value(3.3).run()
    assert "Width 3.3 is taken as 3.3125: widths go in steps of 1/16." in texts(at)


def test_a_number_that_is_the_reference_s_has_no_arrow(open_page, home):
    at = open_page("empty")
    reference, other = factories.some_runs()[:2]
    same = other.result.file.with_(params=reference.result.file.params)
    factories.stored(home, [reference, other.with_(result=other.result.with_(file=same))])
    at.switch_page("pages/pareto.py").run()
    arrows = {metric.label: metric.proto.delta for metric in at.metric}
    (shown,) = (metric.proto for metric in at.metric if metric.label == "Parameters")
    assert arrows["Parameters"] == "0 %" and shown.color == shown.MetricColor.GRAY


def test_a_table_s_rows_are_as_high_as_its_longest_recipe_takes():
    """Text is cut in a row of one line, and wraps in a higher one."""
    from pages.parts.say import MOST_LINES, WRAPS, row_height

    assert row_height(["none", 3], 180) is None and row_height([], 180) is None
    long = "scratch, distil 3 ep from resnet8 x2"
    assert row_height(["none", long], 180) == row_height([long], 180) == WRAPS
    most = row_height([9 * long], 180)
    assert most == row_height([MOST_LINES * 2 * long], 180)
    assert most is not None and most > WRAPS


def test_a_trouble_of_a_run_is_named_while_it_goes_on(open_page, home):
    at = open_page("busy", "runs")
    assert not at.warning
    bad = Event(time=1e10, stage="Distil", message="The loss rose from 2.31 to 90.00.", trouble=True)
    Store(home).append_event(10, bad)
    assert [one.value for one in at.run().warning] == ["Distil: The loss rose from 2.31 to 90.00."]


@pytest.mark.parametrize(
    ("cure", "label"),
    [
        (cures.RECALIBRATE, "Recalibrate batch norm"), (cures.LOWER_RATE, "Lower the learning rate to"),
        (cures.FLOOR, "Keep a floor in every layer"), (cures.RECOVER, "Train for 6 epochs"),
        (cures.LEAVE_INT8, "Leave out INT8"), (cures.CALIBRATE, "Calibrate with 1,024 items"),
    ],
)  # fmt: skip
def test_each_cure_of_a_run_is_one_click(open_page, home, cure, label):
    at = open_page("done")
    number = collapsed(home, cure)
    at.query_params["run"] = str(number)
    at.switch_page("pages/runs.py").run()
    (button,) = [one for one in at.button if one.label.startswith(label)]
    button.click().run()
    assert not at.exception, at.exception
    (new,) = Store(home).runs(states=[State.QUEUED])
    assert new.recipe.id != Store(home).run(number).recipe.id


def collapsed(home, cure):
    """The number of a done run that asks for this cure."""
    run = factories.done(
        40, "prune-channels:sparsity=0.6", "distill:epochs=3", "quantize-int8", accuracy=0.1, p50_ms=0.1, kb=30
    )
    run = run.with_(result=run.result.with_(warnings=("It collapsed.",), cures=(cure,)))
    factories.stored(home, [run])
    return max(run.id for run in Store(home).runs())
