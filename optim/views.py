"""What `--json` prints: runs and fronts as plain objects, the same in `run`, `list`, `show` and `pareto`.

Other programs read these: keep every name. Fractions are from 0 to 1, times in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from . import conditions, findings, outcomes, pareto, progress
from .facts import Fact
from .home import run_folder, shipped_file
from .outcomes import SplitName
from .records import Event, Project, Run
from .results import Fingerprint, Latency, Measurement, Result, Score
from .search_candidates import candidates
from .searches import Search
from .store_moves import Origin
from .store_read import StoreReader

Json = dict[str, Any]
ORIGINS: tuple[Origin, ...] = ("own", "example")
LOSS_FIELDS = ("value", "low", "high", "p_value", "n", "paired")
LATENCY_FIELDS = ("p50_ms", "p90_ms", "p99_ms", "mean_ms", "low_ms", "high_ms", "calls", "rounds", "threads", "batch")


def run_object(run: Run, reference: Run | None, home: Path) -> Json:
    """A run with its reference under `baseline` and its `loss` against it. What is not known yet is null."""
    told = {"loss": loss_object(run, reference, home), "baseline": _facts(reference, home) if reference else None}
    return {**_facts(run, home), **told}


def loss_object(run: Run, reference: Run | None, home: Path, split: SplitName = "validation") -> Json | None:
    """Accuracy of the reference minus the run's: `paired` on the same items where they are known."""
    if reference is None or (run.id, run.origin) == (reference.id, reference.origin):
        return None
    loss = outcomes.loss(home, reference, run, split)
    return {name: getattr(loss, name) for name in LOSS_FIELDS} if loss is not None else None


def _facts(run: Run, home: Path) -> Json:
    result = run.result
    file = result.file if result else None
    return {
        "id": run.id,
        "state": str(run.state),
        "origin": run.origin,
        "project": run.project.model_dump(mode="json"),
        "recipe_id": run.recipe.id,
        "recipe": run.recipe.model_dump(mode="json"),
        "score": _score(file.score) if file else None,
        "latency": _latency(run.latency) if run.latency else None,
        "params": file.params if file else None,
        "macs": file.macs if file else None,
        "size_bytes": file.size_bytes if file else None,
        "precision": file.precision if file else None,
        "onnx": str(onnx_path(run, home)) if file else None,
        "parity": file.parity.model_dump(mode="json") if file else None,
        "fingerprint": fingerprint_object(run.fingerprint) if run.fingerprint else None,
        "measured_at": run.measurement.made_at if run.measurement else None,
        "earlier": [_measured(one) for one in run.earlier],
        "failure": run.failure.model_dump(mode="json") if run.failure else None,
        **_circumstances(run, result),
    }


def _circumstances(run: Run, result: Result | None) -> Json:
    return {
        "attempt": run.attempt,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "train_device": result.train_device if result else run.train_device,
        "variant": result.variant if result else "",
        "stage_seconds": result.stage_seconds if result else {},
        "cached_steps": result.cached_steps if result else 0,
        "groups": [group.model_dump(mode="json") for group in result.groups] if result else [],
        "warnings": list(result.warnings) if result else [],
        "note": run.note,
    }


def _score(score: Score) -> Json:
    """`further`: the same answers by other metrics, each such an object without `further`."""
    return {**_by_metric(score), "further": [_by_metric(one) for one in score.further]}


def _by_metric(score: Score) -> Json:
    return score.model_dump(mode="json", exclude={"further"})


def _latency(latency: Latency) -> Json:
    times = {name: getattr(latency, name) for name in LATENCY_FIELDS}
    times["p99_ms"] = latency.p99_ms if latency.p99_known else None
    verdict = {"valid": latency.valid, "reasons": list(latency.reasons)}
    return {**times, **verdict, "ratio": latency.ratio.model_dump(mode="json")}


def _measured(one: Measurement) -> Json:
    """The newest time under other conditions, in short."""
    where = {"fingerprint": one.fingerprint.id, "processor": one.fingerprint.processor, "measured_at": one.made_at}
    return {**where, "p50_ms": one.latency.p50_ms, "valid": one.latency.valid}


def fingerprint_object(fingerprint: Fingerprint) -> Json:
    """With its `id`: times are comparable when the ids are equal."""
    return {"id": fingerprint.id, **fingerprint.model_dump(mode="json")}


def onnx_path(run: Run, home: Path) -> Path:
    """Where the file of a done run lies; an example's lies among the shipped ones until it is measured here."""
    assert run.result is not None
    if run.origin == "example" and run.id == 0:
        return shipped_file(run.result.file.name)
    return run_folder(home, run.id) / run.result.file.name


def run_objects(store: StoreReader, runs: Iterable[Run]) -> list[Json]:
    """Each run with the reference of its own project, as that was timed under the same conditions."""
    references: dict[int, Run | None] = {}
    objects = []
    for run in runs:
        if run.project.id not in references:
            references[run.project.id] = store.reference_run(run.project)
        reference, mark = references[run.project.id], run.fingerprint
        alike = reference.under(mark.id) if reference is not None and mark is not None else None
        objects.append(run_object(run, alike or reference, store.home))
    return objects


