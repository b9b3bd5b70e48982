"""A loss far above where it began, with real trainings: named while they go on, and as the cause when they fail."""

from dataclasses import replace

import pytest
import torch

from optim import baseline_training, catalog, cures, pipeline, variants, worker
from optim.bench import filled
from optim.cures import LOWER_RATE
from optim.data.splits import Split
from optim.errors import TrainingFailed
from optim.loss_guard import LossGuard
from optim.progress import troubles
from optim.records import State
from optim.results import Failure
from optim.store import Store
from optim.training import Schedule, train
from tests import factories
from tests.heavy import a_context, a_network, a_task
from tests.text_parts import a_text_context, a_text_network

ROSE = "The loss rose from"


def told_within_the_first_epoch(ctx):
    ends = [number for number, event in enumerate(ctx.events) if "validation" in event.metrics]
    return [event.message for event in ctx.events[: ends[0] if ends else None] if event.trouble]


def test_a_rate_too_high_is_named_within_the_first_epoch_and_as_the_cause(home):
    ctx = a_context(home)
    with pytest.raises(
        TrainingFailed, match=r"same answer\. The loss rose from .* the learning rate is too high"
    ) as failed:
        train(a_network(ctx, lively=False), ctx, Schedule(2, 100.0))
    assert told_within_the_first_epoch(ctx)[0].startswith(ROSE) and failed.value.cure == LOWER_RATE


def test_a_sound_training_hears_nothing(home):
    ctx = a_context(home)
    train(a_network(ctx, lively=False), ctx, Schedule(3, 0.1))
    assert not any(ROSE in event.message for event in ctx.events) and ctx.warnings == []


def test_a_rate_too_high_is_named_on_texts_too(home):
    ctx = a_text_context(home, "lstm")
    few = {name: Split(*(part[:640] for part in getattr(ctx.splits, name))) for name in ("train", "validation")}
    ctx.splits = ctx.splits._replace(**few)
    train(a_text_network(ctx, "lstm", lively=False), ctx, Schedule(1, 1.0))
    assert told_within_the_first_epoch(ctx)[0].startswith(ROSE)
    assert ctx.warnings[0].startswith(ROSE) and ctx.cures == [LOWER_RATE], "it still holds at the end"


def test_it_is_told_once_until_it_is_over():
    guard, low, high = LossGuard(10, 0.5), torch.tensor(0.02), torch.tensor(30.0)
    assert guard.look([low], 1) is None
    assert guard.look([high], 10) == guard.trouble and guard.trouble.cure == LOWER_RATE
    assert guard.look([high], 20) is None and guard.trouble
    assert guard.look([torch.tensor(2.3)], 30) is None and guard.trouble is None
    assert "to 30.00 in 10 steps" in guard.rose.sentence
    with pytest.raises(TrainingFailed):
        guard.finite(torch.tensor(float("nan")))


def test_a_baseline_that_a_run_trains_is_watched_and_speaks_for_itself(home, monkeypatch):
    ctx = a_context(home)
    ctx.stage = "Teacher"
    monkeypatch.setattr(variants, "SECONDS", 0.0)
    monkeypatch.setitem(catalog.MODELS, "cnn", replace(ctx.model, scratch_rate=100.0))
    with pytest.raises(TrainingFailed, match=r"The baseline cnn:0\.5 could not be trained") as failed:
        baseline_training.make("cnn", 0.5, ctx, home / "baseline", 3)
    assert failed.value.cure == "" and ROSE in str(failed.value)
    assert troubles(ctx.events)[0].startswith(f"Teacher: {ROSE}")


def test_what_a_teacher_s_training_warns_of_asks_for_no_change_of_the_recipe(home):
    ctx = a_context(home)
    ctx.warnings, ctx.cures = ["known"], ["known"]
    with baseline_training._told_apart("cnn:1", ctx):
        ctx.warnings.append("The loss rose.")
        ctx.cures.append(LOWER_RATE)
    assert ctx.warnings == ["known", "Training the baseline cnn:1: The loss rose."] and ctx.cures == ["known"]


def test_a_run_with_a_rate_of_100_fails_with_its_record_the_cause_and_the_cure(home, monkeypatch):
    monkeypatch.setattr(variants, "SECONDS", 0.0)
    task, store = a_task(home, steps=("fine-tune:epochs=1",)), Store(home)
    monkeypatch.setitem(catalog.MODELS, "cnn", replace(catalog.model("cnn"), recovery_rate=100.0))
    project = store.project("digits", default_reference="cnn:1")
    filled.put(store, project, task.recipe.with_(steps=()), factories.a_result(0.95, 0.1, 40_000), [])
    store.submit(task.recipe, project)
    run, events = store.claim(), []
    task = task.with_(run_id=run.id, folder=str(store.folder(run.id)))
    store.folder(run.id).mkdir(parents=True, exist_ok=True)
    told = worker._answer(lambda: pipeline.run(task, events.append), store.folder(run.id))
    failed = store.fail(run.id, Failure.from_json(told["failure"]))
    assert failed.state is State.FAILED and "the learning rate is too high" in failed.failure.reason
    assert troubles(events)[0].startswith(f"Recover: {ROSE}")
    (cure,) = cures.cures(failed)
    assert cure.label == "Lower the learning rate to 1" and cure.recipe.steps[0].knobs["learning_rate"] == 1
