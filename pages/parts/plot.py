"""How the Pareto plot looks, its selection, and the table under it with the same facts and the same action."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from optim import catalog, remarks, search_views, tables, words
from optim.findings import COSTS, Findings
from optim.records import Run
from optim.search_views import Beside

from . import address, shelf, state
from .chosen import OWN, SAID, SHIPPED, Choice
from .say import quiet, row_height, table_keys
from .shelf import Picture, View

FOCUS, SEEN, MARKED = "_focus", "_seen", "_marked"
RATIO = (
    "The reference over this run. For latency both were timed in turns in the same session, so it can differ from "
    "dividing the two latencies of this table."
)
ACCEPT, ACCEPT_HIGH = 1.0, 50.0
"""Points of the score: the loss that is accepted at first, and the most."""
FEW = 2
"""As long as the plot has fewer points than this, new ones are shown at once."""


def look() -> View:
    """Cost, scale, accepted loss and precision, in one row that wraps."""
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        costs, scales = {cost.name: cost.label for cost in COSTS.values()}, {"linear": "Linear", "log": "Log"}
        cost = address.one_of(st.segmented_control, "Cost", costs, "cost", required=True)
        scale = address.one_of(st.segmented_control, "Scale", scales, "scale", "log", required=True)
        asked = st.number_input(
            "Accept a loss of (points)", value=ACCEPT, step=0.5, format="%g", key="accept", bind="query-params",
            width=190,
        )  # fmt: skip
        both = ["FP32", "INT8"]
        kinds = st.pills("Precision", both, selection_mode="multi", default=both, key="precision", bind="query-params")
    return View(cost, scale == "log", _accepted(asked), tuple(kind.lower() for kind in kinds))


def _accepted(asked: float | None) -> float:
    """The loss that plot and title go by, in points; what cannot be accepted is said, and the usual one taken."""
    if asked is not None and 0 <= asked <= ACCEPT_HIGH:
        return asked
    given = "Nothing" if asked is None else f"A loss of {asked:g} points".replace("-", words.MINUS)
    st.warning(
        f"{given} cannot be accepted: 0 to {ACCEPT_HIGH:g} can. Plot and title go by {ACCEPT:g} point.",
        icon=":material/info:",
    )
    return ACCEPT


def loss_share(found: Findings) -> None:
    """Under the accepted loss, what that is of the reference's score, where a point is a large part of it."""
    if found.reference is None:
        return
    data = catalog.data_of(found.reference.run)
    if told := remarks.loss_share(found.accept, found.reference.score.value, data):
        quiet(told)


def freeze(choice: Choice) -> tuple[Run, ...]:
    """The runs as the reader last saw them: new ones wait for "update", so that nothing moves under the pointer."""
    if choice.source != SHIPPED and state.live_runs():
        _watch(state.store().revision())
    if choice.project is None or choice.source == SHIPPED:
        return choice.runs
    seen = st.session_state.setdefault(SEEN, {})
    shown = tables.until(choice.runs, seen.get(choice.key, 0.0))
    if len(shown) < FEW:
        seen[choice.key], shown = tables.newest(choice.runs), choice.runs
    waiting = len(choice.runs) - len(shown)
    label = f"{words.plural(waiting, 'new run')}, update"
    if waiting and st.button(label, icon=":material/refresh:", key="update"):
        seen[choice.key] = tables.newest(choice.runs)
        st.rerun()
    return shown


@st.fragment(run_every=2)
def _watch(revision: int) -> None:
    """While work goes on: look every two seconds whether there is news, and say what is still to come."""
    live = state.live_runs()
    if state.store().revision() != revision:
        st.rerun()
    quiet(f":material/sync: {words.plural(len(live), 'run')} still to come")


def key(choice: Choice, runs: tuple[Run, ...]) -> tuple:
    """What tells these runs from others, for what is kept of them."""
    return (str(state.home()), state.store().revision(), choice.key, len(runs))


def focused(result: Findings) -> list[int]:
    """The run the reader chose, if it is in this plot; it stands in the address too."""
    asked = st.query_params.get("run", "")
    if asked and asked != st.session_state.get(SAID):
        number = state.asked_run()
        if number is not None and result.fact(number):
            st.session_state[FOCUS] = [number]
        else:
            st.warning(f"{state.why_not(asked, 'is not in this plot')}.", icon=":material/info:")
    ids = [run_id for run_id in st.session_state.get(FOCUS, []) if result.fact(run_id)]
    if ids:
        st.query_params["run"] = str(ids[-1])
    elif "run" in st.query_params:
        del st.query_params["run"]
    st.session_state[SAID] = st.query_params.get("run", "")
    return ids


