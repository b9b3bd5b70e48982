"""What the Pareto page asks of the runs, kept until they or the question change: 1,000 of them take a while to sort."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from optim import conditions, figures, findings, outcomes, remarks, tables, tables_pareto
from optim.figures import ParetoInfo
from optim.findings import Findings
from optim.records import Project, Run
from optim.search_views import Beside

from . import state

NOTHING_BESIDE = Beside()


class View(NamedTuple):
    """How the plot looks at the runs."""

    cost: str
    log: bool
    accept: float
    precisions: tuple[str, ...]


class Shelf(NamedTuple):
    """The runs of one project, by the machine they were timed on."""

    project: Project
    machines: dict[str, str]
    """Name on screen of each, by the id of its fingerprint; the most used first."""
    runs: dict[str, tuple[Run, ...]]

    @property
    def any_valid(self) -> bool:
        """Whether one of its runs has a time that may be compared."""
        return any(not remarks.not_valid(run) for runs in self.runs.values() for run in runs)

    @property
    def drawn_at(self) -> float:
        """When the newest run ended that can be drawn beside the reference, Unix seconds; 0 without one."""
        drawn = [run for runs in self.runs.values() for run in runs if not run.is_reference]
        return max((run.ended_at or 0.0 for run in drawn if not remarks.not_valid(run)), default=0.0)


@st.cache_resource(max_entries=8, show_spinner=False)
def shelves(_runs: tuple[Run, ...], key: tuple) -> dict[str, Shelf]:
    """Every project's runs, by the word that stands for it in the address; the newest project first."""
    known = {id(run.project): run.project for run in _runs}
    return {tables.project_word(project): _shelf(project, known, _runs) for project in known.values()}


def _shelf(project: Project, known: dict[int, Project], runs: tuple[Run, ...]) -> Shelf:
    alike = {number for number, other in known.items() if tables.same_target(other, project)}
    mine = [run for run in runs if id(run.project) in alike]
    machines = tables.machine_names(conditions.machines(mine))
    return Shelf(project, machines, {machine: conditions.under(mine, machine) for machine in machines})


@st.cache_resource(max_entries=24, show_spinner=False)
def find(_runs: tuple[Run, ...], key: tuple, view: View) -> Findings:
    """What the runs say."""
    pairing, test = (outcomes.pairing(state.home(), split) for split in ("validation", "test"))
    return findings.find(
        _runs, cost=view.cost, accept=view.accept, precisions=view.precisions, pairing=pairing, test=test
    )


class Picture(NamedTuple):
    info: ParetoInfo
    figure: go.Figure


@st.cache_resource(max_entries=24, show_spinner=False)
def picture(
    _found: Findings, key: tuple, view: View, ids: tuple[int, ...], theme: str, beside: Beside = NOTHING_BESIDE
) -> Picture:
    """The plot of these findings, with the controls of the searches whose answers are in it."""
    info = figures.pareto_info(_found, log=view.log, focused=ids, controls=beside.names)
    return Picture(info, figures.pareto_plot(info, theme))


@st.cache_resource(max_entries=24, show_spinner=False)
def rows(_found: Findings, key: tuple, view: View) -> pd.DataFrame:
    """The table of these findings."""
    return pd.DataFrame(tables_pareto.pareto_rows(_found))


@st.cache_resource(max_entries=24, show_spinner=False)
def notes(_found: Findings, key: tuple, view: View) -> list[str]:
    """What is to be known of that table."""
    return tables_pareto.notes(_found)
