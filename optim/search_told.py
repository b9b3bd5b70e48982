"""What a search says of itself beside its answer: the best so far, and why there is no use in going on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from . import catalog, findings, search_verdict, words
from .home import home_option
from .records import Run, State
from .results import Failure
from .search_answer import disturbed, short_speed
from .search_moves import Waiting
from .search_opening import ENDING_S
from .search_state import Knowledge
from .searches import Answer, Search
from .store_read import StoreReader

RETIMED = 3
"""So many disturbed runs are named to be timed again."""
SPARE_S = 10.0
"""A search without an answer that ends with more than this left says why."""
FAILURES = 5
"""So many runs of a search that fail in a row for the same reason end it: the next one would fail too."""


def present(store: StoreReader, search: Search) -> Search:
    """The same search without what was deleted: a deleted run counts as never made."""
    there = {run.id for run in store.runs(search.project.id, origin="own")}
    if there.issuperset(search.run_ids):
        return search
    controls = (c if c.run_id in there or c.run_id is None else c.with_(run_id=None) for c in search.controls)
    return search.with_(trials=tuple(t for t in search.trials if t.run_id in there), controls=tuple(controls))


def best_so_far(store: StoreReader, search: Search) -> str:
    """`best so far: run 12, 5.1x faster, loses 0.6 points (0.1 to 1.1)`; empty before the first measured run."""
    known = Knowledge(store, present(store, search))
    told = known.told
    one = known.judged.get(told.run_id or told.nearest_id or 0)
    if one is None:
        return ""
    start = "best so far" if told.run_id else "none qualifies yet, nearest"
    told = findings.loss_words(one.loss, catalog.data_of(one.run))
    return f"{start}: run {one.run.id}, {short_speed(one.ratio)}, {told}"


def why(home: Path, search: Search, failure: Failure) -> str:
    """Its reason, its remedy, and how to go on then."""
    remedy = failure.remedy or "See the failed runs on the Runs page"
    again = f"python -m optim search{home_option(home)} --resume {search.id} --extend 10m"
    return f"{failure.reason.rstrip('.')}. {remedy.rstrip('.')}. Then go on: {again}."


def concluded(known: Knowledge, search: Search, home: Path) -> Answer:
    """The answer from validation beside its controls, what to do where no time is valid, and why it ended early."""
    told = search_verdict.judged(known.told, known, search, home)
    early = f" It ended early: {why(home, search, search.failure)}" if search.failure is not None else ""
    if not early and told.run_id is None and search.stopped and search.left_s > SPARE_S:
        early = f" It ended {words.duration(search.left_s)} before its time: {search.stopped}."
    return told.with_(sentence=f"{told.sentence}{_remedy_for_times(known, search, home)}{early}")


def why_no_more(many: Iterable[Waiting]) -> str:
    """Why nothing of this is tried any more, ready to follow a colon."""
    least = min((one.cost_s for one in many), default=None)
    if least is None:
        return "nothing untried is left that promises to be faster"
    return f"to try one more and then to end takes about {words.duration(least + ENDING_S)}"


def _remedy_for_times(known: Knowledge, search: Search, home: Path) -> str:
    """What to do where no time is valid, ready to follow the answer; empty where one is."""
    many = [one for one in disturbed(known.candidates, search.goal) if one.run.id in known.runs]
    if known.best is not None or not many:
        return ""
    numbers, at = " ".join(str(one.run.id) for one in many[:RETIMED]), home_option(home)
    return (
        f" Time them again while nothing else runs: python -m optim measure{at} {numbers}; "
        f"or go on: python -m optim search{at} --resume {search.id} --extend 10m."
    )


def failing(known: Knowledge, search: Search) -> Failure | None:
    """Why there is no use in going on; None where there is."""
    tried = [known.runs[t.run_id] for t in search.trials[search.forgiven :] if t.run_id in known.runs]
    ended = [run for run in tried if run.state in (State.DONE, State.FAILED)]
    last = ended[-FAILURES:]
    if not last or last[-1].failure is None or last[-1].state is not State.FAILED:
        return None
    why, dense = last[-1].failure, known.reference
    if dense is not None and dense.state is State.FAILED and dense.failure is not None:
        return dense.failure.with_(reason=f"its reference, run {dense.id}, failed: {dense.failure.reason}")
    if len(last) == FAILURES and len({_kind_of(run) for run in last}) == 1:
        return why.with_(reason=f"its last {FAILURES} runs failed, all for the same reason: {why.reason}")
    return None


def all_failed(known: Knowledge, search: Search) -> Failure | None:
    """The last failure, where not one trial came to its end and at least one failed."""
    tried = [known.runs[t.run_id] for t in search.trials[search.forgiven :] if t.run_id in known.runs]
    failed = [run.failure for run in tried if run.state is State.FAILED and run.failure is not None]
    if known.candidates or not failed:
        return None
    told = f"none of its {words.plural(len(tried), 'run')} came to its end, the last one with: {failed[-1].reason}"
    return failed[-1].with_(reason=told)


def _kind_of(run: Run) -> str:
    """The kind and reason of its failure; where only the numbers differ, it is the same one."""
    return re.sub(r"\d+", "#", f"{run.failure.kind} {run.failure.reason}") if run.failure else ""
