"""What becomes of a search that is paused, extended or ended: the next record, and which runs it may stop."""

from __future__ import annotations

from collections.abc import Collection

from .records import State
from .searches import Search, Wish
from .store import Store


def granted(store: Store, search: Search, wanted: Wish) -> Search:
    """What this wish makes of it. To end means: from exploring to the controls, from the controls to the answer."""
    if wanted.more_s > 0:
        if search.phase == "control":
            stop_own(store, search)
        longer = extended(search, wanted.more_s)
        asks = wanted.state in ("paused", "done")
        return granted(store, longer, Wish(state=wanted.state)) if asks else longer
    if wanted.state == "paused":
        return forgotten(search.with_(state="paused"), stop_own(store, search))
    running = search.with_(state="running")
    if wanted.state == "done" and search.phase == "explore":
        return forgotten(
            running.with_(phase="control", hurried=True, controlled=None, explored_s=None), stop_own(store, search)
        )
    if wanted.state == "done" and search.phase == "control":
        stop_own(store, search)
        return settled(running, "not run: the search was ended before its turn")
    return running if wanted.state else search


def stop_own(store: Store, search: Search) -> tuple[int, ...]:
    """Ask the live runs to stop that the search itself has queued and nobody wants but it; their numbers.

    A run whose test set may be opened was asked for by hand, and one that has its result runs an errand for somebody.
    """
    asked = [t.run_id for t in search.trials if t.made]
    asked += [c.run_id for c in search.controls if c.made and c.run_id is not None]
    runs = {run.id: run for run in store.runs(search.project.id, states=[State.QUEUED, State.RUNNING])}
    own = [number for number in asked if number in runs and not runs[number].open_test and not runs[number].again]
    for number in own:
        if not runs[number].cancel_requested:
            store.request_cancel(number)
    return tuple(own)


def forgotten(search: Search, stopped: Collection[int]) -> Search:
    """Runs that were stopped in the middle were not tried: they may come again."""
    trials = tuple(t for t in search.trials if t.run_id not in stopped)
    controls = tuple(c.with_(run_id=None) if c.run_id in stopped else c for c in search.controls)
    return search.with_(trials=trials, controls=controls)


def settled(search: Search, note: str) -> Search:
    """With this note at the controls whose turn did not come."""
    return search.with_(
        controls=tuple(
            c.with_(note=note) if c.recipe is not None and c.run_id is None and not c.note else c
            for c in search.controls
        )
    )


def extended(search: Search, more_s: float) -> Search:
    """Explore on, also after the end; the controls belong to the answer, and begin anew."""
    anew = {
        "phase": "explore",
        "controls": (),
        "controlled": None,
        "explored_s": None,
        "hurried": False,
        "stopped": "",
        "forgiven": len(search.trials),
    }
    open_again = {"state": "running", "answer": None, "ended_at": None, "failure": None}
    return search.with_(**anew, **open_again, budget_s=search.budget_s + more_s)
