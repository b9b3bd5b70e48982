"""Runs side by side: the table of differences, the paired times, the curves, the widths, and which came from which."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from optim import answers, catalog, compare, figures_compare, figures_small, jobs_together, sessions, words
from optim import provenance as origins
from optim.compare import Side
from optim.figures_small import CurvesInfo
from optim.provenance import Branch
from optim.records import Run
from optim.sessions import Joint

from . import cards, doubt, sought, state
from .say import face, key_of, quiet, row_height

QUIET = {"displayModeBar": False}
FIRST, OTHER = 150, 180
"""Pixels of a table's columns: on a telephone the first stays in sight beside one other."""
INDENT = "&emsp;&emsp;"
PAIR = 2
"""The reference and one run: their ratio was measured in turns when the run was made."""
TIMED = "The run was timed in turns with the reference. Measured together again, both have times of one new session."
SEPARATE = (
    "These runs were timed in separate sessions, each against the reference. Timed in turns in one process, the ratio "
    "of any two has an interval of its own."
)


def none_yet() -> None:
    """Nothing is measured: what is under way, else how to begin. Shipped runs are looked at on Pareto."""
    live = len(state.live_runs())
    if live:
        cards.worker()
        told = (
            f"{words.plural(live, 'run')} {'is' if live == 1 else 'are'} under way: what is done can be compared here."
        )
        cards.empty(told, "See the queue", "pages/runs.py", ":material/list_alt:")
        return
    told = "Make a run, and what tells it from the reference is shown here. The shipped examples stand on Pareto."
    cards.empty(told, "Design a run", "pages/design.py")
    st.page_link("pages/pareto.py", label="Look at the examples", icon=":material/scatter_plot:",
                 query_params={"source": "shipped"})  # fmt: skip


def sides(runs: Sequence[Run]) -> tuple[Side, ...]:
    """The reference first, then the chosen runs as they were timed under the conditions of the first one."""
    store, mark = state.store(), runs[0].fingerprint
    reference = store.reference_run(runs[0].project)
    found = [*([reference] if reference is not None and reference.result is not None else []), *runs]
    alike = [(run.under(mark.id) if mark else None) or run for run in found]
    chosen, key = {run.id for run in runs}, (str(state.home()), store.revision())
    return tuple(
        _side(run, (*key, run.id, mark.id if mark else ""), is_reference=run.id not in chosen) for run in alike
    )


def reference(shown: Sequence[Side]) -> Run | None:
    """The run that the others are compared with, where it is shown."""
    return next((one.run for one in shown if one.is_reference), None)


@st.cache_resource(max_entries=64, show_spinner=False)
def _side(_run: Run, key: tuple, *, is_reference: bool) -> Side:
    pictures = answers.items(state.home(), _run.recipe.dataset)
    return compare.side(_run, state.store().folder(_run.id), pictures, is_reference=is_reference)


def joint(shown: Sequence[Side]) -> Joint | None:
    """The newest session in which all of them were timed together."""
    store = state.store()
    known = {
        one.run.id: [m for m in store.measurements(one.run.id) if m.file_sha256 == one.file.sha256] for one in shown
    }
    return sessions.newest(known)


def table(shown: Sequence[Side]) -> None:
    """Metrics, then the recipes; one switch hides what is the same everywhere."""
    st.subheader("Side by side", anchor=False)
    only = st.toggle("Differences only", True, key="differ", bind="query-params")
    names = [one.name for one in shown]
    for title, rows in (("measured", compare.metric_rows(shown)), ("recipe", compare.recipe_rows(shown))):
        kept = [row for row in rows if row.differs or not only]
        if not kept:
            quiet("The recipes are the same." if title == "recipe" else "Nothing measured differs.")
            continue
        frame = pd.DataFrame([{title: row.name, **dict(zip(names, row.cells, strict=True))} for row in kept])
        wide = st.column_config.TextColumn
        columns = {title: wide(title, width=FIRST, pinned=True), **{name: wide(name, width=OTHER) for name in names}}
        high = row_height(frame[title], FIRST) or 0, row_height(frame[names].to_numpy().ravel(), OTHER) or 0
        st.dataframe(
            frame, hide_index=True, key=f"table_{title}", alt=f"{title.capitalize()}: {len(kept)} rows",
            column_config=columns, row_height=max(high) or None, height="content",
        )  # fmt: skip


def speed(shown: Sequence[Side], together: Joint | None) -> None:
    """The paired verdict on time, and the button that makes it."""
    st.subheader("Which is faster", anchor=False)
    if together is None:
        st.markdown(SEPARATE if len(shown) > PAIR else TIMED)
    elif together.reasons:
        times = [one.latency for one in together.times.values()]
        doubt.warn("This session is not valid", times, "Measure again while nothing else runs.")
    else:
        names = {one.run.id: one.name for one in shown}
        st.table(compare.pair_rows(together, names), border="horizontal", hide_index=True)
        some = next(iter(together.times.values())).latency
        quiet(f"Timed in turns, {some.rounds} rounds in random order; each line says how it stands to the others.")
    for one in compare.elsewhere(shown):
        where = one.run.fingerprint.processor if one.run.fingerprint else "another machine"
        st.warning(f"{one.name.capitalize()} was timed under other conditions, on {where}: time it again here.",
                   icon=":material/info:")  # fmt: skip
    _measure([one.run for one in shown], again=together is not None, plain=len(shown) <= PAIR)


