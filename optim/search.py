"""The search itself, one look at a time: the driver calls `step`, runs are submitted like any other's.

    explore   first the base model's profile is asked for, where there is none and time for it; then
              shapes are tried shortly, promising ones trained on, until the controls' share of the budget is reached
    control   the runs that the answer has to beat, as many as fit
    open      the test set is opened for the answer alone
    done      the sentence is written

Selection sees validation only: the runs of a search are made with the test set closed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from . import search_controls, search_rules, search_sampler, search_space, searches, words
from .search_answer import answer
from .search_profile import Profiled, is_awaited
from .search_sampler import Past
from .search_space import Precision, Shape
from .search_state import EPOCH_S, Knowledge
from .searches import Answer, Control, Search, Trial
from .store import Store

CONTROL_SHARE = 0.3
"""Of the budget, at most."""
SAVE_SECONDS = 2.0
ENDING_S = 5.0
"""Opening the test set of the answer takes about this long."""


class Waiting(NamedTuple):
    """What the search would do next, and what it will cost in seconds."""

    shape: Shape
    rung: int
    precision: Precision
    cost_s: float


class Seeker:
    """One search that is running; `say` prints a line for the driver's log."""

    def __init__(self, store: Store, search: Search, say: Callable[[str], None]) -> None:
        self.store, self.search, self.say = store, search, say
        self._at = self._saved_at = time.monotonic()

    def step(self, room: int) -> None:
        """One look; at most `room` runs of it are live afterwards."""
        self._hear()
        if self.search.state != "running":
            self._at = time.monotonic()
            return
        self._count_time()
        known = Knowledge(self.store, self.search)
        if self.search.left_s <= 0 and known.live and self.search.phase != "open":
            for run in known.live:
                self.store.request_cancel(run.id)
        elif len(known.live) < room:
            {"explore": self._explore, "control": self._control, "open": self._open}[self.search.phase](known)

    def _hear(self) -> None:
        """Pause, go on, go on for longer, or end here."""
        wanted = searches.take_wish(self.store.home, self.search.id)
        if wanted is None:
            return
        changes: dict[str, object] = {"budget_s": self.search.budget_s + wanted.more_s}
        if wanted.state:
            changes["state"] = wanted.state
        if wanted.more_s > 0:
            changes |= {"state": "running", "phase": "explore", "answer": None, "ended_at": None, "controls": ()}
        self._keep(**changes)
        if self.search.state != "running":
            for run in Knowledge(self.store, self.search).live:
                self.store.request_cancel(run.id)

    def _count_time(self) -> None:
        now = time.monotonic()
        self.search = self.search.with_(spent_s=self.search.spent_s + now - self._at)
        self._at = now
        if now - self._saved_at > SAVE_SECONDS:
            self._keep()

    def _explore(self, known: Knowledge) -> None:
        if is_awaited(self.store.home, self.search):
            if not self.search.asked_profile:
                self._keep(asked_profile=True)
            return
        profiled = Profiled(self.store.home, self.search)
        room_s = self.search.left_s - CONTROL_SHARE * self.search.budget_s
        wanted = self._next(known, profiled)
        if wanted is not None and wanted.cost_s <= room_s:
            base, shape = self.search.base, wanted.shape
            recipe = search_space.recipe(base, shape, wanted.rung, wanted.precision, self.search.seed)
            run, _ = self.store.submit(recipe, self.search.project, open_test=False)
            trial = Trial(run_id=run.id, shape=dict(shape), rung=wanted.rung)
            self._keep(trials=(*self.search.trials, trial))
        elif not known.live:
            controls = search_controls.controls_of(self.search.base, known.best, profiled.anatomy)
            self._keep(phase="control", controls=controls)
            self.say(f"Search {self.search.id}: exploring is over, {len(controls)} controls follow")

    def _next(self, known: Knowledge, profiled: Profiled) -> Waiting | None:
        """The other precision of what was just made, else the next move of the rules."""
        overhead = known.overhead_s()
        if (untimed := known.untimed_precision()) is not None:
            return Waiting(*untimed, cost_s=overhead)
        goal = self.search.goal
        move = search_rules.next_move(known.tried, goal.max_loss, confidence=goal.confidence, items=known.items)
        if move.shape is None or known.attempted(move.shape, move.rung):
            shape, rung = self._new_shape(known, profiled), 0
        else:
            shape, rung = move.shape, move.rung
        if shape is None:
            return None
        cost = search_rules.seconds(known.paces(), shape, rung, EPOCH_S) + overhead * (2 if rung == 0 else 1)
        precision = known.faster_precision(shape) or search_space.precision(shape)
        return Waiting(shape, rung, precision, cost)

    def _new_shape(self, known: Knowledge, profiled: Profiled) -> Shape | None:
        """Of a ladder first; then what is expected to be faster than the best that qualifies."""
        goal, seen = self.search.goal, {search_space.substance(trial.shape) for trial in known.trials}
        ready = [shape for shape in profiled.first() if search_space.substance(shape) not in seen]
        if ready and len(known.tried) < 2 * search_rules.FIRST_LOOK:
            return ready[0]
        best, left = search_rules.best_of(known.tried, goal.max_loss), search_rules.gains(known.tried)
        need = goal.max_loss - search_rules.margin(known.tried, goal.confidence, known.items)
        past = [Past(one.shape, one.ratio, search_rules.final_loss(one, left) - need) for one in known.tried]
        space = search_sampler.faster(profiled.space, best.ratio if best else 1.0)
        return search_sampler.propose(past, seen, space, profiled.shape, seed=self.search.seed)

    def _control(self, known: Knowledge) -> None:
        """The cheapest first; one that would not end in time is marked, not started."""
        costs = {
            c.name: known.seconds_of(c.recipe)
            for c in self.search.controls if c.recipe is not None and c.run_id is None and not c.note
        }  # fmt: skip
        if not costs:
            if not known.live:
                self._conclude(known)
            return
        cheap = next(c for c in self.search.controls if c.name == min(costs, key=costs.__getitem__))
        cost, left = costs[cheap.name], max(self.search.left_s - ENDING_S, 0.0)
        if cost > left:
            self._settle(cheap, note=f"not run: it takes about {cost:.0f} s, and {left:.0f} s were left")
            return
        assert cheap.recipe is not None
        run, _ = self.store.submit(cheap.recipe, self.search.project, open_test=False)
        self._settle(cheap, run_id=run.id)

    def _settle(self, control: Control, **changes: object) -> None:
        self._keep(controls=tuple(c.with_(**changes) if c is control else c for c in self.search.controls))

    def _conclude(self, known: Knowledge) -> None:
        """The answer from validation; only then is the test set opened, for the answer alone."""
        told = answer(known.candidates, self.search.goal)
        chosen = known.judged.get(told.run_id) if told.run_id else None
        if chosen is not None:
            ran = [(c, known.judged[c.run_id]) for c in self.search.controls if c.run_id in known.judged]
            beaten = search_controls.as_good(chosen, ran)
            told = told.with_(beaten=beaten, sentence=told.sentence + _against(beaten, len(ran)))
            file = chosen.run.result.file if chosen.run.result else None
            if file is not None and file.score.test is None:
                self.store.open_test(chosen.run.id)
        self._keep(answer=told, phase="open")

    def _open(self, known: Knowledge) -> None:
        """Wait for it, and say what it showed."""
        if known.live:
            return
        told = self.search.answer or Answer(sentence="")
        self._keep(answer=told, phase="done", state="done", ended_at=time.time())
        self.say(f"Search {self.search.id}: {told.sentence}")

    def _keep(self, **changes: object) -> None:
        self.search = self.search.with_(**changes)
        searches.save(self.store.home, self.search)
        self._saved_at = time.monotonic()


def _against(beaten: Sequence[str], ran: int) -> str:
    if not ran:
        return " None of its controls could be run in the budget."
    if beaten:
        return f" It does not beat its controls: {', '.join(beaten)}."
    return f" It beats the {words.plural(ran, 'control')} that were run."
