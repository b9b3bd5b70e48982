"""What every page asks the engine for: the data folder, its runs, the theme, and actions that may be refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import streamlit as st

from optim import figures_small, findings, jobs, outcomes, tables
from optim.errors import ParetoscopeError, StoreError
from optim.home import home_dir
from optim.records import Recipe, Run, State
from optim.store import Store, opened
from optim.tables import Best

AnswerT = TypeVar("AnswerT")
SAID, REFUSED = "_said", "_refused"
READY, STARTING, NOT_RUNNING = "ready", "starting", "not running"
_troubles: dict[Path, str] = {}
_waking: dict[Path, threading.Thread] = {}


def home() -> Path:
    return home_dir()


def store() -> Store:
    """The open store; when it cannot be used, the page ends with the reason and its cure."""
    try:
        return opened(home())
    except StoreError as error:
        st.error(f"{error.what} {error.remedy}", icon=":material/error:")
        st.stop()


def theme() -> str:
    """`light` or `dark`, as the browser shows the page."""
    return "dark" if st.context.theme.type == "dark" else "light"


def live_runs() -> list[Run]:
    """Running and queued, in the order in which they are worked on."""
    return sorted(store().runs(states=[State.RUNNING, State.QUEUED]), key=lambda r: (r.state is State.QUEUED, r.id))


def act(action: Callable[[], AnswerT], said: str = "") -> AnswerT | None:
    """Do it and say so on the next drawing; a refusal is said instead, with what is allowed."""
    try:
        answer = action()
    except ParetoscopeError as error:
        st.session_state[REFUSED] = str(error)
        return None
    if said:
        st.session_state[SAID] = said
    return answer


def answers() -> None:
    """What the last action came to, once."""
    if refused := st.session_state.pop(REFUSED, ""):
        st.error(refused, icon=":material/error:")
    if said := st.session_state.pop(SAID, ""):
        st.success(said, icon=":material/check:")


RUN_DIGITS = 15


def asked_run() -> int | None:
    """The run that the address names; anything else there is no run."""
    text = st.query_params.get("run", "")
    return int(text) if text.isdecimal() and len(text) <= RUN_DIGITS else None


def why_not(number: str, lack: str) -> str:
    """Why a run that the address asks for is not shown: there is none, or it has not what the page shows."""
    if number.isdecimal() and len(number) <= RUN_DIGITS:
        known = next((run for run in store().runs() if run.id == int(number)), None)
        if known is not None:
            return f"Run {number} ({tables.state_words(known)}) {lack}"
    return f"There is no run {number[:RUN_DIGITS]}"


def go(page: str, **query: object) -> None:
    """To another page, with what it is to show."""
    st.switch_page(page, query_params={name: str(value) for name, value in query.items()})


@st.cache_data(max_entries=2000, show_spinner=False)
def _curve(folder: str, run_id: int, ended_at: float | None) -> tuple[float, ...]:
    return figures_small.curves_info(store().events(run_id)).validation


def curve(run: Run) -> tuple[float, ...]:
    """Validation score after each epoch, in percent; read once per ended run."""
    return _curve(str(home()), run.id, run.ended_at) if run.ended_at else ()


@st.cache_resource(max_entries=4, show_spinner=False)
def _best(folder: str, revision: int) -> Best:
    return tables.best_so_far(store().runs(origin="own"), outcomes.pairing(home()), outcomes.pairing(home(), "test"))


def best() -> Best:
    """The best so far, found anew when the store has changed."""
    return _best(str(home()), store().revision())


@st.cache_resource(max_entries=4, show_spinner=False)
def _same(folder: str, revision: int) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for run in findings.measured(store().runs(origin="own")):
        found.setdefault(run.recipe.id, []).append(run)
    return found


def same(recipe: Recipe) -> list[Run]:
    """All own runs that have made exactly this, the newest first; asked at every move of a slider."""
    return _same(str(home()), store().revision()).get(recipe.id, [])


def made(recipe: Recipe) -> list[Run]:
    """The newest of them, if any."""
    return same(recipe)[:1]


def target() -> jobs.Target:
    """Where files are timed, as Design's widgets hold it."""
    held = st.session_state
    return jobs.Target("cpu", int(held.get("threads", 1)), int(held.get("batch", 1)))


def watch() -> None:
    """While work goes on: look every two seconds whether there is news, and draw the page again when there is."""
    if live_runs():
        _watch(store().revision())


@st.fragment(run_every=2)
def _watch(revision: int) -> None:
    if store().revision() != revision:
        st.rerun()


@st.cache_resource(max_entries=4, show_spinner=False)
def _own(folder: str, revision: int) -> list[Run]:
    return list(findings.measured(store().runs(origin="own")))


def own() -> list[Run]:
    """All own measured runs, the newest first; read anew when the store has changed."""
    return _own(str(home()), store().revision())


def wake(*, anyway: bool = False) -> None:
    """See that a driver works on what waits. It starts beside the page: a click is answered at once.

    `anyway`: also when no run waits, for there is other work.
    """
    if (anyway or live_runs()) and worker() == NOT_RUNNING:
        _waking[home()] = threading.Thread(target=_start, args=(home(),), daemon=True)
        _waking[home()].start()


def worker() -> str:
    """Whether a worker is there for what waits, or on its way."""
    status = jobs.driver_status(home())
    if status.alive and status.state != "starting":
        return READY
    thread = _waking.get(home())
    return STARTING if status.alive or (thread is not None and thread.is_alive()) else NOT_RUNNING


def _start(folder: Path) -> None:
    try:
        jobs.ensure_driver(folder)
        _troubles.pop(folder, None)
    except ParetoscopeError as error:
        _troubles[folder] = str(error)


def trouble() -> str:
    """Why the driver did not start; empty when it did."""
    return _troubles.get(home(), "")
