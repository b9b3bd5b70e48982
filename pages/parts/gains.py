"""What each group's pruning bought, on the card of a run that reports it."""

from __future__ import annotations

import streamlit as st

from optim import gains
from optim.records import Run

from .say import quiet


def show(run: Run) -> None:
    """Nothing for a run without such a report."""
    rows = gains.rows(run.result.groups) if run.result else []
    if rows:
        with st.expander("What the pruning bought"):
            st.table(rows, border="horizontal", hide_index=True)
            quiet(gains.MEANING)
