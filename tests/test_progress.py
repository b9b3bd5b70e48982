"""How far a run is, from its recipe and events."""

import pytest

from optim.progress import progress, queue_left, stages
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


def test_a_stage_nobody_expected_is_shown_where_it_came():
    told = [Event(time=i, stage=stage) for i, stage in enumerate(["Baseline", "Prune", "Distil", "Teacher", "Distil"])]
    now = progress(a_live(), told, now=10)
    assert now.stages[:5] == ("Baseline", "Prune", "Teacher", "Distil", "Export")
    assert now.stages[now.current] == "Distil"


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
