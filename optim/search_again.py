"""Which runs a search times once more: those that were disturbed and would win, and the one that is to be its answer.

The fastest of many measurements is too fast by its luck; timed anew, it has none left.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from .errors import RequestError
from .search_answer import disturbed
from .search_state import Knowledge
from .searches import Search
from .store import Store

TRIES = 2
"""So often a disturbed run is timed again: as soon as it could be the answer, and at the end of exploring."""
ANSWERS = 3
"""So many runs are timed once more as the answer, where each shows another one to be faster."""


class Again:
    """One search's errands; `begin` queues one, and says whether one waits."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._disturbed: Counter[int] = Counter()
        self._answers: list[int] = []

    def winner_so_far(self, known: Knowledge, search: Search, left_s: float) -> bool:
        """At once, where a disturbed run of its own would be the best yet: what comes next is chosen by it."""
        return _any_valid(known) and self._disturbed_run(known, search, left_s, tries=1)

    def any_disturbed(self, known: Knowledge, search: Search, left_s: float) -> bool:
        """At the end, with the time that is left: what would win, or all where no time is valid."""
        return self._disturbed_run(known, search, left_s, tries=TRIES if _any_valid(known) else 1)

    def answer(self, known: Knowledge, left_s: float) -> bool:
        """The run that is to be the answer, each once."""
        best = known.best if known.answered else None
        if best is None or best.id in self._answers or len(self._answers) == ANSWERS:
            return False
        if known.timing_s() > left_s:
            return False
        self._answers.append(best.id)
        self._time(best.id)
        return True

    def waits(self, known: Knowledge) -> bool:
        """Whether an answer is being timed."""
        there = (known.runs.get(number) or known.earlier.get(number) for number in self._answers)
        return any(run is not None and run.state.live for run in there)

    def _disturbed_run(self, known: Knowledge, search: Search, left_s: float, tries: int) -> bool:
        many = (one.run for one in disturbed(known.candidates, search.goal) if one.run.id in known.runs)
        run = next((run for run in many if self._disturbed[run.id] < tries and not run.state.live), None)
        if run is None or known.timing_s() > left_s:
            return False
        self._disturbed[run.id] += 1
        self._time(run.id)
        return True

    def _time(self, number: int) -> None:
        """Somebody else may have asked for just that meanwhile: then it waits already."""
        with suppress(RequestError):
            self.store.measure_again(number)


def _any_valid(known: Knowledge) -> bool:
    return any(one.run.latency is not None and one.run.latency.valid for one in known.candidates)
