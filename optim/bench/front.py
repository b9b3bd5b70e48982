"""`bench front`: our search and a plain flow, from the same dense model, under the same wall-clock time.

The plain flow is what a careful user would do by hand: magnitude pruning at four sparsities, the same share in every
layer, three epochs of recovery with and without a teacher, in FP32 and INT8; with time left, the same again with the
next seed. The figure of merit is the hypervolume of (validation accuracy, logarithm of the speed ratio) above the dense
accuracy minus 5 points and the ratio 1.
"""

from __future__ import annotations

import itertools
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from .. import jobs, pareto, recipes, search_jobs, searches, views
from ..records import Recipe, Run, State
from ..store import Store
from . import report

SPARSITIES = (0.25, 0.5, 0.625, 0.75)
RECOVERIES = ("fine-tune:epochs=3", "distill:epochs=3")
FLOOR_POINTS = 5.0
POLL_SECONDS = 0.3
CONFIDENCE = 0.95
VALID = "measured"


def main(
    json: bool = False, *, budget: str = "10m", dataset: str = "fashion-mnist", model: str = "resnet8",
    width: float = 2.0, max_loss: float = 1.0,
) -> None:  # fmt: skip
    """Both sides one after the other, each in a data folder of its own; prints fronts and hypervolumes."""
    budget_s = search_jobs.seconds_of(budget)
    searches.checked_goal(max_loss, CONFIDENCE, budget_s)
    base = recipes.complete(Recipe(dataset=dataset, model=model, width=width))
    with tempfile.TemporaryDirectory() as folder:
        ours = _searched(Path(folder) / "search", base, max_loss, budget_s)
        plain = _plain(Path(folder) / "plain", base, budget_s)
    merit = {name: side["hypervolume"] for name, side in (("search", ours), ("plain", plain))}
    ratio = merit["search"] / merit["plain"] if merit["plain"] else None
    report("front", {"ratio": {"value": ratio}, "budget_s": budget_s, "search": ours, "plain": plain}, json)


def _searched(home: Path, base: Recipe, max_loss: float, budget_s: float) -> dict:
    print(f"searching for {budget_s:g} s ...", file=sys.stderr)
    goal = {"max_loss": max_loss, "confidence": CONFIDENCE, "budget_s": budget_s}
    made = search_jobs.search_for(home, dataset=base.dataset, model=base.model, width=base.width, **goal)
    try:
        while searches.load(home, made.id).state != "done":
            time.sleep(POLL_SECONDS)
        store, ended = Store(home), searches.load(home, made.id)
        told = views.search_object(store, ended)
        runs = [store.run(trial.run_id) for trial in ended.trials]
        return {
            "sentence": told["sentence"],
            "best": _row(store.run(ended.answer.run_id)) if ended.answer and ended.answer.run_id else None,
            "on_test": told["test"],
            "spent_s": told["spent_s"],
            "controls": [{"name": c["name"], "note": c["note"], "verdict": c["verdict"]} for c in told["controls"]],
            **_merit(store, runs, base),
        }
    finally:
        jobs.stop_driver(home)


def _plain(home: Path, base: Recipe, budget_s: float) -> dict:
    print(f"the plain flow for {budget_s:g} s ...", file=sys.stderr)
    started = time.monotonic()
    store, runs = Store(home), []
    try:
        for recipe in plain_flow(base):
            run, _ = jobs.submit(home, recipe, open_test=False)
            while (run := store.run(run.id)).state.live:
                if time.monotonic() - started > budget_s:
                    jobs.cancel(home, run.id)
                    break
                time.sleep(POLL_SECONDS)
            runs.append(run)
            if time.monotonic() - started > budget_s:
                break
        return {"spent_s": round(time.monotonic() - started, 1), **_merit(store, runs, base)}
    finally:
        jobs.stop_driver(home)


def plain_flow(base: Recipe) -> Iterator[Recipe]:
    """Sixteen recipes for each seed: sparsity, teacher or none, precision; equal networks follow each other."""
    for seed in itertools.count():
        for sparsity, recovery, tail in itertools.product(SPARSITIES, RECOVERIES, ((), ("quantize-int8",))):
            steps = (f"prune-channels:sparsity={sparsity}", recovery, *tail)
            yield recipes.complete(base.with_(steps=tuple(map(recipes.parse_step, steps)), seed=seed))


def _merit(store: Store, runs: list[Run], base: Recipe) -> dict:
    reference = next((r for r in store.runs(states=[State.DONE]) if r.recipe.id == base.id), None)
    counts = outcomes(runs)
    if reference is None or reference.result is None:
        return {"outcomes": counts, "front": [], "hypervolume": 0.0}
    done = [run for run in runs if _outcome(run) == VALID]
    dense = reference.result.file.score.validation.value
    gains = {run.id: gain(run, dense) for run in done}
    points = [pareto.Point.exact(run.id, -gains[run.id][0], gains[run.id][1]) for run in done]
    best = {point.id for point in pareto.front(points)}
    return {
        "dense_validation": dense,
        "outcomes": counts,
        "front": [_row(run) for run in done if run.id in best],
        "hypervolume": pareto.hypervolume(list(gains.values())),
    }


def outcomes(runs: Iterable[Run]) -> dict[str, int]:
    """How many runs came to what, the most frequent first: a valid time, a time that is not, failed, cancelled."""
    return dict(Counter(map(_outcome, runs)).most_common())


def _outcome(run: Run) -> str:
    if run.state is not State.DONE or run.latency is None:
        return str(run.state)
    return VALID if run.latency.valid else "time not valid"


def gain(run: Run, dense: float) -> tuple[float, float]:
    """(log speed ratio, points of validation accuracy above the floor)."""
    assert run.result is not None and run.latency is not None
    points = 100 * (run.result.file.score.validation.value - dense) + FLOOR_POINTS
    return math.log(run.latency.ratio.value), points


def _row(run: Run) -> dict:
    assert run.result is not None and run.latency is not None
    score = run.result.file.score
    return {
        "recipe": recipes.brief(run.recipe),
        "validation": score.validation.value,
        "test": score.test.value if score.test else None,
        "ratio": run.latency.ratio.model_dump(),
        "p50_ms": run.latency.p50_ms,
    }
