"""The search itself, one look at a time: the driver calls `step`, runs are submitted like any other's.

    explore   first the base model's profile is asked for, where there is none and time for it; then
              shapes are tried briefly, promising ones trained on, until the controls' share of the budget is reached,
              or to the end as long as nothing qualifies
    control   the runs that the answer has to beat, as many as fit; without an answer there are none
    open      the test set is opened for the answer alone
    done      the sentence is written

Selection sees validation only: the runs of a search are made with the test set closed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from . import search_controls, search_moves, search_space, search_told, search_wishes, searches, words
from .results import Failure
from .search_again import Again
from .search_moves import Waiting
from .search_opening import ENDING_S, Opening, on_test
from .search_profile import Profiled, is_awaited
from .search_state import Knowledge
from .searches import Answer, Control, Search, Trial
from .store import Store

SAVE_SECONDS = 2.0


class Seeker:
    """One search that is running; `say` prints a line for the driver's log."""

    def __init__(self, store: Store, search: Search, say: Callable[[str], None]) -> None:
        self.store, self.search, self.say = store, search, say
        self._at = self._saved_at = time.monotonic()
        self._opening = Opening(store)
        self._again = Again(store)

    def step(self, room: int) -> None:
        """One look; at most `room` runs of it are live afterwards."""
        self._hear()
        if self.search.state != "running":
            self._at = time.monotonic()
            return
        self._count_time()
        known, phase = self._know(), self.search.phase
        if phase == "explore" and (failure := search_told.failing(known, self.search)) is not None:
            self._give_up(known, failure)
        elif phase == "open":
            self._open(known)
        elif self.search.left_s <= ENDING_S:
            self._cut_short(known)
        elif len(known.live) < room:
            (self._explore if phase == "explore" else self._control)(known)

    def fail(self, failure: Failure) -> None:
        """End before its time and say why. What it has queued itself is cancelled; the driver goes on."""
        told = self.search.answer or Answer(sentence="")
        until_then = f" Until then: {told.sentence}" if told.sentence else ""
        sentence = (
            f"Search {self.search.id} failed: {search_told.why(self.store.home, self.search, failure)}{until_then}"
        )
        ended = {"phase": "done", "state": "done", "ended_at": time.time(), "failure": failure}
        self._keep(**ended, answer=told.with_(sentence=sentence))
        self.say(sentence)
        search_wishes.stop_own(self.store, self.search)

    def _give_up(self, known: Knowledge, failure: Failure) -> None:
        """No use in exploring on; where there is something to answer with, its controls follow."""
        if known.best is None:
            self.fail(failure)
            return
        search_wishes.stop_own(self.store, self.search)
        self._keep(failure=failure, phase="control")

    def _know(self) -> Knowledge:
        there = search_told.present(self.store, self.search)
        return Knowledge(self.store, there, lambda: Profiled(self.store.home, self.search).space)

    def _hear(self) -> None:
        """Pause, go on, go on for longer, or come to the end."""
        try:
            wanted = searches.take_wish(self.store.home, self.search.id)
        except ValueError:
            self.say(f"Search {self.search.id}: a wish could not be read, and is left aside")
            return
        if wanted is None:
            return
        if self.search.state == "done" and wanted.more_s <= 0:
            self.say(f"Search {self.search.id}: it had ended already when a wish came")
            return
        self._keep_as(search_wishes.granted(self.store, self.search, wanted))

    def _cut_short(self, known: Knowledge) -> None:
        """Little time is left: end what is its own, then say what there is."""
        if search_wishes.stop_own(self.store, self.search):
            return
        if self.search.explored_s is None:
            self._begin_controls(known)
            known = self._know()
        self._keep_as(search_wishes.settled(self.search, "not run: no time was left"))
        self._conclude(known)

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
        left_s = self.search.left_s - ENDING_S
        if self._again.winner_so_far(known, self.search, left_s):
            return
        wanted = _within(self._moves(known), self.search.left_s - search_controls.SHARE * self.search.budget_s)
        if wanted is None and (known.live or self._again.any_disturbed(known, self.search, left_s)):
            return
        if wanted is None and not known.answered:
            wanted = _within(self._moves(known), left_s)  # there is nothing that controls could be made for
        if wanted is not None:
            self._try(wanted)
            return
        self._keep(phase="control", stopped=search_told.why_no_more(self._moves(known)))
        self.say(f"Search {self.search.id}: exploring is over{', its controls follow' if known.answered else ''}")

    def _moves(self, known: Knowledge) -> Iterator[Waiting]:
        return search_moves.moves(self.search, known, Profiled(self.store.home, self.search))

    def _try(self, wanted: Waiting) -> None:
        base, shape = self.search.base, wanted.shape
        recipe = search_space.recipe(base, shape, wanted.rung, wanted.precision, self.search.seed)
        run, made = self.store.submit(recipe, self.search.project, open_test=False)
        trial = Trial(run_id=run.id, shape=dict(shape), rung=wanted.rung, made=made)
        self._keep(trials=(*self.search.trials, trial))

    def _begin_controls(self, known: Knowledge) -> None:
        anatomy = Profiled(self.store.home, self.search).anatomy
        best = known.best if known.answered else None
        there = (*known.runs.values(), *known.earlier.values())
        controls = search_controls.adopted(search_controls.controls_of(self.search.base, best, anatomy), there)
        explored_s = self.search.spent_s if self.search.explored_s is None else self.search.explored_s
        self._keep(phase="control", controls=controls, controlled=best.id if best else None, explored_s=explored_s)

    def _confirms(self, known: Knowledge) -> bool:
        """Time the answer once more before its controls are run; where another one is faster then, that one too."""
        if self._again.waits(known) or self._again.answer(known, self.search.left_s - ENDING_S):
            return True
        if known.fastest_id in (None, self.search.controlled):
            return False
        self._keep(controlled=None)
        self._begin_controls(self._know())
        return self._confirms(self._know())

    def _control(self, known: Knowledge) -> None:
        """The cheapest first; those that would not end in time are marked, not started."""
        if self.search.explored_s is None:
            self._begin_controls(known)
            known = self._know()
        if not any(c.run_id is not None and c.made for c in self.search.controls) and self._confirms(known):
            return
        waiting = [c for c in self.search.controls if c.recipe is not None and c.run_id is None and not c.note]
        costs = [(known.seconds_of(c.recipe), place) for place, c in enumerate(waiting) if c.recipe is not None]
        if not costs:
            if not known.live:
                self._conclude(known)
            return
        cost, place = min(costs)
        left = max(search_controls.room_s(self.search) - ENDING_S, 0.0)
        cheap = waiting[place]
        if cost > left or cheap.recipe is None:
            took, rest = words.duration(cost), words.duration(left)
            self._settle(cheap, note=f"not run: it takes about {took}, and {rest} were left")
            return
        run, made = self.store.submit(cheap.recipe, self.search.project, open_test=False)
        self._settle(cheap, run_id=run.id, made=made)

    def _settle(self, control: Control, **changes: object) -> None:
        self._keep(controls=tuple(c.with_(**changes) if c is control else c for c in self.search.controls))

    def _conclude(self, known: Knowledge) -> None:
        """The answer from validation; only then is the test set opened, for the answer alone."""
        if (failure := search_told.all_failed(known, self.search)) is not None:
            self.fail(failure)
            return
        told = search_told.concluded(known, self.search, self.store.home)
        self._keep(answer=told, phase="open")

    def _open(self, known: Knowledge) -> None:
        """The test set of the answer and of the reference, each once; then it is done."""
        told = self.search.answer or Answer(sentence="")
        chosen = known.judged.get(told.run_id or 0)
        if chosen is not None:
            if self._opening.waits(self.search, (chosen.run, known.reference)):
                return
            told = told.with_(sentence=told.sentence + on_test(self.store.home, known.reference, chosen.run))
        self._keep(answer=told, phase="done", state="done", ended_at=time.time())
        self.say(f"Search {self.search.id}: {told.sentence}")

    def _keep(self, **changes: object) -> None:
        self._keep_as(self.search.with_(**changes))

    def _keep_as(self, search: Search) -> None:
        self.search = search
        searches.save(self.store.home, self.search)
        self._saved_at = time.monotonic()


def _within(many: Iterable[Waiting], room_s: float) -> Waiting | None:
    """The first that takes no longer."""
    return next((one for one in many if one.cost_s <= room_s), None)
