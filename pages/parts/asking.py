"""Try the files: type a text, or choose a user, and see what the reference and the runs answer, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from optim import asked, catalog
from optim.asked import Asked
from optim.catalog import Dataset
from optim.errors import ParetoscopeError
from optim.records import Run

from . import state
from .say import as_it_is, quiet

LONGEST = 60
"""Characters that can be typed; files look at fewer."""
BOUND: dict[str, Any] = {"key": "ask", "bind": "query-params"}


@st.fragment
def section(runs: Sequence[Run], reference: Run | None) -> None:
    """Nothing where files are not asked: such items are shown where the runs disagree."""
    row = catalog.data_of(runs[0])
    if not row.traits.asked:
        return
    st.subheader("Try it", anchor=False)
    item = _item(row)
    if not item:
        told = row.traits.told.format(cut=row.goodness.cut)
        quiet(f"Each file then gives its {told} with their probabilities. The model files themselves are asked.")
        return
    named = {run.id: f"run {run.id}" for run in runs} | ({reference.id: "reference"} if reference else {})
    try:
        with st.spinner("Asking the files"):
            found = _asked(str(state.home()), tuple((run.id, _digest(run)) for run in runs), _digest(reference), item)
    except ParetoscopeError as error:
        st.warning(as_it_is(str(error)), icon=":material/info:")
        return
    _draw(found, named, row)


def _item(row: Dataset) -> str:
    """What was typed; empty as long as nothing was."""
    one = row.items[0]
    if row.traits.asked == "typed":
        return st.text_input(f"Type a {one}", max_chars=LONGEST, width=360, **BOUND).strip()
    last = row.sizes["validation"] - 1
    number = st.number_input(f"Choose a {one}, 0 to {last}", 0, last, None, 1, width=360, **BOUND)
    return "" if number is None else str(number)


def _draw(found: Asked, named: Mapping[int, str], row: Dataset) -> None:
    lines = [{head: as_it_is(cell) for head, cell in line.items()} for line in asked.rows(found, named)]
    st.table(lines, border="horizontal", hide_index=True)
    quiet(as_it_is(f"{asked.known(found)} {row.traits.note.format(one=row.items[0])}".strip()))


def _digest(run: Run | None) -> str:
    return run.result.file.sha256 if run is not None and run.result is not None else ""


@st.cache_data(max_entries=200, show_spinner=False)
def _asked(home: str, runs: tuple[tuple[int, str], ...], reference: str, item: str) -> Asked:
    """Asked once for the same files and the same item; `reference`: the digest of its file."""
    return asked.asked_apart(Path(home), [number for number, _ in runs], item)
