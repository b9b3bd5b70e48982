"""How far a run is, from its recipe and events."""

import time

import pytest

from optim.progress import WAITING, progress, queue_left, since_start, stages
from optim.records import Event, State
from tests.factories import a_live, a_recipe, some_events, some_runs


def test_stages_follow_the_recipe():
    recipe = a_recipe("prune-channels", "distill", "quantize-int8")
    assert stages(recipe) == ("Baseline", "Prune", "Distil", "Export", "Gate", "Quantize", "Gate", "Score", "Time")


def test_in_the_middle_of_training():
    run = a_live()
    now = progress(run, some_events(run, epochs=2.5), some_runs(), now=(run.started_at or 0) + 30)
    assert now.stages[now.current] == "Distil"
    assert 0.3 < now.fraction < 0.7
    assert "epoch 3 of 4" in now.detail
    assert now.left_s is not None
    assert now.left_s > 5


def test_the_pace_of_a_training_tells_the_time_left_long_before_its_middle():
    run = a_live()
    told = some_events(run, epochs=0.3)
    now = progress(run, told, now=told[-1].time)
    assert now.fraction < 0.2
    assert now.left_s == pytest.approx(37, abs=10)


def test_a_training_far_longer_than_the_usual_one_fills_its_share_of_the_bar():
    """Half of 150 epochs are over and the rest takes a minute: what others took in one second counts no more."""
    run, at = a_live(), a_live().started_at or 0
    steps = [Event(time=at + n, stage="Distil", done=n, total=120, metrics={"epoch": n}) for n in range(0, 61, 5)]
    short = [one.with_(result=one.result.with_(stage_seconds={"Distil": 1.0, "Time": 5.0})) for one in some_runs()]
    now = progress(run, steps, short, now=at + 60)
    assert now.left_s is not None and now.left_s > 55
    assert now.fraction == pytest.approx(60 / (60 + now.left_s), abs=0.1)


def test_runs_of_another_model_do_not_tell_how_long_a_training_takes():
    run = a_live()
    other = [past.with_(recipe=past.recipe.with_(model="cnn")) for past in some_runs()]
    told = some_events(run, epochs=0)
    assert progress(run, told, other, now=told[-1].time).left_s is None
    assert progress(run, told, some_runs(), now=told[-1].time).left_s
    assert progress(run, told, now=told[-1].time).left_s is None


def test_a_run_that_trains_nothing_has_a_time_left_at_once():
    dense = a_live().with_(recipe=a_recipe())
    assert progress(dense, []).left_s
    assert progress(a_live(), []).left_s is None
    assert progress(a_live(), [], some_runs()).left_s


def test_a_stage_nobody_expected_is_shown_where_it_came():
    told = [Event(time=i, stage=stage) for i, stage in enumerate(["Baseline", "Prune", "Distil", "Teacher", "Distil"])]
    now = progress(a_live(), told, now=10)
    assert now.stages[:5] == ("Baseline", "Prune", "Teacher", "Distil", "Export")
    assert now.stages[now.current] == "Distil"


def test_a_run_that_waits_for_the_machine_says_since_when_and_no_time_left():
    told = [Event(time=0, stage="", message="started")]
    told += [Event(time=60 * i, stage="", message=WAITING) for i in (1, 2, 3)]
    now = progress(a_live(), told, some_runs(), now=200)
    assert now.left_s is None
    assert now.detail.startswith(f"waiting since {time.strftime('%H:%M', time.localtime(60))}")
    assert "another data folder" in now.detail
    assert since_start(told) == told
    assert progress(a_live(), [*told, Event(time=240, stage="Baseline")], some_runs(), now=241).left_s


def test_the_second_gate_is_not_the_first():
    run = a_live().with_(recipe=a_recipe("quantize-int8"))
    told = [Event(time=i, stage=s) for i, s in enumerate(["Baseline", "Export", "Gate", "Quantize", "Gate"])]
    assert progress(run, told, now=10).current == 4


def test_before_the_first_heartbeat_and_at_the_end():
    assert progress(a_live(state=State.QUEUED), []).current == -1
    assert progress(some_runs()[0], []).fraction == 1


def test_the_queue_needs_history_to_be_estimated():
    live = [a_live(30), a_live(31, State.QUEUED)]
    assert queue_left(live, 5.0, []) is None
    assert queue_left(live, 5.0, some_runs()) == pytest.approx(25.0)
