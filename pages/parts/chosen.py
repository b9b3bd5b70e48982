"""Which runs the Pareto plot is about: source, project and machine."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from optim import findings, tables
from optim.records import Project, Run

from . import address, cards, shelf, state
from .shelf import Shelf

OWN, SHIPPED, HERE = "own", "shipped", "here"
SOURCES = {OWN: "My runs", SHIPPED: "Shipped examples", HERE: "Examples, timed here"}
SAID, WANTED, FIRST = "_focus_said", "_wanted_source", "_first_project"


class Choice(NamedTuple):
    """Which runs the plot is about. The three sources are never mixed."""

    source: str
    project: Project | None
    runs: tuple[Run, ...]
    machine: str

    @property
    def key(self) -> str:
        return f"{self.source}/{self.project.id if self.project else 0}/{self.machine}"


def choose() -> Choice:
    """Source, project and machine; what has only one answer is not asked.

    Under a machine stands every run that was ever timed on it, with its newest time there.
    """
    store = state.store()
    runs_of = {
        OWN: findings.measured(store.runs(origin="own")),
        SHIPPED: cards.shipped(),
        HERE: findings.measured(store.runs(origin="example")),
    }
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        source = _source([name for name, runs in runs_of.items() if runs or name == OWN])
        shelves = shelf.shelves(runs_of[source], (str(state.home()), source, store.revision()))
        if not shelves:
            return Choice(source, None, (), "")
        names = {word: tables.project_name(one.project) for word, one in shelves.items()}
        _follow(shelves)
        found = shelves[_one_of("Project", names, "project", _first(source, shelves))]
        machine = _one_of("Timed on", found.machines, "machine")
    return Choice(source, found.project, found.runs[machine], found.machines[machine])


def _source(sources: list[str]) -> str:
    """My runs first, once there are any; before that the shipped ones."""
    if len(sources) == 1:
        return sources[0]
    if wanted := st.session_state.pop(WANTED, ""):
        st.session_state["source"] = wanted
    first = OWN if state.store().runs(origin="own", limit=1) else sources[1]
    names = {source: SOURCES[source] for source in sources}
    return address.one_of(st.segmented_control, "Runs", names, "source", first, required=True)


def _first(source: str, shelves: dict[str, Shelf]) -> str:
    """The project of the newest run to draw when the page was first opened: a run made or deleted moves nothing.

    Where only references are measured: the newest project with a valid time.
    """
    shown = st.session_state.setdefault(FIRST, {})
    if shown.get(source) not in shelves:
        shown[source] = max(shelves, key=lambda word: (shelves[word].drawn_at, shelves[word].any_valid))
    return shown[source]


def _follow(shelves: dict[str, Shelf]) -> None:
    """A run that the address asks for brings its project along."""
    asked, number = st.query_params.get("run", ""), state.asked_run()
    if number is None or asked == st.session_state.get(SAID) or "project" in st.query_params:
        return
    for word, one in shelves.items():
        if any(run.id == number for runs in one.runs.values() for run in runs):
            st.query_params["project"] = word


def _one_of(label: str, names: dict[str, str], key: str, default: str = "") -> str:
    """The newest first; asked only when there is a choice."""
    if len(names) == 1:
        return next(iter(names))
    return address.one_of(st.selectbox, label, names, key, default, width=440)
