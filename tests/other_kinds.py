"""A text and a recommendation project in a store, invented: the reference and three runs with all they leave behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from optim import answers, baselines, catalog, operators
from optim.catalog import Dataset
from optim.plan import prune_plan
from optim.records import Project, Run, Step
from optim.resampling import mean_share
from optim.results import Group, Result, Score, Share
from optim.stats import wilson
from optim.store import Store
from tests import answered, factories

PROJECTS = {
    "names": Project(dataset="names", reference="textcnn:1"),
    "movielens-small": Project(dataset="movielens-small", reference="matrix-factorization:1"),
}
HALF = "prune-channels:sparsity=0.5"
STEPS = ((), (HALF, "fine-tune:epochs=2"), ("quantize-dynamic",), (HALF, "distill:epochs=3", "quantize-dynamic"))
WORTH = {"names": (0.70, 0.69, 0.698, 0.68), "movielens-small": (0.046, 0.04, 0.046, 0.039)}


def fill(home: Path, dataset: str) -> tuple[Project, list[Run]]:
    """The runs with their answers, operators and, of texts, the items; numbers from 1 in an empty store."""
    project, row = PROJECTS[dataset], catalog.dataset(dataset)
    kept = [_answers(row, worth, seed) for seed, worth in enumerate(WORTH[dataset])]
    runs = []
    for number, (steps, arrays) in enumerate(zip(STEPS, kept, strict=True), start=1):
        ms, kb = 0.03 / number, 1000 / number
        run = factories.done(number, *steps, accuracy=0.5, p50_ms=ms, kb=kb, project=project)
        runs.append(run.with_(result=_result(run, row, arrays, home)))
    stored = factories.stored(home, runs, project)
    store = Store(home)
    for run, arrays in zip(runs, kept, strict=True):
        folder = store.folder(run.id)
        np.savez_compressed(folder / answers.FILE, allow_pickle=False, **arrays)
        (folder / operators.FILE).write_text(answered.some_operators(run, 1 / run.id).to_json())
    if row.kind == "text":
        path = answers.items_file(home, dataset)
        path.parent.mkdir(parents=True)
        labels = kept[0]["validation_labels"]
        texts = np.array([f"name {number}" for number in range(len(labels))])
        np.savez_compressed(path, texts=texts, labels=labels)
    return stored, runs


def _answers(row: Dataset, worth: float, seed: int) -> dict[str, np.ndarray]:
    """As `keeping` keeps them: labels, truth and confidence, or what each user's ranking is worth."""
    n, truth, dice = row.sizes["validation"], np.random.default_rng(0), np.random.default_rng(seed)
    if row.ranks:
        usual = truth.random(n) < 0.2
        values = np.where(usual, np.clip(5 * worth + dice.normal(0, 0.05, n), 0, 1), 0).astype(np.float32)
        return {"validation": values, "validation_seen": truth.integers(15, 2000, n).astype(np.int32)}
    labels = truth.integers(0, len(row.classes), n).astype(np.uint8)
    hard = truth.normal(size=n) + dice.normal(0, 0.2, n)
    wrong = np.argsort(-hard)[: round((1 - worth) * n)]
    found = labels.copy()
    found[wrong] = (labels[wrong] + 1) % len(row.classes)
    return {"validation": found, "validation_labels": labels, "validation_confidence": np.full(n, 0.8, np.float16)}


def _result(run: Run, row: Dataset, arrays: dict[str, np.ndarray], home: Path) -> Result:
    """With the score that the answers come to, and the groups of the shipped baseline."""
    assert run.result is not None
    share: Share = (
        mean_share(arrays["validation"].astype(np.float64))
        if row.ranks
        else wilson(int((arrays["validation"] == arrays["validation_labels"]).sum()), len(arrays["validation"]))
    )
    kind = "bootstrap" if row.ranks else "wilson"
    further = tuple(Score(metric=name, interval=kind, validation=share, test=share) for name in row.further)
    score = Score(metric=row.metric, interval=kind, validation=share, test=share, further=further)
    checks = tuple(one.with_(fact=one.fact.replace("images", row.items[1])) for one in run.result.file.checks)
    return run.result.with_(
        file=run.result.file.with_(score=score, checks=checks), groups=_groups(run, home), variant="fp32, 1 thread"
    )


def _groups(run: Run, home: Path) -> tuple[Group, ...]:
    recipe = run.recipe
    body = baselines.anatomy(recipe.dataset, recipe.model, recipe.width, home)
    assert body is not None, "a shipped model"
    pruned: Step | None = next((step for step in recipe.steps if step.technique == "prune-channels"), None)
    widths = prune_plan(body, pruned.knobs).widths if pruned else body.sizes()
    return tuple(
        Group(name=group.name, label=group.label, before=group.size, after=widths[group.name]) for group in body.groups
    )
