"""The list of runs and the one chosen in it: its curves, its log, its cure, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import streamlit as st

from optim import cures, drafts, families, jobs, package, presets, recipes, remarks, tables, words
from optim.progress import stages
from optim.records import Run, State

from . import cards, compared, cured, doubt, knobs, progress, sought, state
from .say import face, key_of, quiet, row_height, table_keys

Kind = Literal["primary", "secondary"]
SPARKLINES = 40
"""Rows with a curve; each costs the reading of a file the first time."""


def chosen(runs: list[Run]) -> Run | None:
    """The table of runs; the chosen row also stands in the address. Unasked, a failure that is news."""
    asked = state.asked_run()
    order = [run.id for run in runs]
    key = f"runs_table_{hash(tuple(order))}"  # a choice is a row's place: it holds for these runs only
    if key not in st.session_state and asked in order:
        st.session_state[key] = {"selection": {"rows": [order.index(asked)], "columns": [], "cells": []}}
    curves = {run.id: state.curve(run) for run in runs[:SPARKLINES]}
    rows = tables.run_rows(runs, curves)
    event = st.dataframe(
        rows, key=key, on_select="rerun", selection_mode="single-row",
        row_height=row_height((row["recipe"] for row in rows), 190),
        hide_index=True, placeholder="", column_config=_columns(runs), alt=f"The last {len(runs)} runs",
    )  # fmt: skip
    table_keys()
    picked = event["selection"]["rows"]
    run = runs[picked[0]] if picked and picked[0] < len(runs) else None
    if run is not None:
        st.query_params["run"] = str(run.id)
        return run
    if "run" in st.query_params:
        del st.query_params["run"]
    return runs[0] if runs[0].state is State.FAILED else None


def gone(runs: list[Run]) -> None:
    """Says that the run in the address is no longer there, once."""
    asked = state.asked_run()
    if asked is not None and all(run.id != asked for run in runs):
        st.warning(f"There is no run {asked}: it was deleted, or never made.", icon=":material/info:")
        del st.query_params["run"]


def _columns(runs: list[Run]) -> dict:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "run": number("run", width=34),
        "recipe": text("recipe", width=154),
        "state": text("state", width=72),
        "latency": number("latency", format="%.3g ms", width=72, help="Median time of one call"),
        "time": text("time", width=56, help="A time that is not valid was disturbed: time the run again"),
        "accuracy": number(tables.score_head(runs), format="%.1f %%", width=86,
                           help=f"Of the exported file on validation: {tables.score_help(runs)}"),
        "model": text("model", width=98),
        "data": text("data", width=104),
        "curve": st.column_config.LineChartColumn("curve", width=60, help="The same after each epoch"),
        "took": text("took", width=56),
        "when": text("when", width=84),
    }  # fmt: skip


def detail(run: Run) -> None:
    """All about one run that has ended or waits."""
    with st.container(border=True):
        st.subheader(f"Run {run.id}: {tables.state_words(run)}", anchor=False)
        quiet(f"{recipes.describe(run.recipe)} · {' > '.join(stages(run.recipe))}")
        if again := remarks.attempt(run):
            quiet(f"{package.capital(again)}.")
        if (origin := sought.origin(run)) is not None:
            sought.link(origin, f"Made by {origin.words}")
        cards.failed(run)
        cured.offer(run)
        left, right = st.columns([0.55, 0.45], gap="medium")
        with left:
            progress.curves(run)
        with right:
            reference = state.store().reference_run(run.project)
            cards.numbers(run, reference)
            facts(run, reference)
        _actions(run)
        _log(run)


def facts(run: Run, reference: Run | None) -> None:
    """What it lost, what it took, and what the machine chose."""
    if run.result is None:
        return
    cards.told_by(run, None if reference is not None and reference.id == run.id else reference)
    if told := remarks.times_line(state.store().measurements(run.id), shown=run.measurement):
        quiet(told)
    doubt.not_valid(run, shipped=False, where="")
    spent = ", ".join(f"{name} {words.duration(s)}" for name, s in run.result.stage_seconds.items())
    quiet(f"Time spent: {spent}." if spent else "")
    if run.result.cached_steps:
        quiet(f"{words.plural(run.result.cached_steps, 'step')} taken from an earlier run with the same beginning.")
    if run.result.variant:
        quiet(f"Trained on {run.result.train_device.upper()}, {run.result.variant}.")
    if told := remarks.partly(run.result.file):
        st.warning(f"Called INT8, but {told}.", icon=":material/info:")
    for warning in run.result.warnings:
        st.warning(warning, icon=":material/info:")


def _actions(run: Run) -> None:
    """The cure or the next step first; deleting asks once more."""
    home = state.home()
    kind: Kind = "primary" if state.live_runs() else "secondary"
    with st.container(horizontal=True):
        if run.state in (State.FAILED, State.CANCELLED) or _file_is_gone(run):
            said = f"Run {run.id} waits again."
            retry: Kind = "secondary" if cures.cures(run) else "primary"
            again = partial(jobs.retry, home, run.id, start_driver=False)
            _button(run, "Retry", retry, ":material/replay:", again, said)
        if run.result is not None:
            _link("See it in the plot", kind, ":material/scatter_plot:", "pages/pareto.py", run)
            _link("Export", "secondary", ":material/download:", "pages/export.py", run)
            compared.button(run, f"do_Compare_{run.id}")
        if run.state.live:
            _button(run, "Cancel", "secondary", ":material/stop:", lambda: jobs.cancel(home, run.id), "")
            return
        if run.result is not None:
            _time_again(run)
            _open_test(run)
            _repeat(run)
        _change(run)
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown(f"Run {run.id} and its file will be gone.")
            _button(run, "Delete it", "primary", "", lambda: _delete(run), f"Run {run.id} is deleted.")


def _delete(run: Run) -> None:
    """The address forgets it too."""
    jobs.delete(state.home(), run.id)
    st.query_params.pop("run", None)


def _time_again(run: Run) -> None:
    """One more measurement of the same file; what is known of the run stays."""
    gone = _file_is_gone(run)
    help_ = (
        "Its file is gone: retry the run to make it again." if gone else "Times the same file once more, here and now."
    )
    _button(
        run, "Time again", "secondary", ":material/timer:",
        lambda: jobs.measure_again(state.home(), run.id, start_driver=False), f"Run {run.id} waits to be timed again.",
        disabled=gone, help_=help_,
    )  # fmt: skip


def _open_test(run: Run) -> None:
    """For a run inside a search, whose test set stayed closed."""
    if run.result is None or run.result.file.score.test is not None:
        return
    _button(
        run, "Open the test set", "secondary", ":material/lock_open:",
        lambda: jobs.open_test(state.home(), run.id, start_driver=False),
        f"Run {run.id} waits to have its test set opened.", disabled=_file_is_gone(run),
        help_="Scores this file on the test set, once. The opening is counted.",
    )  # fmt: skip


def _repeat(run: Run) -> None:
    """How much of the result is luck: the same recipe with other seeds."""
    if run.origin != "own" or run.is_reference or not families.depends_on_seed(run.recipe):
        return
    _button(
        run, f"Repeat over {families.SEEDS} seeds", "secondary", ":material/casino:",
        lambda: presets.repeat(state.home(), run.id), f"The recipe of run {run.id} waits with {families.SEEDS} seeds.",
        help_="The same recipe with other seeds; the plot then shows their mean with its interval.",
    )  # fmt: skip


def _file_is_gone(run: Run) -> bool:
    return run.state is State.DONE and not state.store().has_its_file(run)


def _change(run: Run) -> None:
    """To Design with recipe, target and training device; a recipe that Design cannot hold is offered as text."""
    why_not = drafts.unfit(run)
    if not why_not:
        if st.button("Change it in Design", icon=":material/tune:", key=key_of("do_change", run)):
            knobs.ask(run.recipe, run)
            state.go("pages/design.py")
        return
    with st.popover("Change the command", icon=":material/terminal:"):
        st.markdown(why_not)
        st.code(drafts.command(run.recipe, run.project, run.train_device), language="bash", wrap_lines=True)


def _link(label: str, kind: Kind, icon: str, page: str, run: Run) -> None:
    if st.button(**face(label, icon, kind), key=key_of(f"do_{label}", run)):
        state.go(page, run=run.id)


def _button(
    run: Run, label: str, kind: Kind, icon: str, action: Callable[[], object], said: str, *, disabled: bool = False,
    help_: str | None = None,
) -> None:  # fmt: skip
    """A button that does one thing to this run and draws the page again."""
    if st.button(**face(label, icon, kind, disabled=disabled), key=key_of(f"do_{label}", run), help=help_):
        state.act(action, said)
        state.wake()
        st.rerun()


def _log(run: Run) -> None:
    """The end of what the run printed."""
    text = tables.log_tail(state.store().folder(run.id)) or (run.failure.log_tail if run.failure else "")
    if text:
        with st.expander("Log"):
            st.code(text, language=None, wrap_lines=True, height=320)
