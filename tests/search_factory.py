"""Searches that look real, with their runs in the store: at work, at its end, with nothing found, and just begun."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np

from optim import baselines, recipes, search_controls, search_space, searches
from optim.bench import filled
from optim.plan import Anatomy
from optim.records import Project, Recipe, Run, State
from optim.results import Interval
from optim.searches import Answer, Control, Goal, Search, Trial, Verdict
from optim.store import Store
from tests import factories

BASE = recipes.complete(Recipe(dataset="fashion-mnist", model="resnet8", width=2.0))
DENSE_ACCURACY = 0.9125
TRIED = (
    # target, rung, precision, accuracy, times faster, valid
    (0.24, 0, "int8", 0.8965, 4.9, True),
    (0.24, 0, "fp32", 0.8972, 3.9, True),
    (0.18, 0, "int8", 0.8890, 6.6, True),
    (0.34, 0, "int8", 0.9025, 3.4, True),
    (0.12, 0, "int8", 0.8570, 9.1, False),
    (0.24, 1, "int8", 0.9085, 4.9, True),
    (0.18, 1, "int8", 0.9042, 6.6, True),
    (0.18, 2, "int8", 0.9102, 6.5, True),
)
BEST = 7
"""Of the tried ones, in their order."""
CONTROLS = (
    # name, accuracy, times faster; without numbers it was not run
    (search_controls.ALONE, 0.9068, 6.5),
    (search_controls.RANDOM, 0.9031, 6.55),
    (search_controls.UNIFORM, 0.8995, 6.1),
    (search_controls.SCRATCH, None, None),
    (search_controls.DENSE, None, None),
)
NOT_RUN = "not run: it takes about 140 s, and 61 s were left"


def put(store: Store, project: Project, recipe: Recipe, accuracy: float, ratio: float, *, valid: bool = True) -> Run:
    """A done run of a search, its test set shut."""
    run, is_new = store.submit(recipe, project, open_test=False)
    if not is_new:
        return run
    assert store.claim() is not None
    result = factories.a_result(accuracy, filled.REFERENCE_MS / ratio, 90_000, recipes.precision(recipe))
    latency = result.latency.with_(
        valid=valid, reasons=() if valid else ("the machine was busy: 31 % of the time",),
        ratio=Interval(value=ratio, low=0.98 * ratio, high=1.02 * ratio),
    )  # fmt: skip
    score = result.file.score.with_(test=None)
    result = result.with_(latency=latency, file=result.file.with_(score=score))
    for event in factories.some_events(run, epochs=3):
        store.append_event(run.id, event)
    (store.folder(run.id) / "model.onnx").write_bytes(filled.ONNX)
    np.savez_compressed(store.folder(run.id) / "predictions.npz", **filled.answers(result, run.id))
    return store.finish(run.id, result)


def _begun(home: Path, max_loss: float = 1.0) -> tuple[Store, Search]:
    store = Store(home)
    project = store.project("fashion-mnist", default_reference="resnet8:2")
    if store.reference_run(project) is None:
        put(store, project, BASE, DENSE_ACCURACY, 1.0)
    goal = Goal(max_loss=max_loss)
    made = Search(id=0, base=BASE, project=project, goal=goal, budget_s=600, created_at=time.time())
    return store, searches.create(home, made)


def _shape(target: float) -> dict:
    return {"importance": "l2", "temperature": 4.0, "alpha": 0.9, "allocation": "latency",
            "latency_target": target}  # fmt: skip


def _explored(store: Store, search: Search) -> Search:
    trials = []
    for target, rung, precision, accuracy, ratio, valid in TRIED:
        shape = _shape(target)
        recipe = search_space.recipe(BASE, shape, rung, precision)
        run = put(store, search.project, recipe, accuracy, ratio, valid=valid)
        trials.append(Trial(run_id=run.id, shape=shape, rung=rung))
    return search.with_(trials=tuple(trials))


def begun(home: Path) -> Search:
    """It has just begun, and asks for the profile."""
    store, search = _begun(home)
    search = search.with_(asked_profile=True, spent_s=12.0)
    searches.save(store.home, search)
    return search


def at_work(home: Path) -> Search:
    """Some runs are done and one is at work."""
    store, search = _begun(home)
    search = _explored(store, search).with_(spent_s=231.0)
    shape = _shape(0.14)
    run, _ = store.submit(search_space.recipe(BASE, shape, 0, "int8"), search.project, open_test=False)
    assert store.claim() is not None
    for event in factories.some_events(run, epochs=1.5, stages=("Baseline", "Prune")):
        store.append_event(run.id, event.model_copy(update={"time": time.time()}))
    search = search.with_(trials=(*search.trials, Trial(run_id=run.id, shape=shape)))
    searches.save(home, search)
    return search


def _controlled(store: Store, search: Search) -> Search:
    controls = []
    for name, accuracy, ratio in CONTROLS:
        if accuracy is None:
            controls.append(Control(name=name, recipe=BASE, note=NOT_RUN))
            continue
        importance = "random" if name == search_controls.RANDOM else "l2"
        steps = [f"prune-channels:sparsity=0.6,importance={importance}", f"fine-tune:epochs={20 + len(controls)}"]
        recipe = factories.a_recipe(*steps, "quantize-int8")
        run = put(store, search.project, recipe, accuracy, ratio)
        controls.append(Control(name=name, recipe=recipe, run_id=run.id))
    return search.with_(controls=tuple(controls))


def ended(home: Path, beaten: tuple[str, ...] = ()) -> Search:
    """It found a run, and most of its controls were run."""
    store, search = _begun(home)
    search = _controlled(store, _explored(store, search))
    best = search.trials[BEST].run_id
    sentence = (
        f"Run {best} is 6.5x faster (6.4 to 6.6) and loses 0.2 points (−0.3 to 0.8) on 4,000 validation images: "
        "less than 1 with 95 % confidence. It beats the 3 controls that were run."
    )
    verdicts = tuple(Verdict(name=name, kind="tied") for name in beaten)
    answer = Answer(sentence=sentence, run_id=best, beaten=beaten, verdicts=verdicts)
    search = search.with_(spent_s=598.0, state="done", phase="done", answer=answer, ended_at=time.time())
    searches.save(home, search)
    return search


def in_vain(home: Path) -> Search:
    """Nothing keeps the goal."""
    store, search = _begun(home, max_loss=0.1)
    search = _explored(store, search)
    near = search.trials[BEST].run_id
    sentence = f"None qualifies with 95 % confidence; the nearest is run {near}: its loss is not below 0.1."
    answer = Answer(sentence=sentence, nearest_id=near)
    search = search.with_(spent_s=598.0, state="done", phase="done", answer=answer, ended_at=time.time())
    searches.save(home, search)
    return search


def live(store: Store) -> list[Run]:
    return store.runs(states=[State.RUNNING])


def an_older_one(home: Path) -> None:
    """A smaller baseline of the user's own, made before early stride was: nothing is known of it with larger steps."""
    shipped = baselines.folder("fashion-mnist", "resnet8", 1.0, home)
    assert shipped is not None
    folder = shutil.copytree(shipped, home / "baselines" / "fashion-mnist" / "resnet8-1")
    body = Anatomy.from_json((folder / "anatomy.json").read_text())
    plain = tuple(layer.with_(strided_positions=0) for layer in body.layers)
    (folder / "anatomy.json").write_text(body.with_(layers=plain).to_json())
