"""Zeros beside removal, on the card of a run that prunes: the picture, or the offer to run the missing twin."""

from __future__ import annotations

import streamlit as st

from optim import presets, recipes, twins
from optim.errors import StoreError
from optim.findings import Findings
from optim.jobs import Target
from optim.records import Recipe, Run
from optim.twins import Twins

from . import state
from .say import key_of, quiet

TITLE = "Zeros beside removal"
QUIET = {"displayModeBar": False, "staticPlot": True}


def show(found: Findings, run: Run, *, shipped: bool) -> None:
    """Nothing for a run without a twin; where the baseline cannot be read, why none is looked for."""
    try:
        pair = twins.find(run, [one for fact in found.facts for one in fact.runs], state.home())
    except StoreError as error:
        st.warning(f"{TITLE} cannot be shown. {error}", icon=":material/warning:")
        return
    if pair is None or (shipped and pair.missing):
        return
    side = st.expander(TITLE, on_change="rerun", key="twins")
    if side.open:
        with side:
            if pair.missing:
                _offer(pair.missing, run)
            else:
                _picture(pair, found)


def _picture(pair: Twins, found: Findings) -> None:
    info = twins.twin_info(pair, found.reference.run if found.reference else None)
    figure = twins.twin_plot(info, state.theme())
    st.plotly_chart(figure, theme=None, key="twins.plot", config=QUIET, alt=info.alt)
    quiet(f"{info.alt} A zero is stored and multiplied like any number; what is removed is not there.")
    st.table(twins.twin_rows(info), border="horizontal", hide_index=True)


def _offer(missing: Recipe, run: Run) -> None:
    st.markdown(f"The twin of this run is not measured yet: **{recipes.describe(missing)}**.")
    if st.button("Run the twin", icon=":material/play_arrow:", key=key_of("twins.run", run)):
        there = run.project
        target = Target(there.device, there.threads, there.batch, there.reference)
        made = state.act(lambda: presets.submit_all(state.home(), [missing], target, run.train_device))
        if made:
            state.wake()
            state.go("pages/runs.py", run=made[0][0].id)
        st.rerun()