def beside(choice: Choice, runs: tuple[Run, ...]) -> Beside:
    """The controls of the searches whose answers are among these runs; shipped runs come from none."""
    if choice.source != OWN:
        return shelf.NOTHING_BESIDE
    return search_views.beside(search_views.known(state.home()), [run.id for run in runs])


def draw(picture: Picture, beside: Beside = shelf.NOTHING_BESIDE) -> None:
    """The plot; a click chooses a run."""
    info = picture.info
    st.plotly_chart(
        picture.figure, theme=None, key="plot", on_select=_clicked, selection_mode="points",
        config={"displayModeBar": False, "scrollZoom": False}, alt=info.alt,
    )  # fmt: skip
    if info.not_valid:
        quiet(f"Not drawn, because the time is not valid: {words.plural(info.not_valid, 'run')}; Runs says why.")
    if info.below:
        quiet(f"{words.plural(info.below, 'run')} far below this view; the table has them all.")
    for line in beside.missing:
        quiet(line)


def _clicked() -> None:
    """Choosing the chosen one again lets it go."""
    points = st.session_state["plot"]["selection"]["points"]
    numbers = [point["customdata"][0] for point in points if point.get("customdata")]
    if numbers:
        before = st.session_state.get(FOCUS, [])
        st.session_state[FOCUS] = [] if numbers[0] in before else [int(numbers[0])]


def openings(choice: Choice) -> str:
    """How often the test set of this project was opened: each look makes its numbers a little less trustworthy."""
    if choice.project is None or choice.source == SHIPPED:
        return ""
    store = state.store()
    return remarks.openings(store.openings(choice.project.id), store.runs(project_id=choice.project.id))


def table(result: Findings, rows: pd.DataFrame, ids: list[int]) -> None:
    """All runs of the plot, the chosen one marked; a row chooses like a click."""
    order = [fact.run.id for fact in result.facts]
    marked = [order.index(fact.run.id) for run_id in ids if (fact := result.fact(run_id))]
    if st.session_state.get(MARKED) != (order, marked):
        st.session_state[MARKED] = (order, marked)
        st.session_state["table"] = {"selection": {"rows": marked, "columns": [], "cells": []}}

    def picked() -> None:
        chosen = st.session_state["table"]["selection"]["rows"][:1]
        st.session_state[FOCUS] = [order[row] for row in chosen]
        st.session_state[MARKED] = (order, chosen)

    best = max(fact.gain.value for fact in result.facts)
    st.dataframe(
        rows, key="table", on_select=picked, selection_mode="single-row", hide_index=True, placeholder="",
        row_height=row_height(rows["recipe"], 210),
        column_config=_columns(result, best), alt=f"The {len(rows)} runs of the plot with their numbers",
    )  # fmt: skip
    table_keys()


def _columns(found: Findings, best: float) -> dict:
    row = catalog.data_of(found.facts[0].run) if found.facts else catalog.dataset("digits")
    one, many = row.items
    label = found.metric.label
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "run": number("run", width=34),
        "recipe": text("recipe", width=156, help="Model and knobs are named where they differ"),
        "latency": number("latency", format="%.3g ms", width=72, help="Median time of one call"),
        "accuracy": number(
            label, format="%.1f %%", width=max(62, 8 * len(label)), help=f"Validation {label} of the exported file"
        ),
        "lost": text("points lost", width=116, help=f"Against the reference, on the same {many}; 95 % interval"),
        "verdict": text("verdict", width=96),
        "times": st.column_config.ProgressColumn(
            f"times {found.cost.gain}", format="%.1f", width=80, min_value=0.0, max_value=max(best, 1.0), help=RATIO
        ),
        "plus_minus": number("± points", format="%.1f", width=58, help=f"Half of the 95 % interval of the {label}"),
        "size": number("size, kB", format="accounting", step=1, width=56),
        "macs": number(
            "MACs, M", format="accounting", step=0.01, width=62, help=f"Million multiply-accumulates for one {one}"
        ),
        "params": number(
            "params, k", format="accounting", step=0.1, width=64, help="Parameters of the network, in thousands"
        ),
    }
