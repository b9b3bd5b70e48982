"""Runs that no search has made, as shapes that a search can learn from and train on. Light.

Whoever has already found widths that keep the goal has told how fast an answer must at least be, and where to go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from . import catalog, model_knobs, recipes, search_controls
from .records import KnobValue, Recipe, Run, Step
from .search_sampler import TARGETS, Space
from .search_space import ALLOCATIONS, RUNGS, Shape
from .searches import Trial

KNOWN = ("early-stride", "prune-channels")
"""What a search does to a network before it is trained."""
OWN = "run"
"""The only name in the shape of a run that a search could not have made: nothing is trained on from it."""


def trials(base: Recipe, runs: Iterable[Run], space: Space) -> tuple[Trial, ...]:
    """One for each run that is measured; `space` as the search varies it."""
    done = [run for run in runs if run.result is not None and run.latency is not None]
    return tuple(Trial(run_id=run.id, made=False, **_found(base, run, space)) for run in done)


def _found(base: Recipe, run: Run, space: Space) -> dict:
    shape = shape_of(base, run, space)
    return {"shape": {OWN: run.id}, "rung": RUNGS - 1} if shape is None else {"shape": shape, "rung": rung_of(run)}


def rung_of(run: Run) -> int:
    """The last one that trains no longer than this run was trained."""
    spent = search_controls.epochs(run.recipe)
    return max((rung for rung, epochs in enumerate(catalog.data_of(run).rungs) if epochs <= spent), default=0)


def shape_of(base: Recipe, run: Run, space: Space) -> Shape | None:
    """What a search would have called this network; None where its steps are not those of a search.

    Recovered without a teacher, it is called by the usual one: it is the same network to train on.
    """
    network = [s for s in run.recipe.steps if catalog.technique(s.technique).stage == "network"]
    cuts, trained = network[:-1], network[-1:]
    names = [step.technique for step in cuts]
    if run.recipe.start == "scratch" or not trained or names != [name for name in KNOWN if name in names]:
        return None
    if (
        model_knobs.quantized_otherwise(run.recipe)
        or trained[0].technique not in ("fine-tune", "distill")
        or ("early-stride" in names and "early" not in space)
    ):
        return None
    taught = _taught(base, run, trained[0])
    early: dict[str, KnobValue] = {"early": "early-stride" in names} if "early" in space else {}
    pruning = next((step for step in cuts if step.technique == "prune-channels"), None)
    small = _timed(run, pruning) if "latency_target" in space else _shared(run, pruning)
    start = {"start": run.recipe.model_ref} if "start" in space or run.recipe.model_ref != base.model_ref else {}
    return None if small is None else {**early, **start, **small, **taught}


def _taught(base: Recipe, run: Run, step: Step) -> Mapping[str, KnobValue]:
    temperature, alpha = catalog.data_of(run).taught
    knobs = {"temperature": temperature, "alpha": alpha, "teacher": "dense", **step.knobs}
    if knobs["teacher"] == base.model_ref:
        knobs["teacher"] = "dense"
    return {name: knobs[name] for name in ("temperature", "alpha", "teacher")}


def _timed(run: Run, pruning: Step | None) -> Mapping[str, KnobValue]:
    """By what the measurement says of its time: the nearest target."""
    assert run.latency is not None
    asked = str(pruning.knobs["allocation"]) if pruning else ""
    share = 1 / run.latency.ratio.value
    return {
        **_by_hand(run, pruning),
        "allocation": asked if asked in ALLOCATIONS else ALLOCATIONS[0],
        "latency_target": min(TARGETS, key=lambda target: abs(target - share)),
        "precision": recipes.precision(run.recipe),
    }


def _shared(run: Run, pruning: Step | None) -> Mapping[str, KnobValue] | None:
    """By the share of channels that is gone, where it is the same everywhere."""
    if pruning is None:
        return None
    if pruning.knobs["allocation"] == "uniform":
        return {name: pruning.knobs[name] for name in ("allocation", "sparsity", "round_to", "importance")}
    return {**_by_hand(run, pruning), "allocation": str(pruning.knobs["allocation"])}


def _by_hand(run: Run, pruning: Step | None) -> Mapping[str, KnobValue]:
    """The widths it came to; none where it is as wide as its start."""
    assert run.result is not None
    narrowed = [group for group in run.result.groups if pruning is not None and group.after < group.before]
    importance = str(pruning.knobs["importance"]) if pruning else "l2"
    return {"widths": "+".join(f"{group.name}:{group.after}" for group in narrowed), "importance": importance}
