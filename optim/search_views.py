"""Searches as pages tell them: what their runs came to, what is tried now, and which search made a run.

Only reads. A `search.json` is parsed anew when it has changed, so that every drawing of a page may ask.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from . import catalog, search_controls, words
from .progress import progress
from .recipes import brief
from .records import Run, State
from .search_answer import Judged, answer, disturbed
from .search_candidates import candidates
from .searches import Answer, Control, Goal, Search, Verdict
from .store_read import StoreReader

BOUGHT = {
    search_controls.DENSE: "a smaller network",
    search_controls.RANDOM: "the choice of what is removed",
    search_controls.UNIFORM: "another share in each layer",
    search_controls.SCRATCH: "the start from the trained network",
    search_controls.ALONE: "the teacher",
}
"""What each control goes without."""
STANDS = {
    "beaten": "beaten",
    "better": "not beaten",
    "tied": "not told apart",
    "within": "as fast, within the goal",
}
"""How a control stands to the answer, where that needs no numbers."""


class Origin(NamedTuple):
    """The search that made a run."""

    search: int
    control: str = ""
    """The name of the control that the run is, if it is one."""

    @property
    def words(self) -> str:
        return f"search {self.search}" + (f", as its control: {self.control}" if self.control else "")


class Sight(NamedTuple):
    """A search with what its runs came to. Runs that were deleted are left out."""

    search: Search
    reference: Run | None
    tried: tuple[Judged, ...]
    """What the answer is chosen from, also of runs made before it; some times may not be valid."""
    controls: tuple[tuple[Control, Run | None, Judged | None], ...]
    live: tuple[Run, ...]

    @property
    def told(self) -> Answer:
        """The answer; while there is none, what it would be as things stand."""
        return self.search.answer or answer(self.tried, self.search.goal, self.search.controlled)

    @property
    def chosen(self) -> Judged | None:
        """The run that qualifies, or the nearest one."""
        told = self.told
        return next((one for one in self.tried if one.run.id == (told.run_id or told.nearest_id)), None)


def known(home: Path) -> tuple[Search, ...]:
    """All searches, newest first; a file that cannot be read is left out."""
    try:
        with os.scandir(home / "searches") as entries:
            numbers = sorted((int(entry.name) for entry in entries if entry.name.isdecimal()), reverse=True)
    except OSError:
        return ()
    read = (_read(home / "searches" / str(number) / "search.json") for number in numbers)
    return tuple(search for search in read if search is not None)


def _read(path: Path) -> Search | None:
    try:
        stamp = path.stat()
    except OSError:
        return None
    return _parsed(path, stamp.st_mtime_ns, stamp.st_ino)


@lru_cache(maxsize=512)
def _parsed(path: Path, changed: int, inode: int) -> Search | None:
    try:
        return Search.from_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def sight(store: StoreReader, search: Search) -> Sight:
    """One look at the runs of a search."""
    found = candidates(store, search)
    mine, judged = found.own, found.judged
    return Sight(
        search, found.reference, found.tried,
        controls=tuple((c, mine.get(c.run_id or 0), judged.get(c.run_id or 0)) for c in search.controls),
        live=tuple(run for run in mine.values() if run.state.live),
    )  # fmt: skip


def most(goal: Goal) -> str:
    """`1 point`, `0.5 points`."""
    return f"{words.three(goal.max_loss)} point{'s' * (goal.max_loss != 1)}"


def circumstances(search: Search) -> str:
    """The quiet line of a search: what it looks for, and for how long."""
    base, goal = search.base, search.goal
    return (
        f"Search {search.id} · {catalog.dataset(base.dataset).label} · {base.model} at width {base.width:g} · "
        f"at most {most(goal)} lost with {words.sure(goal.confidence)} confidence · "
        f"{words.duration(search.spent_s)} of {words.duration(search.budget_s)}, "
        f"{words.plural(len(search.run_ids), 'run')}"
    )


def is_valid(one: Judged) -> bool:
    """Whether its time may be believed."""
    return one.run.latency is not None and one.run.latency.valid


def to_time_again(seen: Sight) -> list[Judged]:
    """Its own runs that would be the answer, had they a valid time; all of them where none has one."""
    mine = {trial.run_id for trial in seen.search.trials}
    return [one for one in disturbed(seen.tried, seen.search.goal) if one.run.id in mine]


def doing(seen: Sight, store: StoreReader) -> str:
    """What is being tried now: `run 14, 24 % of the time, INT8: epoch 2 of 3, loss 0.41`."""
    search = seen.search
    live = (*seen.live, *([seen.reference] if seen.reference is not None else []))
    running = [run for run in live if run.state is State.RUNNING]
    if search.state != "running" or not running:
        waits = [f"run {run.id} waits for the worker" for run in seen.live[:1]]
        return ", ".join([search.doing if search.state == "running" else search.state, *waits])
    run = running[0]
    what = f"run {run.id}, {brief(run.recipe, search.project.reference)}"
    named = next((control.name for control, made, _ in seen.controls if made is run), "")
    detail = progress(run, store.events(run.id)).detail
    return f"{f'control, {named}: ' if named else ''}{what}: {detail}"


def not_drawn(seen: Sight) -> tuple[str, ...]:
    """Why controls have no mark, a line for each reason: `without a teacher: not run, it takes about 90 s ...`."""
    ended, alike = seen.search.state == "done", dict[str, list[str]]()
    for control, run, one in seen.controls:
        alike.setdefault(_why_not(control, run, one, ended=ended), []).append(control.name)
    return tuple(f"{'; '.join(names)}: {why}" for why, names in alike.items() if why)


def _why_not(control: Control, run: Run | None, one: Judged | None, *, ended: bool) -> str:
    if one is not None:
        return "" if is_valid(one) else f"the time of run {one.run.id} is not valid"
    if run is not None:
        return f"run {run.id} is {run.state}" if run.state is not State.DONE else f"run {run.id} cannot be compared"
    if control.run_id:
        return f"run {control.run_id} was deleted"
    if control.note:
        return f"not run, {control.note.removeprefix('not run: ')}"
    return "not run" if ended else "its turn is still to come"


def stands(search: Search) -> dict[int, str]:
    """By run, how each control stands to the answer, in a few words; empty before there is one."""
    kinds = {one.name: one for one in search.answer.verdicts} if search.answer else {}
    ran = {c.run_id: kinds[c.name] for c in search.controls if c.run_id is not None and c.name in kinds}
    return {number: _stands(one) for number, one in ran.items()}


def _stands(one: Verdict) -> str:
    said = one.said.partition(": ")[2] if one.kind == "slower" else one.said if one.kind == "dense" else ""
    return f"control, {said or STANDS.get(one.kind, 'not compared')}"


def bought_nothing(verdicts: Sequence[Verdict]) -> str:
    """What it means that some controls are as good as the answer; empty if none is."""
    equal = [one.name for one in verdicts if one.kind in ("better", "tied")]
    if not equal:
        return ""
    what = " and ".join(BOUGHT.get(name, name) for name in equal)
    names = " and ".join(f"**{name}**" for name in equal)
    return f"As fast and not measurably worse: {names}. Here {what} bought nothing."


def made_by(many: Sequence[Search], run: Run) -> Origin | None:
    """The first search that asked for this run; a run that was there before is not its work."""
    if run.origin != "own":
        return None
    for search in reversed(many):
        if run.created_at < search.created_at:
            continue
        if any(trial.run_id == run.id for trial in search.trials):
            return Origin(search.id)
        if named := next((control.name for control in search.controls if control.run_id == run.id), ""):
            return Origin(search.id, named)
    return None


class Beside(NamedTuple):
    """The controls of those searches whose answer a plot shows."""

    marked: tuple[tuple[int, str], ...] = ()
    """Run and what it is."""
    missing: tuple[str, ...] = ()
    """A sentence for each search with controls that were not run."""

    @property
    def names(self) -> Mapping[int, str]:
        return dict(self.marked)


def beside(many: Sequence[Search], shown: Sequence[int]) -> Beside:
    """`shown`: numbers of the runs in the plot."""
    marked: dict[int, list[str]] = {}
    missing, there = [], set(shown)
    for search in many:
        if search.answer is None or search.answer.run_id not in there:
            continue
        for control in search.controls:
            if control.run_id in there:
                marked.setdefault(control.run_id, []).append(f"{control.name} (search {search.id})")
        if left := [control.name for control in search.controls if control.run_id is None]:
            missing.append(f"{words.plural(len(left), 'control')} of search {search.id} not run: {'; '.join(left)}.")
    told = tuple((number, f"control: {'; '.join(names)}") for number, names in marked.items() if number is not None)
    return Beside(told, tuple(missing))


def beside_pareto(confidence: float) -> str:
    """Why Pareto may name another run for the same loss."""
    return (
        f"A search has to know with {words.sure(confidence)} confidence, the best of many counted; Pareto goes by the "
        "measured loss, and may name a faster run."
    )
