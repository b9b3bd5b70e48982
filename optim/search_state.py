"""What a search knows of itself: its runs beside the reference, what each shape came to, how long things take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from . import recipes, search_by_hand, search_controls, search_space, search_views
from .profiles import PRECISIONS
from .records import Recipe, Run, State
from .search_answer import Judged, answer
from .search_candidates import candidates
from .search_rules import Tried
from .search_sampler import Space
from .search_space import Precision, Shape
from .searches import Answer, Search, Trial
from .store_read import StoreReader

OVERHEAD_S = 6.0
"""Export, gate, score and time of a run, until this search has seen its own."""
EPOCH_S = 8.0
"""Of a small network, until this search has seen its own."""
TIMED = "Time"
TRAINED = ("Distil", "Recover")
SMALLER = ("prune-channels", "early-stride")
GROWTH = 0.7
"""The time of an epoch grows with this power of the arithmetic: what costs the same in any network grows not at all."""


class Knowledge:
    """One look at the runs of a search, and at what was made before it for the same project."""

    def __init__(self, store: StoreReader, search: Search, space: Callable[[], Space] | None = None) -> None:
        """With what the search varies, runs made by hand are told as shapes too."""
        self.search, self._space = search, space
        found = candidates(store, search)
        self.reference, self.runs, self.earlier = found.reference, found.own, found.earlier
        self.judged, self.candidates = found.judged, found.tried
        self.past = _past_trials(store.home, search, {**self.runs, **self.earlier})
        """Trials of earlier searches from the same dense model: their shapes can be trained on."""

    @cached_property
    def by_hand(self) -> tuple[Trial, ...]:
        """The other runs of before."""
        asked = {trial.run_id for trial in self.past}
        others = [run for number, run in self.earlier.items() if number not in asked]
        return search_by_hand.trials(self.search.base, others, self._space()) if self._space and others else ()

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Its own and those of before, as far as their runs are still there."""
        mine = (trial for trial in self.search.trials if trial.run_id in self.runs)
        return (*self.by_hand, *self.past, *mine)

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
    def told(self) -> Answer:
        """The answer as things stand; once its controls have begun it stays, if it still qualifies."""
        return answer(self.candidates, self.search.goal, self.search.controlled)

    @property
    def fastest_id(self) -> int | None:
        """The run that would be the answer, whichever it is that controls were made for."""
        return answer(self.candidates, self.search.goal).run_id

    @property
    def answered(self) -> bool:
        """Whether a run qualifies, as things stand."""
        return self.told.run_id is not None

    @property
    def best(self) -> Run | None:
        """The qualified or the nearest run, as things stand."""
        told = self.told
        chosen = told.run_id or told.nearest_id
        return self.run(chosen) if chosen else None

    @property
    def tried(self) -> list[Tried]:
        """Each shape after its last rung, in its faster precision."""
        by_shape: dict[str, list[tuple[int, Judged]]] = {}
        shapes: dict[str, Shape] = {}
        searched = {search_space.key(trial.shape) for trial in self.trials[len(self.by_hand) :]}
        for trial in self.trials:
            one = self.judged.get(trial.run_id)
            if one is not None and one.run.latency is not None and one.run.latency.valid:
                key = search_space.key(trial.shape)
                shapes[key] = trial.shape
                by_shape.setdefault(key, []).append((trial.rung, one))
        return [_tried(shapes[key], many, by_hand=key not in searched) for key, many in by_shape.items()]

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
            run = self.run(trial.run_id)
            if (spent := _trained_s(run)) and search_by_hand.OWN not in trial.shape:
                found.setdefault(search_space.key(trial.shape), []).append((search_controls.epochs(run.recipe), spent))
        return found

    def overhead_s(self) -> float:
        """Of a run, beside its training."""
        seen = [
            sum(spent for stage, spent in run.result.stage_seconds.items() if stage not in TRAINED) + 1.0
            for run in self.runs.values() if run.result is not None
        ]  # fmt: skip
        return max(seen[-4:], default=OVERHEAD_S)

    def timing_s(self) -> float:
        """Of timing a file that is there."""
        seen = [run.result.stage_seconds[TIMED] for run in self.runs.values()
                if run.result is not None and TIMED in run.result.stage_seconds]  # fmt: skip
        return max(seen[-4:], default=OVERHEAD_S / 2) + 1.0

    def seconds_of(self, recipe: Recipe) -> float:
        """Of a control: its epochs at the answer's own pace, the dense network's at that of a plain shape, scaled."""
        best = self.best
        small = recipe.model_ref != self.search.base.model_ref or any(s.technique in SMALLER for s in recipe.steps)
        runs = [self.run(trial.run_id) for trial in self.trials]
        plain = [run for run in runs if not _is_early(run)]
        same = [self.run(t.run_id) for t in self.trials if best is not None and t.shape == self._shape_of(best)]
        alike = [run for run in runs if best is not None and _is_early(run) == _is_early(best)]
        likest = ([best] if best else [], same, alike, runs) if small else (plain, runs)
        paces = next(filter(None, ([self._pace(run, small) for run in many if _trained_s(run)] for many in likest)), [])
        return search_controls.epochs(recipe) * max(paces, default=EPOCH_S) + self.overhead_s()

    def _shape_of(self, run: Run) -> Shape | None:
        return next((trial.shape for trial in self.trials if trial.run_id == run.id), None)

    def _pace(self, run: Run, small: bool) -> float:
        """Seconds an epoch; scaled to the dense network's arithmetic where that is asked for."""
        pace, dense = _trained_s(run) / max(search_controls.epochs(run.recipe), 1), self.reference
        if small or dense is None or dense.result is None or run.result is None:
            return pace
        return pace * max(dense.result.file.macs / run.result.file.macs, 1.0) ** GROWTH


def _is_early(run: Run) -> bool:
    return any(step.technique == "early-stride" for step in run.recipe.steps)


def _trained_s(run: Run) -> float:
    """What its training took; 0 where it came from the cache."""
    spent = sum(run.result.stage_seconds.get(stage, 0.0) for stage in TRAINED) if run.result else 0.0
    return spent if spent > 1 else 0.0


def _past_trials(home: Path, search: Search, there: Mapping[int, Run]) -> tuple[Trial, ...]:
    same = [one for one in search_views.known(home) if one.id != search.id and one.base.id == search.base.id]
    return tuple(trial for one in same for trial in one.trials if trial.run_id in there)


def _tried(shape: Shape, many: Sequence[tuple[int, Judged]], *, by_hand: bool) -> Tried:
    last = max(rung for rung, _ in many)
    fast = max((one for rung, one in many if rung == last), key=lambda one: one.ratio.value)
    best = {rung: min(100 * one.loss.value for r, one in many if r == rung) for rung, _ in many}
    losses = tuple(best[rung] for rung in sorted(best))
    return Tried(shape, last, 100 * fast.loss.value, fast.upper, fast.ratio.value, losses, by_hand)
