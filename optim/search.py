"""The search itself, one look at a time: the driver calls `step`, runs are submitted like any other's.

    explore   shapes are tried shortly, promising ones trained on, until the controls' share of the budget is reached
    control   the runs that the answer has to beat, as many as fit
    done      the answer's test set is opened, the sentence written

Selection sees validation only: the runs of a search are made with the test set closed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from . import baselines, outcomes, search_controls, search_rules, search_sampler, search_space, searches, words
from .records import Run, State
from .search_answer import Judged, answer, upper_bound
from .search_rules import Tried
from .search_space import Shape
from .searches import Control, Search, Trial
from .store import Store

CONTROL_SHARE = 0.3
"""Of the budget, at most."""
SAVE_SECONDS = 2.0
ENDING_S = 4.0
"""Opening the test set of the answer takes about this long."""
OVERHEAD_S = 6.0
"""Export, gate, score and time of a run, until this search has seen its own."""
EPOCH_S = 8.0
LATENCY_TARGETS = (0.25, 0.18, 0.35, 0.13)
SPARSITIES = (0.5, 0.6, 0.4, 0.7)


class Waiting(NamedTuple):
    """What the search would do next, and what it will cost in seconds."""

    shape: Shape
    rung: int
    precision: Literal["fp32", "int8"]
    cost_s: float


class Seeker:
    """One search that is running."""

    def __init__(self, store: Store, search: Search, say: Callable[[str], None], speed_known: bool = False) -> None:
        self.store, self.search, self.say, self.latency = store, search, say, speed_known
        self._at = self._saved_at = time.monotonic()

    # -- the driver's ------------------------------------------------------------------------------------------------

    def step(self, room: int) -> None:
        """One look; at most `room` runs of it are live afterwards."""
        self._hear()
        if self.search.state != "running":
            self._at = time.monotonic()
            return
        self._count_time()
        live = [run for run in self._runs() if run.state.live]
        if self.search.left_s <= 0 and live:
            for run in live:
                self.store.request_cancel(run.id)
            return
        if len(live) >= room:
            return
        if self.search.phase == "explore":
            self._explore(live)
        elif self.search.phase == "control":
            self._control(live)
        else:
            self._end()

    def _hear(self) -> None:
        wanted = searches.take_wish(self.store.home, self.search.id)
        if wanted is None:
            return
        changes: dict[str, object] = {"budget_s": self.search.budget_s + wanted.more_s}
        if wanted.state:
            changes["state"] = wanted.state
        if wanted.more_s > 0:
            changes |= {"state": "running", "phase": "explore", "answer": None, "ended_at": None}
        self._keep(**changes)
        if self.search.state != "running":
            for run in self._runs():
                if run.state.live:
                    self.store.request_cancel(run.id)

    def _count_time(self) -> None:
        now = time.monotonic()
        self.search = self.search.with_(spent_s=self.search.spent_s + now - self._at)
        self._at = now
        if now - self._saved_at > SAVE_SECONDS:
            self._keep()

    # -- explore -----------------------------------------------------------------------------------------------------

    def _explore(self, live: Sequence[Run]) -> None:
        room_s = self.search.left_s - CONTROL_SHARE * self.search.budget_s
        wanted = self._next()
        if wanted is None or wanted.cost_s > room_s:
            if not live:
                self._keep(phase="control", controls=self._controls())
                self.say(f"Search {self.search.id}: exploring is over, controls follow")
            return
        self._try(wanted)

    def _try(self, wanted: Waiting) -> None:
        recipe = search_space.recipe(self.search.base, wanted.shape, wanted.rung, wanted.precision, self.search.seed)
        run, _ = self.store.submit(recipe, self.search.project, open_test=False)
        trial = Trial(run_id=run.id, shape=dict(wanted.shape), rung=wanted.rung)
        self._keep(trials=(*self.search.trials, trial))

    def _next(self) -> Waiting | None:
        """The other precision of what was just made (the network lies in the cache), else the next move."""
        runs = {run.id: run for run in self._runs()}
        for shape, rung in self._made(runs):
            missing = self._missing_precision(shape, rung, runs)
            if missing is not None:
                return Waiting(shape, rung, missing, self._overhead(runs))
        tried = self.tried()
        items = self._items()
        move = search_rules.next_move(
            tried, self.search.goal.max_loss, confidence=self.search.goal.confidence, items=items
        )
        shape = move.shape if move.shape is not None else self._new_shape(tried)
        if shape is None:
            return None
        cost = search_rules.seconds(self._past(runs), shape, move.rung, EPOCH_S) + 2 * self._overhead(runs)
        return Waiting(shape, move.rung, self._first_precision(shape, runs), cost)

    def _new_shape(self, tried: Sequence[Tried]) -> Shape | None:
        first = search_sampler.first_shapes(LATENCY_TARGETS if self.latency else SPARSITIES, latency=self.latency)
        known = {search_space.key(trial.shape) for trial in self.search.trials}
        space = search_sampler.spaces(latency=self.latency, importances=("l2", "l1"))
        return search_sampler.propose(
            tried, known, first, space, max_loss=self.search.goal.max_loss, seed=self.search.seed
        )

    def _made(self, runs: dict[int, Run]) -> list[tuple[Shape, int]]:
        return [(trial.shape, trial.rung) for trial in self.search.trials if runs[trial.run_id].state is State.DONE]

    def _missing_precision(self, shape: Shape, rung: int, runs: dict[int, Run]) -> Literal["fp32", "int8"] | None:
        """At the first rung both are timed; later ones need only the faster."""
        if rung > 0:
            return None
        have = {_precision(runs[t.run_id]) for t in self.search.trials if t.shape == shape and t.rung == rung}
        return next((p for p in ("int8", "fp32") if p not in have), None)

    def _first_precision(self, shape: Shape, runs: dict[int, Run]) -> Literal["fp32", "int8"]:
        timed = [
            (latency.p50_ms, _precision(run))
            for trial in self.search.trials
            if trial.shape == shape and (latency := (run := runs[trial.run_id]).latency) is not None
        ]
        return min(timed)[1] if timed else "int8"

    # -- what is known -----------------------------------------------------------------------------------------------

    def judged(self) -> list[Judged]:
        """The done runs of the search beside the reference."""
        reference = self.store.reference_run(self.search.project)
        found = []
        for run in self._runs():
            if run.result is None or reference is None or reference.result is None or run.state is not State.DONE:
                continue
            loss = outcomes.loss(self.store.home, reference, run)
            if loss is not None:
                found.append(Judged(run, loss, upper_bound(loss, self.search.goal.confidence)))
        return found

    def tried(self) -> list[Tried]:
        """Each shape after its last rung, in its faster precision."""
        judged = {one.run.id: one for one in self.judged() if one.run.latency and one.run.latency.valid}
        by_shape: dict[str, list[tuple[int, Judged]]] = {}
        shapes: dict[str, Shape] = {}
        for trial in self.search.trials:
            if trial.run_id in judged:
                key = search_space.key(trial.shape)
                shapes[key] = trial.shape
                by_shape.setdefault(key, []).append((trial.rung, judged[trial.run_id]))
        return [_tried(shapes[key], many) for key, many in by_shape.items()]

    def _best_run(self) -> Run | None:
        told = answer(self.judged_trials(), self.search.goal)
        chosen = told.run_id or told.nearest_id
        return self.store.run(chosen) if chosen else None

    def judged_trials(self) -> list[Judged]:
        own = {trial.run_id for trial in self.search.trials}
        return [one for one in self.judged() if one.run.id in own]

    def _past(self, runs: dict[int, Run]) -> dict[str, list[tuple[int, float]]]:
        """Epochs and seconds of the training of each shape's runs; what came from the cache does not count."""
        past: dict[str, list[tuple[int, float]]] = {}
        for trial in self.search.trials:
            result = runs[trial.run_id].result
            spent = result.stage_seconds.get("Distil", 0.0) if result else 0.0
            if spent > 1:
                count = search_space.RUNGS[trial.rung] * (3 if trial.shape["kind"] == "student" else 1)
                past.setdefault(search_space.key(trial.shape), []).append((count, spent))
        return past

    def _overhead(self, runs: dict[int, Run]) -> float:
        """Seconds of a run beside its training."""
        seen = [
            sum(spent for stage, spent in run.result.stage_seconds.items() if stage != "Distil") + 1.0
            for run in runs.values() if run.result is not None
        ]  # fmt: skip
        return max(seen[-6:], default=OVERHEAD_S)

    def _items(self) -> int:
        reference = self.store.reference_run(self.search.project)
        return reference.result.file.score.validation.n if reference and reference.result else 1000

    def _runs(self) -> list[Run]:
        return [self.store.run(number) for number in self.search.run_ids]

    # -- controls and end --------------------------------------------------------------------------------------------

    def _control(self, live: Sequence[Run]) -> None:
        """The cheapest first; one that would not end in time is marked, not started."""
        waiting = [c for c in self.search.controls if c.run_id is None and not c.note and c.recipe is not None]
        if not waiting:
            if not live:
                self._keep(phase="done")
            return
        cheap = min(waiting, key=self._cost_of)
        cost, left = self._cost_of(cheap), self.search.left_s - ENDING_S
        if cost > left:
            self._settle(cheap, note=f"not run: it takes about {cost:.0f} s, and {max(left, 0):.0f} s were left")
            return
        assert cheap.recipe is not None
        run, _ = self.store.submit(cheap.recipe, self.search.project, open_test=False)
        self._settle(cheap, run_id=run.id)

    def _controls(self) -> tuple[Control, ...]:
        base = self.search.base
        anatomy = baselines.anatomy(base.dataset, base.model, base.width, self.store.home)
        return search_controls.controls_of(base, self._best_run(), anatomy)

    def _settle(self, control: Control, **changes: object) -> None:
        self._keep(controls=tuple(c.with_(**changes) if c is control else c for c in self.search.controls))

    def _cost_of(self, control: Control) -> float:
        """Seconds: its epochs at the answer's pace, wider networks by their arithmetic."""
        assert control.recipe is not None
        runs = {run.id: run for run in self._runs()}
        best = self._best_run()
        paces = [spent / count for many in self._past(runs).values() for count, spent in many]
        pace = max(paces, default=EPOCH_S)
        if (
            best is not None
            and best.result is not None
            and not any(step.technique == "prune-channels" for step in control.recipe.steps)
        ):
            dense = self.store.reference_run(self.search.project)
            macs = dense.result.file.macs if dense and dense.result else best.result.file.macs
            pace *= max(macs / best.result.file.macs, 1.0) ** 0.7
        return search_controls.epochs(control.recipe) * pace + self._overhead(runs)

    def _end(self) -> None:
        """The sentence from validation; then the test set of the answer is opened, once."""
        many = self.judged_trials()
        told = answer(many, self.search.goal)
        chosen = next((one for one in many if one.run.id == told.run_id), None)
        if chosen is not None:
            judged = {one.run.id: one for one in self.judged()}
            pairs = [(c, judged[c.run_id]) for c in self.search.controls if c.run_id in judged]
            beaten = search_controls.as_good(chosen, pairs)
            told = told.with_(beaten=beaten, sentence=told.sentence + _against(beaten, len(pairs)))
            if chosen.run.result is not None and chosen.run.result.file.score.test is None:
                self.store.open_test(chosen.run.id)
        self._keep(answer=told, state="done", ended_at=time.time())
        self.say(f"Search {self.search.id}: {told.sentence}")

    def _keep(self, **changes: object) -> None:
        self.search = self.search.with_(**changes)
        searches.save(self.store.home, self.search)
        self._saved_at = time.monotonic()


def _precision(run: Run) -> Literal["fp32", "int8"]:
    return "int8" if any(step.technique == "quantize-int8" for step in run.recipe.steps) else "fp32"


def _tried(shape: Shape, many: Sequence[tuple[int, Judged]]) -> Tried:
    last = max(rung for rung, _ in many)
    fast = max((one for rung, one in many if rung == last), key=lambda one: one.ratio.value)
    best = {rung: min(100 * one.loss.value for r, one in many if r == rung) for rung, _ in many}
    losses = tuple(best[rung] for rung in sorted(best))
    return Tried(shape, last, 100 * fast.loss.value, fast.upper, fast.ratio.value, losses)


def _against(beaten: Sequence[str], ran: int) -> str:
    if not ran:
        return " None of its controls could be run in the budget."
    if beaten:
        return f" It does not beat its controls: {', '.join(beaten)}."
    return f" It beats the {words.plural(ran, 'control')} that were run."
