"""What a search knows of itself: its runs beside the reference, what each shape came to, how long things take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from . import recipes, search_controls, search_space, search_views
from .profiles import PRECISIONS
from .records import Recipe, Run, State
from .search_answer import Judged, answer, judge
from .search_rules import Tried
from .search_space import RUNGS, Precision, Shape
from .searches import Search, Trial
from .store_read import StoreReader

OVERHEAD_S = 6.0
"""Export, gate, score and time of a run, until this search has seen its own."""
EPOCH_S = 8.0
"""Of a small network, until this search has seen its own."""
TRAINED = ("Distil", "Recover")
GROWTH = 0.7
"""The time of an epoch grows with this power of the arithmetic: what costs the same in any network grows not at all."""


class Knowledge:
    """One look at the runs of a search, and at what was made before it for the same project."""

    def __init__(self, store: StoreReader, search: Search) -> None:
        self.search = search
        self.reference = store.reference_run(search.project)
        everyone = {run.id: run for run in store.runs(search.project.id, origin="own")}
        self.runs = {number: everyone[number] for number in search.run_ids if number in everyone}
        self.earlier = _earlier(everyone, self.reference, self.runs)
        self.past = _past_trials(store.home, search, {**self.runs, **self.earlier})
        """Trials of earlier searches from the same dense model: their shapes can be trained on."""
        self.judged: dict[int, Judged] = {}
        if self.reference is not None and self.reference.result is not None:
            many = (*self.runs.values(), *self.earlier.values())
            self.judged = judge(store.home, self.reference, many, search.goal)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Its own and those of earlier searches, as far as their runs are still there."""
        return (*self.past, *(trial for trial in self.search.trials if trial.run_id in self.runs))

    def run(self, number: int) -> Run:
        return self.runs.get(number) or self.earlier[number]

    @property
    def live(self) -> list[Run]:
        return [run for run in self.runs.values() if run.state.live]

    @property
    def items(self) -> int:
        """Of validation."""
        made = self.reference.result if self.reference else None
        return made.file.score.validation.n if made else 1000

    @property
    def candidates(self) -> list[Judged]:
        """Its own runs without the controls, and those made before it."""
        own = {trial.run_id for trial in self.trials} | set(self.earlier)
        return [one for number, one in self.judged.items() if number in own]

    @property
    def best(self) -> Run | None:
        """The qualified or the nearest run, as things stand."""
        told = answer(self.candidates, self.search.goal)
        chosen = told.run_id or told.nearest_id
        return self.run(chosen) if chosen else None

    @property
    def tried(self) -> list[Tried]:
        """Each shape after its last rung, in its faster precision."""
        by_shape: dict[str, list[tuple[int, Judged]]] = {}
        shapes: dict[str, Shape] = {}
        for trial in self.trials:
            one = self.judged.get(trial.run_id)
            if one is not None and one.run.latency is not None and one.run.latency.valid:
                key = search_space.key(trial.shape)
                shapes[key] = trial.shape
                by_shape.setdefault(key, []).append((trial.rung, one))
        return [_tried(shapes[key], many) for key, many in by_shape.items()]

    def attempted(self, shape: Shape, rung: int) -> bool:
        return any(trial.shape == shape and trial.rung == rung for trial in self.trials)

    def untimed_precision(self) -> tuple[Shape, int, Precision] | None:
        """A shape whose first rung is done in one precision only: the network is cached, its time is cheap to learn.

        Not one with a target of latency: in the other precision it would be another network.
        """
        for trial in self.search.trials:
            run = self.runs.get(trial.run_id)
            if trial.rung == 0 and not search_space.is_timed(trial.shape) and run and run.state is State.DONE:
                same = [t for t in self.trials if t.shape == trial.shape and t.rung == 0]
                have = {recipes.precision(self.run(t.run_id).recipe) for t in same}
                missing: Precision | None = next((p for p in PRECISIONS[::-1] if p not in have), None)
                if missing:
                    return trial.shape, 0, missing
        return None

    def faster_precision(self, shape: Shape) -> Precision | None:
        """By its valid times; None where nothing is known."""
        timed = [
            (one.ratio.value, recipes.precision(one.run.recipe))
            for trial in self.trials
            if trial.shape == shape and (one := self.judged.get(trial.run_id)) is not None
        ]
        return max(timed)[1] if timed else None

    def paces(self) -> dict[str, list[tuple[int, float]]]:
        """Epochs and seconds of the training of each shape's runs; what came from the cache does not count."""
        found: dict[str, list[tuple[int, float]]] = {}
        for trial in self.trials:
            result = self.run(trial.run_id).result
            spent = sum(result.stage_seconds.get(stage, 0.0) for stage in TRAINED) if result else 0.0
            if spent > 1:
                found.setdefault(search_space.key(trial.shape), []).append((RUNGS[trial.rung], spent))
        return found

    def overhead_s(self) -> float:
        """Of a run, beside its training."""
        seen = [
            sum(spent for stage, spent in run.result.stage_seconds.items() if stage not in TRAINED) + 1.0
            for run in self.runs.values() if run.result is not None
        ]  # fmt: skip
        return max(seen[-4:], default=OVERHEAD_S)

    def seconds_of(self, recipe: Recipe) -> float:
        """Of a control: its epochs at the slowest pace seen, the dense network's by its arithmetic."""
        paces = [spent / count for many in self.paces().values() for count, spent in many]
        pace = max(paces, default=EPOCH_S)
        best, dense = self.best, self.reference
        small = any(step.technique == "prune-channels" for step in recipe.steps)
        if best is not None and best.result and dense is not None and dense.result and not small:
            pace *= max(dense.result.file.macs / best.result.file.macs, 1.0) ** GROWTH
        return search_controls.epochs(recipe) * pace + self.overhead_s()


def _earlier(everyone: Mapping[int, Run], reference: Run | None, own: Mapping[int, Run]) -> dict[int, Run]:
    """Done runs that were timed in the same conditions as the reference."""
    if reference is None or reference.fingerprint is None:
        return {}
    return {
        number: run for number, run in everyone.items()
        if number not in own and not run.is_reference and run.state is State.DONE
        and run.fingerprint is not None and run.fingerprint.id == reference.fingerprint.id
    }  # fmt: skip


def _past_trials(home: Path, search: Search, there: Mapping[int, Run]) -> tuple[Trial, ...]:
    same = [one for one in search_views.known(home) if one.id != search.id and one.base.id == search.base.id]
    return tuple(trial for one in same for trial in one.trials if trial.run_id in there)


def _tried(shape: Shape, many: Sequence[tuple[int, Judged]]) -> Tried:
    last = max(rung for rung, _ in many)
    fast = max((one for rung, one in many if rung == last), key=lambda one: one.ratio.value)
    best = {rung: min(100 * one.loss.value for r, one in many if r == rung) for rung, _ in many}
    losses = tuple(best[rung] for rung in sorted(best))
    return Tried(shape, last, 100 * fast.loss.value, fast.upper, fast.ratio.value, losses)
