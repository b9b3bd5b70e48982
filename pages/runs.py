"""Runs: what is being done, how far is it, and how did the others end?"""

import streamlit as st

from optim import remarks, tables
from pages.parts import cards, doubt, progress, runlist, state
from pages.parts.frame import frame, headline
from pages.parts.say import quiet

frame("Runs")
runs = state.store().runs()
live = state.live_runs()
headline(tables.queue_title(runs), tables.queue_line(runs))
runlist.gone(runs)

if not runs:
    cards.empty(
        "Runs stand here while they wait, train and are measured: stage, curves, time left.",
        "Design a run",
        "pages/design.py",
    )
    st.stop()
if live:
    progress.live(state.store().revision())
elif newest := next((run for run in runs if run.result), None):
    if in_vain := remarks.nothing_valid(runs):
        doubt.nothing_valid(runs)
    with st.container(horizontal=True):
        doubt.time_again(runs, first=in_vain)
        cards.to_the_plot(newest, first=not in_vain and runs[0].state != "failed")

ended = tables.ended(runs)
listed = tables.listed(ended, state.asked_run())
if ended:
    st.subheader("Ended", anchor=False)
    chosen = runlist.chosen(listed)
    if len(listed) < len(ended):
        quiet(f"The {len(listed)} newest of {len(ended):,} stand here; the Pareto page has them all.")
    if chosen is not None:
        runlist.detail(chosen)
