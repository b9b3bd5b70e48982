"""Start's three ways in, and the last runs."""

from __future__ import annotations

import streamlit as st

from optim import examples, presets, remarks, tables, words
from optim.records import Run

from . import cards, chosen, state
from .say import face


def best(sentence: str, left_out: int, project: str) -> None:
    """The finding in full, and the way to the plot that shows it and times the runs that it leaves out again."""
    where = {"source": chosen.OWN, "project": project}
    if left_out:
        label = f"Go to Pareto to time {'it' if left_out == 1 else f'these {left_out}'} again"
        st.page_link("pages/pareto.py", label=label, icon=":material/arrow_forward:", query_params=where)
    if sentence:
        st.markdown(sentence)
        if st.button(**face("See the plot", ":material/scatter_plot:"), key="see_plot"):
            state.go("pages/pareto.py", **where)


def three_ways(*, first: bool) -> None:
    """Try it, look at what is shipped, or design. The first visit's primary button is the quickest way to a plot."""
    tried, shown, design = st.columns(3, gap="medium")
    with tried.container(border=True, height="stretch"):
        st.subheader("Try it now", anchor=False)
        count = len(presets.first_front())
        st.markdown(f"{count} runs on 8x8 digits: pruned, distilled, quantized, measured. About a minute.")
        if st.button(**face("Try it now", ":material/play_arrow:", "primary" if first else "secondary"), key="try"):
            _try_it()
    with shown.container(border=True, height="stretch"):
        st.subheader("Open the example plot", anchor=False)
        shipped = cards.shipped()
        where = examples.machine(shipped)
        if shipped:
            st.markdown(
                f"{words.plural(len(shipped), 'real run')} on {examples.datasets(shipped)}, measured on {where}."
            )
        else:
            st.markdown("The example runs did not come with this checkout.")
        if st.button("Open the plot", icon=":material/scatter_plot:", disabled=not shipped, key="open_example"):
            st.session_state[chosen.WANTED] = chosen.SHIPPED
            state.go("pages/pareto.py")
    with design.container(border=True, height="stretch"):
        st.subheader("Design a run", anchor=False)
        st.markdown("Choose a model, move sparsity and temperature, see what it will be, run it.")
        if st.button("Design a run", type="secondary", icon=":material/tune:", key="design"):
            state.go("pages/design.py")


def _try_it() -> None:
    made = state.act(lambda: presets.submit_first_front(state.home()))
    if made is None:
        st.rerun()
    count, old = len(made), sum(not new for _, new in made)
    if all(run.result for run, _ in made):
        st.session_state[state.SAID] = f"All {count} runs exist already; here they are."
        st.session_state[chosen.WANTED] = chosen.OWN
        state.go("pages/pareto.py", project=tables.project_word(made[0][0].project))
    if old:
        st.session_state[state.SAID] = remarks.existed(old, count)
    state.wake()
    state.go("pages/runs.py")


def last(runs: list[Run]) -> None:
    """The last runs, each a link."""
    if not runs:
        return
    st.subheader("Last runs", anchor=False)
    cards.listed(runs)
    with st.container(horizontal=True):
        st.page_link("pages/runs.py", label="All runs", icon=":material/list_alt:")