def _measure(runs: Sequence[Run], *, again: bool, plain: bool) -> None:
    """`plain`: nobody needs it."""
    busy = [run for run in runs if run.state.live]
    label = "Measure these together again" if again else "Measure these together"
    look = face(label, ":material/timer:", "secondary" if again or plain else "primary", disabled=bool(busy))
    if st.button(**look, key=key_of("measure_together", *runs)):
        numbers = [run.id for run in runs]
        state.act(
            lambda: jobs_together.measure_together(state.home(), numbers, start_driver=False),
            "They wait to be timed together; this page shows it when it is done.",
        )
        state.wake()
        st.rerun()
    if busy:
        quiet(f"Run {busy[0].id} is being timed, or waits for it.")


def curves(shown: Sequence[Side]) -> None:
    """The validation score while they were trained, in one plot."""
    st.subheader("How they learned", anchor=False)
    runs = [one for one in shown if not one.is_reference]
    known = {one.name: _curve(str(state.home()), one.run.id, one.run.ended_at) for one in runs}
    metric = catalog.data_of(shown[0].run).goodness.label
    info = figures_compare.curves_info(known, metric)
    if not info.lines:
        st.markdown("None of these runs was trained: their recipes have no step that trains.")
        return
    st.plotly_chart(
        figures_compare.curves_plot(info, state.theme(), metric), theme=None, key="curves", config=QUIET, alt=info.alt
    )
    quiet(info.alt)
    with st.expander("As a table"):
        for line in info.lines:
            st.markdown(f"**{line.name}**")
            st.table(figures_small.curves_rows(known[line.name], metric), border="horizontal", hide_index=True)


@st.cache_data(max_entries=100, show_spinner=False)
def _curve(folder: str, run_id: int, ended_at: float | None) -> CurvesInfo:
    return figures_small.curves_info(state.store().events(run_id))


def widths(shown: Sequence[Side]) -> None:
    """The width of each layer of each run beside the dense model's."""
    st.subheader("How wide they are", anchor=False)
    runs = [one for one in shown if not one.is_reference]
    groups = {one.name: one.run.result.groups for one in runs if one.run.result}
    if all(group.before == group.after for every in groups.values() for group in every):
        st.markdown("Every layer is as wide as in the dense model.")
        return
    info = figures_compare.widths_info(groups, "dense")
    figure = figures_compare.widths_plot(info, state.theme())
    st.plotly_chart(figure, theme=None, key="widths", config=QUIET, alt=info.alt)
    with st.expander("As a table"):
        st.table(figures_compare.widths_rows(info), border="horizontal", hide_index=True)


def provenance(shown: Sequence[Side]) -> None:
    """Which run came from which, as a tree; a click goes to the run, or to the search that made it."""
    st.subheader("Which came from which", anchor=False)
    names = {one.run.id: one.name for one in shown}
    made = {one.run.id: origin for one in shown if (origin := sought.origin(one.run)) is not None}
    with st.container(gap="xxsmall"):
        for branch in origins.tree([one.run for one in shown], made):
            _branch(branch, names, _teachers(branch.teacher, shown))


def _teachers(teacher: str, shown: Sequence[Side]) -> list[int]:
    """Runs of the baseline that taught: those that are shown, else the newest one of the store, if there is any."""
    if not teacher:
        return []
    wanted = origins.baseline(teacher, shown[0].run.recipe.dataset)
    here = [one.run.id for one in shown if one.run.recipe.id == wanted.id]
    stored = None if here else state.store().run_of(wanted)
    return here or ([stored.id] if stored is not None else [])


def _branch(branch: Branch, names: dict[int, str], teachers: Sequence[int]) -> None:
    """`teachers`: runs of the baseline that taught in this step."""
    told = f"{INDENT * branch.depth}{'└ ' if branch.depth else ''}{branch.label}"
    if branch.teacher and not teachers:
        told += f", taught by the dense {branch.teacher.replace(':', ' x')}"
    if branch.shared > 1:
        told += f" :gray[· made once for {branch.shared} runs]"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(told, width="content")
        for run in (*teachers, *branch.runs):
            name = names.get(run, f"run {run}")
            taught = f"Taught by the dense {branch.teacher.replace(':', ' x')}, {name}"
            label = taught if run in teachers else name.capitalize()
            st.page_link("pages/runs.py", label=label, icon=":material/arrow_forward:", query_params={"run": str(run)})
        for origin in branch.searches:
            sought.link(origin, f"Made by {origin.words}")
