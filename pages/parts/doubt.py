"""A time that is not to be believed: why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from optim import disturbed, jobs, remarks, words
from optim.records import Run
from optim.results import Latency

from . import state
from .say import face, key_of


def nothing_valid(runs: Iterable[Run]) -> None:
    """Why, after how many timings of each, and what to do; `runs`: those whose times are not valid."""
    runs = [run for run in runs if remarks.not_valid(run)]
    times = [(run.latency, len(state.store().measurements(run.id))) for run in runs if run.latency]
    waits = any(run.state.live for run in runs)
    st.markdown(disturbed.said((time for time, _ in times), max(min(often for _, often in times), disturbed.ONCE)))
    st.markdown("They wait to be timed again." if waits else disturbed.REMEDY)


def time_again(runs: Iterable[Run], *, first: bool) -> None:
    """One button for all of these runs whose times are not valid; the page's main one where it comes `first`."""
    home, runs = state.home(), remarks.to_time(runs)
    label = "Time it again" if len(runs) == 1 else f"Time these {len(runs)} again"
    look = face(label, ":material/timer:", "primary" if first else "secondary")
    if runs and st.button(**look, key=key_of("time_them_again", *runs)):
        queued = [
            run for run in runs if state.act(lambda run=run: jobs.measure_again(home, run.id, start_driver=False))
        ]
        if queued:
            wait = "waits" if len(queued) == 1 else "wait"
            st.session_state[state.SAID] = f"{words.plural(len(queued), 'run')} {wait} to be timed again."
        state.wake()
        st.rerun()


def not_valid(run: Run, *, shipped: bool, where: str = " on the Runs page") -> None:
    """A time that is not to be believed, why, and the remedy; `where` it is to be had, if not here."""
    if run.latency is None or run.latency.valid:
        return
    warn("The time is not valid", [run.latency], "" if shipped else f"Time it again{where} while nothing else runs.")


def warn(what: str, times: Sequence[Latency], remedy: str) -> None:
    """One sentence, and every reason of every time behind a fold."""
    st.warning(f"{what}. {disturbed.said(times)} {remedy}".strip(), icon=":material/warning:")
    with st.expander("Every reason"):
        for reason in dict.fromkeys(reason for time in times for reason in time.reasons):
            st.markdown(f"- {reason[:1].upper()}{reason[1:]}.")
