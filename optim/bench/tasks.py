"""`bench tasks`: a search for each model of texts and recommendations; how much faster and smaller its answer is.

Each model is searched in the same way, among smaller networks of its own kind, for the time of `--budget`; the stored
result tells each one's. What is reported is the answer of the search. With confidence 0.5 it is the fastest file whose
loss as measured is at most the goal, and a little less where many were tried; its interval stands beside it, and beside
the answer the smallest such file. Test sets this small resolve no less than a point or so.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from .. import catalog, jobs, recipes, search_jobs, searches, views, words
from ..records import Run
from ..results import Interval
from ..search_candidates import candidates
from ..store import Store
from . import report

POLL_SECONDS = 0.5
MODELS = (
    "names/lstm:2,names/lstm-2:1,names/lstm-forward:2,names/gru:2,names/gru-2:1,names/gru-forward:2,"
    "names/transformer:3,names/textcnn:2,"
    "movielens-small/matrix-factorization:1,movielens-small/neumf:1,movielens-small/two-tower:1"
)


def main(
    json: bool = False, *, budget: str = "4m", models: str = MODELS, max_loss: float = 1.0, confidence: float = 0.5
) -> None:
    """Search each model, `data/model:width` with commas between; prints ratio, size and loss of each answer."""
    budget_s = search_jobs.seconds_of(budget)
    searches.checked_goal(max_loss, confidence, budget_s)
    asked = [parsed(text) for text in models.split(",")]  # all of them, before hours are spent on the first
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for dataset, model, width in asked:
            name = f"{dataset}/{model}:{width:g}"
            print(f"{name}: searching for {budget_s:g} s ...", file=sys.stderr)
            home = Path(folder) / dataset
            goal = {"max_loss": max_loss, "confidence": confidence, "budget_s": budget_s, "students": False}
            found[name] = _searched(
                home, search_jobs.search_for(home, dataset=dataset, model=model, width=width, **goal)
            )
            print(f"{name}: {found[name]['sentence']}", file=sys.stderr)
    report("tasks", {"goal": {"max_loss_points": max_loss, "confidence": confidence}, "answers": found}, json)


def parsed(text: str) -> tuple[str, str, float]:
    """`data/model:width`; the width may be left out. `RequestError` for what there is not."""
    dataset, _, rest = text.strip().partition("/")
    model, _, width = rest.partition(":")
    row = catalog.dataset(dataset)
    catalog.check_takes(model, row)
    return row.name, model, catalog.check_width(width or 1)


def _searched(home: Path, made: searches.Search) -> dict:
    try:
        while (ended := searches.load(home, made.id)).state != "done":
            time.sleep(POLL_SECONDS)
        told = views.search_object(Store(home), ended)
        spent = {"budget_s": told["budget_s"], "spent_s": told["spent_s"]}
        return {"sentence": told["sentence"], **spent, "answer": answer(home, ended, told),
                "smallest": smallest(home, ended)}  # fmt: skip
    finally:
        jobs.stop_driver(home)


def answer(home: Path, ended: searches.Search, told: dict) -> dict | None:
    """The recipe, and the numbers of its file beside the reference's."""
    store = Store(home)
    number = ended.answer.run_id if ended.answer else None
    reference = store.reference_run(ended.project)
    if number is None or reference is None or reference.result is None:
        return None
    return {"qualifies": told["best"] is not None, **_told(home, store.run(number), reference)}


def smallest(home: Path, ended: searches.Search) -> dict | None:
    """The smallest file of the search that keeps the goal and has a valid time, told alike; None if none does."""
    found = candidates(Store(home), ended)
    valid = [one for one in found.tried if one.run.latency is not None and one.run.latency.valid]
    kept = [one.run for one in valid if one.upper <= ended.goal.max_loss]
    small = min(kept, key=lambda run: run.result.file.size_bytes if run.result else 0, default=None)
    return None if small is None or found.reference is None else _told(home, small, found.reference)


def table(result: Mapping) -> str:
    """The answers of a stored result as a table in Markdown, as the README shows them."""
    rows = [
        "| Data / model:width | faster | smaller | loses on validation, points | on test | search |",
        "| --- " * 6 + "|",
    ]
    for name, found in sorted(result["answers"].items()):
        answer = found["answer"]
        if answer is not None and answer["qualifies"]:
            ratio = words.ratio(Interval.model_validate(answer["ratio"])).strip()
            cells = (name, ratio, words.times(answer["size_ratio"]), _points(answer["validation_loss"]),
                     _points(answer["test_loss"]), words.duration(found["spent_s"]))  # fmt: skip
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _points(loss: Mapping) -> str:
    value, low, high = (f"{100 * loss[name]:.1f}".replace("-", words.MINUS) for name in ("value", "low", "high"))
    return f"{value.replace(f'{words.MINUS}0.0', '0.0')} ({low} to {high})"


def _told(home: Path, run: Run, reference: Run) -> dict:
    assert run.result is not None and run.latency is not None and reference.result is not None
    size_bytes = run.result.file.size_bytes
    return {
        "command": recipes.command(run.recipe),
        "ratio": run.latency.ratio.model_dump(),
        "size_bytes": size_bytes,
        "size_ratio": reference.result.file.size_bytes / size_bytes,
        "validation_loss": views.loss_object(run, reference, home, "validation"),
        "test_loss": views.loss_object(run, reference, home, "test"),
    }
