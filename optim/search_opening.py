"""The end of a search: the test set of its answer and of the reference is opened, and what it shows is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import catalog, findings, outcomes, words
from .records import Run
from .results import Share
from .searches import Search
from .store import Store

ENDING_S = 5.0
"""Opening the test set of the answer takes about this long."""
OVERDUE, LAST_S = 0.1, 1.0
"""A search ends within this share of its budget, whatever it waits for; less what the last look takes."""


class Opening:
    """What one driver has asked to be opened for one search."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._asked: set[int] = set()

    def waits(self, search: Search, wanted: Sequence[Run | None]) -> bool:
        """Ask for each once, and whether to wait for them: at the very end of the budget not any more."""
        shut = [run for run in wanted if run is not None and run.result is not None and test_of(run) is None]
        late = search.spent_s > (1 + OVERDUE) * search.budget_s - LAST_S
        for run in shut:
            if late and run.id in self._asked and run.state.live:
                self.store.request_cancel(run.id)
            elif not late and run.id not in self._asked and not run.state.live:
                self.store.open_test(run.id)
                self._asked.add(run.id)
        back = [run for run in shut if run.id in self._asked and not self.store.run(run.id).state.live]
        return not late and len(back) < len(shut)


def test_of(run: Run | None) -> Share | None:
    """Its score on test, where that was opened."""
    return run.result.file.score.test if run is not None and run.result is not None else None


def on_test(home: Path, reference: Run | None, chosen: Run) -> str:
    """What the opened test set shows of the answer and of the reference, ready to follow the answer."""
    score, other, row = test_of(chosen), test_of(reference), catalog.data_of(chosen)
    if score is None:
        why = f": {chosen.failure.reason.rstrip('.')}" if chosen.failure else " in time"
        return f" Its test set was not opened{why}; running its recipe by hand opens it."
    told = f" On the test set it has {words.score(score, row)}"
    loss = outcomes.loss(home, reference, chosen, "test") if reference is not None else None
    if loss is None or other is None:
        return f"{told}."
    return f"{told}, the reference {words.score(other, row)}: it {findings.loss_words(loss, row)}."
