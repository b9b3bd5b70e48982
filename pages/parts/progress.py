"""Live parts of the Runs page: what is being done, how far, how long yet, and how to stop it."""

from __future__ import annotations

import streamlit as st

from optim import catalog, figures_small, jobs, package, recipes, remarks, words
from optim.figures_small import CurvesInfo
from optim.progress import Progress, progress, queue_left, troubles
from optim.records import Run, State

from . import cards, state
from .say import quiet

QUIET = {"displayModeBar": False}
LISTED = 12


@st.fragment(run_every=1)
def live(revision: int) -> None:
    """Drawn every second while there is work; when a run begins or ends, the whole page is drawn again."""
    runs = state.live_runs()
    if state.store().revision() != revision:
        st.rerun()
    cards.worker()
    running = [run for run in runs if run.state is State.RUNNING]
    history = state.store().runs(states=[State.DONE], limit=50)
    firsts = [_active(run, history) for run in running]
    waiting = [run for run in runs if run.state is State.QUEUED]
    left = queue_left(runs, max((step.left_s or 0.0 for step in firsts), default=None), history)
    if waiting:
        more = f", about {words.duration(left)} for all" if left else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{words.plural(len(waiting), 'run')} waiting{more}**", width="stretch")
            if len(waiting) > 1 and st.button(f"Cancel all {len(waiting)} waiting", key="cancel_all"):
                _cancel(*waiting)
        with st.container(gap="xxsmall"):
            for run in waiting[:LISTED]:
                _waiting(run)
        if len(waiting) > LISTED:
            quiet(f"and {len(waiting) - LISTED} more")


def _active(run: Run, history: list[Run]) -> Progress:
    events = state.store().events(run.id)
    now = progress(run, events, history)
    with st.container(border=True):
        head, stop = st.columns([0.85, 0.15], vertical_alignment="center", wrap=False)
        head.markdown(f"**Run {run.id}** · {recipes.describe(run.recipe)}")
        if run.cancel_requested:
            stop.markdown(":orange-badge[stopping]")
        elif stop.button("Stop", icon=":material/stop:", key=f"stop_{run.id}", width="stretch"):
            _cancel(run)
        if again := remarks.attempt(run):
            quiet(f"{package.capital(again)}.")
        st.markdown(stage_line(now))
        left = f"about {words.duration(now.left_s)} left" if now.left_s else ""
        st.progress(now.fraction, " · ".join(filter(None, (now.detail, left))))
        for trouble in troubles(events):
            st.warning(trouble, icon=":material/info:")
        _draw(figures_small.curves_info(events), f"curve_{run.id}", catalog.data_of(run).goodness.label)
    return now


def stage_line(now: Progress) -> str:
    """Past stages plain, the current one bold, those to come grey; the order tells it too."""
    told = []
    for i, name in enumerate(now.stages):
        told.append(name if i < now.current else f"**:blue[{name}]**" if i == now.current else f":gray[{name}]")
    return " :gray[>] ".join(told)


def _waiting(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        again = f" · {told}" if (told := remarks.attempt(run)) else ""
        st.markdown(f"{cards.badge(run)} Run {run.id} · {recipes.describe(run.recipe)}{again}", width="stretch")
        if st.button("Cancel", key=f"cancel_{run.id}", type="tertiary"):
            _cancel(run)


def _cancel(*runs: Run) -> None:
    """Each as it was seen: one that has begun since is left alone when it was among those that wait."""
    for run in runs:
        if len(runs) == 1 or state.store().run(run.id).state is State.QUEUED:
            state.act(lambda run=run: jobs.cancel(state.home(), run.id))
    st.rerun()


def curves(run: Run) -> None:
    """The curves of a run that has ended."""
    info = figures_small.curves_info(state.store().events(run.id))
    if _draw(info, "curves", catalog.data_of(run).goodness.label):
        quiet(info.alt)


def _draw(info: CurvesInfo, key: str, metric: str) -> bool:
    """The plot and its table, if there is anything to show."""
    if not (info.epochs or info.validated):
        return False
    figure = figures_small.curves_plot(info, state.theme(), metric)
    st.plotly_chart(figure, theme=None, key=key, config=QUIET, alt=info.alt)
    if info.validated:
        with st.expander("As a table"):
            st.table(figures_small.curves_rows(info, metric), border="horizontal", hide_index=True)
    return True
