"""What goes on, in one quiet line of the menu: a run, a search between two of its runs, or a profile."""

from __future__ import annotations

import streamlit as st

from optim import profile_jobs, search_views, words

from . import state
from .say import quiet

NOTHING = "Nothing is running."


def line() -> None:
    """While something goes on it is drawn every two seconds, whatever the rest of the page does."""
    st.fragment(_line, run_every=None if said() == NOTHING else 2)()


def _line() -> None:
    quiet(said())


def said() -> str:
    """`Run 4 is running, 2 runs waiting.`"""
    live = state.live_runs()
    running = [run for run in live if run.state == "running"]
    waiting = [words.plural(len(live) - len(running), "run")] if len(live) > len(running) else []
    other = _search() or _profile()
    if running:
        return f"Run {running[0].id} is running{f', {waiting[0]} waiting' if waiting else ''}."
    if not live and not other:
        return NOTHING
    if state.worker() == state.READY and other and not waiting:
        return f"{other} is running."
    missing = "The worker is not running" if state.worker() == state.NOT_RUNNING else "Starting"
    return f"{missing}, {waiting[0]} waiting." if waiting else f"{missing}, {other[:1].lower()}{other[1:]} waits."


def _search() -> str:
    """`Search 3`; empty if none is at work."""
    return next((f"Search {one.id}" for one in search_views.known(state.home()) if one.state == "running"), "")


def _profile() -> str:
    """`The profile of resnet8 x2`; empty if none is asked for."""
    asked = [one.ask for one in profile_jobs.waiting(state.home()) if one.state != "failed"]
    return f"The profile of {asked[0].model} x{asked[0].width:g}" if asked else ""
