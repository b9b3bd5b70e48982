"""Which runs are compared: a list that stands in the address, in the chooser, and behind "Compare" on other pages."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from optim import catalog, findings, lineup
from optim.lineup import Choice
from optim.records import Run

from . import state
from .say import face, key_of, quiet

KEY, SAID = "compare_runs", "_compare_said"


def known() -> dict[int, Run]:
    """Every run with a file, newest first."""
    return {run.id: run for run in findings.measured(state.store().runs())}


def choose(runs: Mapping[int, Run]) -> Choice:
    """The chooser; the address holds the choice, and an address that is news wins."""
    said = st.query_params.get("runs", "")
    if said and said != st.session_state.get(SAID):
        st.session_state[KEY] = [number for number in _numbers(said) if number in runs]
    wanted = [number for number in st.session_state.get(KEY, ()) if number in runs][: lineup.MOST]
    st.session_state[KEY] = wanted
    picked = st.multiselect(
        "Runs", list(runs), format_func=lambda number: lineup.run_name(runs[number]), key=KEY,
        max_selections=lineup.MOST, placeholder="Choose up to six runs", persist_state="session",
    )  # fmt: skip
    found = lineup.choose(runs, picked or [])
    unknown = [number for number in _numbers(said) if number not in runs] if said != st.session_state.get(SAID) else []
    for sentence in (*lineup.choose(runs, unknown).left_out, *found.left_out):
        st.warning(sentence, icon=":material/info:")
    _say(picked or [])
    if picked and not found.runs:
        quiet("The reference is always shown: choose a run to compare with it.")
    return found


def suggest(runs: Mapping[int, Run]) -> None:
    """Nothing is chosen: one click takes the runs on the front."""
    front = lineup.suggested(list(runs.values()))
    if not front:
        st.markdown("Only the reference is measured yet: make a run to compare with it.")
        if st.button(**face("Design a run", ":material/tune:")):
            state.go("pages/design.py")
        return
    st.markdown(
        "Metrics with what changed, who pays for the speed class by class, where the promised time went, and "
        "which run came from which stand here for the runs you choose. "
        f"The front is that of the newest project, {catalog.data_of(runs[front[0]]).label}."
    )
    st.button(**face("Take the runs on the front", ":material/playlist_add:"), key="take_front",
              on_click=lambda: st.session_state.update({KEY: list(front)}))  # fmt: skip


def button(run: Run, key: str, **look: object) -> None:
    """Add this run to those that are compared, and go there."""
    if st.button("Compare", icon=":material/compare_arrows:", key=key_of(key, run), **look):  # pyrefly: ignore[bad-argument-type]
        before = [number for number in st.session_state.get(KEY, ()) if number != run.id]
        numbers = [*before[-lineup.MOST + 1 :], run.id]
        st.session_state[KEY] = numbers
        state.go("pages/compare.py", runs=",".join(map(str, numbers)))


def _numbers(text: str) -> list[int]:
    """The numbers in the address, each once; what is no run's number is passed over."""
    parts = [part.strip() for part in text.split(",")]
    found = (int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) <= state.RUN_DIGITS)
    return list(dict.fromkeys(found))[:20]


def _say(picked: list[int]) -> None:
    text = ",".join(map(str, picked))
    st.session_state[SAID] = text
    if text and st.query_params.get("runs") != text:
        st.query_params["runs"] = text
    elif not text and "runs" in st.query_params:
        del st.query_params["runs"]
