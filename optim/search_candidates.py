"""Which runs a search may answer with: its own, the controls apart, and those made before it in the same conditions.

The driver, the pages and the command line all ask here, so that they name the same run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .records import Run, State
from .search_answer import Judged, judge
from .searches import Search
from .store_read import StoreReader


class Candidates(NamedTuple):
    """One look at the runs of a search, by number. Runs that were deleted are left out."""

    reference: Run | None
    own: Mapping[int, Run]
    """Its trials and its controls."""
    earlier: Mapping[int, Run]
    judged: Mapping[int, Judged]
    """All of both that are measured; some times may not be valid."""
    tried: tuple[Judged, ...]
    """What the answer is chosen from: its own trials and the earlier runs."""


def candidates(store: StoreReader, search: Search) -> Candidates:
    """One look."""
    reference = store.reference_run(search.project)
    everyone = {run.id: run for run in store.runs(search.project.id, origin="own")}
    own = {number: everyone[number] for number in search.run_ids if number in everyone}
    earlier = _earlier(everyone, reference, search)
    judged: dict[int, Judged] = {}
    if reference is not None and reference.result is not None:
        judged = judge(store.home, reference, (*own.values(), *earlier.values()), search.goal)
    numbers = dict.fromkeys((*(trial.run_id for trial in search.trials), *earlier))
    return Candidates(reference, own, earlier, judged, tuple(judged[n] for n in numbers if n in judged))


def _earlier(everyone: Mapping[int, Run], reference: Run | None, search: Search) -> dict[int, Run]:
    """Done runs timed in the conditions of the reference, also while one runs an errand; none made after its end."""
    if reference is None or reference.fingerprint is None:
        return {}
    return {
        number: run for number, run in everyone.items()
        if number not in search.run_ids and not run.is_reference and (run.state is State.DONE or run.again)
        and (search.ended_at is None or run.created_at <= search.ended_at)
        and run.fingerprint is not None and run.fingerprint.id == reference.fingerprint.id
    }  # fmt: skip
