"""A time that is not to be believed: why, and what to do."""

from __future__ import annotations

import streamlit as st

from optim import disturbed
from optim.findings import Findings
from optim.records import Run

from . import state


def nothing_valid(found: Findings) -> None:
    """Why, after how many timings of each, and what to do."""
    times = [(run.latency, len(state.store().measurements(run.id))) for run in found.unsure if run.latency]
    waits = any(run.state.live for run in found.unsure)
    st.markdown(disturbed.said((time for time, _ in times), max(min(often for _, often in times), disturbed.ONCE)))
    st.markdown("They wait to be timed again." if waits else disturbed.REMEDY)


def not_valid(run: Run, *, shipped: bool, where: str = " on the Runs page") -> None:
    """A time that is not to be believed, why, and the remedy; `where` it is to be had, if not here."""
    if run.latency is None or run.latency.valid:
        return
    remedy = "" if shipped else f" Time it again{where} while nothing else runs."
    st.warning(f"The time is not valid: {'; '.join(run.latency.reasons)}.{remedy}", icon=":material/warning:")
