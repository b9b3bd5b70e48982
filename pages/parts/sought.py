"""What one search has found, drawn: the plot, the controls that are not in it, and the table that goes to each run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import plotly.graph_objects as go
import streamlit as st

from optim import catalog, figures_search, package, search_profile, search_views, words
from optim.figures_search import CONTROL, SearchInfo
from optim.records import Run
from optim.search_views import Origin, Sight
from optim.searches import Search

from . import state
from .say import quiet, row_height, table_keys

RUNS = "pages/runs.py"


class Drawn(NamedTuple):
    seen: Sight
    info: SearchInfo
    figure: go.Figure
    left_out: str
    """What it cannot try, and the remedy."""


def drawn(search: Search) -> Drawn:
    """Kept until a run or the search's own course changes: while it runs, pages ask every two seconds."""
    notes = tuple(control.note for control in search.controls)
    course = (search.id, search.state, search.phase, search.asked_profile, search.run_ids, notes)
    return _drawn(search, (str(state.home()), state.store().revision(), *course), state.theme())


@st.cache_resource(max_entries=16, show_spinner=False)
def _drawn(_search: Search, key: tuple, theme: str) -> Drawn:
    seen = search_views.sight(state.store(), _search)
    info = figures_search.search_info(seen)
    figure, left_out = figures_search.search_plot(info, theme), search_profile.unstrided(state.home(), _search)
    return Drawn(seen, info, figure, left_out)


def plot(search: Search, shown: Drawn) -> None:
    """The runs of the search; a click on one goes to it."""
    info = shown.info
    if not info.spots and search.state != "done":
        quiet("Each measured run of it becomes a point here.")
    if not info.spots:
        _not_valid(info)
        return
    event = st.plotly_chart(
        shown.figure, theme=None, key=f"auto.plot{search.id}", on_select="rerun", selection_mode="points",
        config={"displayModeBar": False, "scrollZoom": False}, alt=info.alt,
    )  # fmt: skip
    quiet(f"{info.rule} A click on a run goes to it.")
    _not_valid(info)
    if info.below:
        quiet(f"{words.plural(info.below, 'run')} far below this view; the table has them all.")
    controls = [f"run {spot.run_id} {spot.name}" for spot in info.spots if spot.kind == CONTROL]
    if controls:
        quiet(f"Controls: {', '.join(controls)}.")
    if info.not_drawn:
        quiet("Controls that are not drawn. " + ". ".join(map(package.capital, info.not_drawn)) + ".")
    numbers = [point["customdata"][0] for point in event["selection"]["points"] if point.get("customdata")]
    if numbers:
        state.go(RUNS, run=int(numbers[0]))
    with st.expander("As a table"):
        _table(search, info)


def _not_valid(info: SearchInfo) -> None:
    if info.not_valid:
        quiet(f"Not drawn, because the time is not valid: {words.plural(info.not_valid, 'run')}; Runs says why.")


def _table(search: Search, info: SearchInfo) -> None:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    rows, label = figures_search.search_rows(info), catalog.data_of(search.base).goodness.label
    stands = search_views.stands(search)
    rows = [{**row, "verdict": _stands(row, stands)} for row in rows]
    columns = {
        "run": number("run", width=34),
        "recipe": text("recipe or control", width=190),
        "times": number("times faster", format="%.1f", width=70, help="The dense network's time over this one's"),
        "accuracy": number(label, format="%.1f %%", width=62, help="Of the exported file, on validation"),
        "lost": text(
            "points lost", width=110, help="On the same items; the bounds hold each with the goal's confidence"
        ),
        "verdict": text("verdict", width=84),
        "precision": text("precision", width=65),
    }
    event = st.dataframe(
        rows, key=f"auto.table{search.id}", on_select="rerun", selection_mode="single-row", hide_index=True,
        row_height=row_height((row["recipe"] for row in rows), 190),
        column_config=columns, alt=f"The {len(rows)} runs of the plot with their numbers",
    )  # fmt: skip
    table_keys()
    for row in event["selection"]["rows"][:1]:
        state.go(RUNS, run=rows[row]["run"])


def _stands(row: Mapping[str, object], stands: Mapping[int, str]) -> object:
    """What the table says of a run: of a control how it stands to the answer."""
    return stands.get(int(str(row["run"])), row["verdict"]) if row["verdict"] == CONTROL else row["verdict"]


def origin(run: Run) -> Origin | None:
    """The search that made this run, if one did."""
    return search_views.made_by(search_views.known(state.home()), run)


def link(made: Origin, label: str = "") -> None:
    """To the search on the Auto tab of Design."""
    st.page_link(
        "pages/design.py", label=label or f"Search {made.search}", icon=":material/search:",
        query_params={"mode": "auto", "search": str(made.search)},
    )  # fmt: skip