def front_objects(store: StoreReader, projects: Iterable[Project]) -> list[Json]:
    """One front per project, origin and fingerprint: times of different ones never join, nor do shipped examples
    that were timed here and the user's own runs. A run stands in each front of conditions it was timed under.
    """
    objects = []
    for project, origin in product(projects, ORIGINS):
        made = findings.measured(store.runs(project_id=project.id, origin=origin))
        newest = store.reference_run(project)
        for key, fingerprint in conditions.machines(made).items():
            alike = conditions.under(made, key)
            reference = (newest.under(key) or newest) if newest else None
            objects.append(
                {
                    "origin": origin,
                    "project": project.model_dump(mode="json"),
                    "fingerprint": fingerprint_object(fingerprint),
                    **_front(alike, reference, store.home),
                    "reference": _facts(reference, store.home) if reference else None,
                    "openings": store.openings(project.id),
                }
            )
    return objects


def fronts_object(fronts: Sequence[Json]) -> Json:
    """What `pareto` prints: the front with the newest own run, the rest under `others`, shipped examples last."""
    empty = {"origin": "own", "project": None, "fingerprint": None, "reference": None, "openings": 0, "disturbed": ""}
    parts: Json = {part: [] for part in ("front", "dominated", "tied", "not_valid", "ties", "families")}
    nothing = {**empty, "finding": "No run is measured yet", **parts}
    first, *others = sorted(fronts, key=_newest, reverse=True) or [nothing]
    return {**first, "others": others}


def _newest(front: Json) -> tuple[bool, int]:
    newest = max(run["id"] for part in ("front", "dominated", "not_valid") for run in front[part])
    return front["origin"] == "own", newest


def _front(runs: Sequence[Run], reference: Run | None, home: Path) -> Json:
    """Fast and accurate first; a time that is not valid takes no part in the front and stands apart.

    Runs equal but for the seed stand where their mean stands. `ties`: numbers of runs that cannot be told apart.
    """
    found = findings.find(runs, pairing=outcomes.pairing(home), test=outcomes.pairing(home, "test"))
    valid = [fact for fact in found.facts if fact.verdict != findings.UNSURE]
    best = {point.id for point in pareto.front([fact.point for fact in valid])}
    unsure = [fact for fact in found.facts if fact.verdict == findings.UNSURE]

    def objects(facts: Iterable[Fact]) -> list[Json]:
        return [run_object(run, reference, home) for fact in facts for run in fact.runs]

    return {
        "finding": found.title,
        "front": objects(fact for fact in valid if fact.run.id in best),
        "dominated": objects(fact for fact in valid if fact.run.id not in best),
        "tied": [run.id for fact in valid if fact.verdict == findings.TIED for run in fact.runs],
        "not_valid": objects(unsure),
        "disturbed": found.sentence if found.nothing_valid else "",
        "ties": [list(band) for band in found.bands],
        "families": [_family(fact) for fact in found.facts if fact.members],
    }


def _family(fact: Fact) -> Json:
    """A recipe over several seeds: means with t intervals over them."""
    accuracy = fact.score.model_dump(mode="json", exclude={"n"})
    mean = {"validation": accuracy, "ratio": fact.gain.model_dump(mode="json"), "n": len(fact.members)}
    return {"runs": [run.id for run in fact.members], "seeds": [run.recipe.seed for run in fact.members], **mean}


def search_object(store: StoreReader, search: Search) -> Json:
    """A search with its answer: `best` is a run object or null, `front` the runs that no other dominates, of its
    own and of those made before it.

    Runs that were deleted since are left out. `test`: what the opened test set shows of the answer.
    """
    there = {run.id: run for run in store.runs(search.project.id, origin="own")}
    found = candidates(store, search)
    reference, tried = found.reference, [one.run for one in found.tried]
    with_reference = [*tried, reference] if reference is not None and reference.result is not None else tried
    told = search.answer
    best = there.get(told.run_id or 0) if told else None
    verdicts = {one.name: one.model_dump(include={"kind", "said"}) for one in told.verdicts} if told else {}

    def shown(run: Run | None) -> Json | None:
        return run_object(run, reference, store.home) if run else None

    return {
        "id": search.id,
        "state": search.state,
        "sentence": told.sentence if told else "",
        "failure": search.failure.model_dump(mode="json") if search.failure else None,
        "best": shown(best),
        "test": _on_test(best, reference, store.home) if best else None,
        "front": _front(with_reference, reference, store.home)["front"],
        "controls": [
            {"name": c.name, "note": c.note, "run": shown(there.get(c.run_id or 0)), "verdict": verdicts.get(c.name)}
            for c in search.controls
        ],
        "budget_s": search.budget_s,
        "spent_s": round(search.spent_s, 1),
    }


def _on_test(best: Run, reference: Run | None, home: Path) -> Json | None:
    """Scores of both on the test set, and the loss between them; null before it is opened."""
    answer, dense = (one.result.file.score.test if one and one.result else None for one in (best, reference))
    if answer is None:
        return None
    loss, other = loss_object(best, reference, home, "test"), dense.model_dump() if dense else None
    return {"answer": answer.model_dump(), "reference": other, "loss": loss}


def latest_attempt(events: Sequence[Event]) -> list[Event]:
    """The heartbeats since the driver last started the run: it marks each attempt by an event without a stage."""
    return list(progress.since_start(events))
