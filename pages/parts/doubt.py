"""A time that is not to be believed: why, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from optim import disturbed
from optim.findings import Findings
from optim.records import Run
from optim.results import Latency

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
    warn("The time is not valid", [run.latency], "" if shipped else f"Time it again{where} while nothing else runs.")


def warn(what: str, times: Sequence[Latency], remedy: str) -> None:
    """One sentence, and every reason of every time behind a fold."""
    st.warning(f"{what}. {disturbed.said(times)} {remedy}".strip(), icon=":material/warning:")
    with st.expander("Every reason"):
        for reason in dict.fromkeys(reason for time in times for reason in time.reasons):
            st.markdown(f"- {reason[:1].upper()}{reason[1:]}.")
