"""The System page's parts: doctor's lines, the driver and its workers, and the space that is used."""

from __future__ import annotations

import time
from typing import NamedTuple

import streamlit as st

from optim import doctor as machine
from optim import jobs, tables, words
from optim.doctor import Line

from . import state
from .say import face, quiet

SOURCE = "What the command `python -m optim doctor` sees"


class Checked(NamedTuple):
    lines: list[Line]
    at: float
    """When the lines that take a while were looked at, in seconds since 1970."""


def doctor() -> Checked:
    """Doctor's lines: what changes by itself is read anew, the rest every ten minutes, or when asked."""
    kept = _checked(str(state.home()))
    fresh = {line.name: line for line in machine.now(state.home())}
    return kept._replace(lines=[fresh.get(line.name, line) for line in kept.lines])


@st.cache_data(ttl=600, show_spinner="Looking at this machine; the heavy packages answer from a process of their own.")
def _checked(home: str) -> Checked:
    return Checked(machine.check(state.home()), time.time())


def verdict(lines: list[Line]) -> str:
    """The page's answer."""
    wrong = sum(not line.ok for line in lines)
    return f"{words.plural(wrong, 'thing')} to look at on this machine" if wrong else "This machine is ready"


def draw(checked: Checked) -> None:
    """One line a fact; what is wrong first, with its remedy."""
    st.subheader("This machine", anchor=False)
    for line in sorted(checked.lines, key=lambda line: line.ok):
        icon, colour = (":material/check_circle:", "green") if line.ok else (":material/error:", "red")
        remedy = f"  \n:gray[{line.remedy}]" if line.remedy else ""
        st.markdown(f":{colour}[{icon}] **{line.name}** {line.fact}{remedy}")
    clock = time.strftime("%H:%M:%S", time.localtime(checked.at))
    quiet(f"Checked at {clock}; load, memory, disk, runs and driver were read as this page was drawn.")
    if st.button("Check again", icon=":material/refresh:"):
        _checked.clear()
        st.rerun()


def driver() -> None:
    """Driver, workers and queue."""
    status = jobs.driver_status(state.home())
    live = state.live_runs()
    st.subheader("Driver and workers", anchor=False)
    if status.alive:
        st.markdown(f"The driver is {status.state}, process {status.pid}, started {words.ago(status.since)}.")
        for worker in status.workers:
            st.markdown(f"- {worker.name}: {worker.device}, process {worker.pid}")
    else:
        begins = (
            "so nothing begins" if live else "and the first run starts it; it leaves after half an hour without work"
        )
        st.markdown(f"The driver, which gives runs to the worker, is not running, {begins}.")
    st.markdown(tables.queue_line(live).capitalize() + "." if live else "Nothing waits.")
    if live and state.worker() == state.NOT_RUNNING and st.button("Start the worker", key="wake"):
        state.wake()


def openings() -> None:
    """How often each project looked at its test set."""
    projects = state.store().projects()
    if not projects:
        return
    st.subheader("Openings of the test sets", anchor=False)
    counts = [{"project": tables.project_word(one), "opened": state.store().openings(one.id)} for one in projects]
    st.table(counts, border="horizontal", hide_index=True)
    quiet("Selection looks at validation only; each opening of a test set is counted, those of deleted runs too.")


def space() -> None:
    """How much lies where, and the button that empties what can be made again."""
    st.subheader("Space", anchor=False)
    used = jobs.disk_usage(state.home())
    st.table(
        [{"part": name, "size": words.size(size)} for name, size in used.items()], border="horizontal", hide_index=True
    )
    with st.popover("Clean", icon=":material/cleaning_services:"):
        st.markdown("Empties the cache of trained steps. Runs and their files stay.")
        ended = st.checkbox("Also delete failed and cancelled runs", key="clean_ended")
        if st.button(**face("Clean now"), key="clean_now"):
            freed = state.act(lambda: jobs.clean(state.home(), ended=ended))
            if freed is not None:
                st.session_state[state.SAID] = f"{words.size(freed)} freed."
            st.rerun()
