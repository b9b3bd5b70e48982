"""The Auto tab of Design: a goal and a budget go in, and the program looks for the fastest file that keeps the goal."""

from __future__ import annotations

import streamlit as st

from optim import jobs, search_jobs, searches, words
from optim.recipes import brief
from optim.searches import Search, Wish

from . import knobs, state
from .say import face, quiet

MINUTES = (2, 5, 10, 30, 60, 120)


def form() -> None:
    """Model, goal, budget, and the button."""
    dataset, model, width, _ = knobs.model()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        loss = st.number_input("Lose at most (points)", 0.0, 50.0, 1.0, 0.1, key="auto.loss", width=180)
        sure = st.select_slider("Confidence", (0.8, 0.9, 0.95, 0.99), 0.95, format_func=words.percent, key="auto.sure")
        minutes = st.select_slider("Budget (minutes)", MINUTES, 10, key="auto.minutes")
    quiet(
        "It tries small networks shortly and trains the promising ones on, by validation alone; up to 30 % of the time "
        "goes to controls that the answer has to beat. The test set is opened for the answer only."
    )
    if st.button(**face("Search", ":material/search:"), key="auto.start"):
        asked = {"dataset": dataset, "model": model, "width": width, "max_loss": loss, "confidence": sure}
        state.act(
            lambda: search_jobs.search_for(state.home(), **asked, budget_s=60.0 * minutes), "The search has begun."
        )
        st.rerun()


def shelf() -> None:
    """All searches, the newest first; those that run are drawn anew every two seconds."""
    known = searches.all_searches(state.home())
    if not known:
        quiet("No search yet. What it finds stays here, and its runs stand on the Pareto page with all others.")
        return
    running = any(search.state == "running" for search in known)
    st.fragment(_cards, run_every=2 if running else None)(running)


def _cards(running: bool) -> None:
    known = searches.all_searches(state.home())
    if running and not any(search.state == "running" for search in known):
        st.rerun()
    for search in known[:8]:
        with st.container(border=True):
            _card(search)


def _card(search: Search) -> None:
    base, goal = search.base, search.goal
    st.markdown(
        f"**Search {search.id}** · {base.model} x{base.width:g} on {base.dataset} · at most "
        f"{words.three(goal.max_loss)} points lost, {words.percent(goal.confidence, 0)} confidence"
    )
    if search.answer is not None and search.state == "done":
        st.markdown(search.answer.sentence)
    if search.state != "done":
        share = min(search.spent_s / search.budget_s, 1.0)
        what = "paused" if search.state == "paused" else search.doing
        st.progress(share, f"{what}, {words.plural(len(search.run_ids), 'run')}, {words.duration(search.left_s)} left")
    _controls(search)
    _buttons(search)


def _controls(search: Search) -> None:
    if not search.controls:
        return
    rows = []
    for control in search.controls:
        run = state.store().run(control.run_id) if control.run_id else None
        score = run.result.file.score.validation if run and run.result else None
        ratio = run.latency.ratio.value if run and run.latency else None
        rows.append(
            {
                "control": control.name,
                "run": control.run_id,
                "accuracy, %": round(100 * score.value, 1) if score else None,
                "times faster": round(ratio, 1) if ratio else None,
                "note": control.note or (brief(run.recipe) if run else ""),
            }
        )
    st.dataframe(rows, hide_index=True, alt="The controls of this search")


def _buttons(search: Search) -> None:
    with st.container(horizontal=True):
        number = search.answer and (search.answer.run_id or search.answer.nearest_id)
        look = {"key": f"auto.show{search.id}", "icon": ":material/scatter_plot:"}
        if number and st.button("Show it in the plot", **look):
            state.go("pages/pareto.py", run=number)
        for label, wish in _wishes(search).items():
            if st.button(label, key=f"auto.{label}{search.id}"):
                state.act(lambda wish=wish: searches.wish(state.home(), search.id, wish))
                jobs.ensure_driver(state.home())
                st.rerun()


def _wishes(search: Search) -> dict[str, Wish]:
    longer = {"10 minutes more": Wish(state="running", more_s=600.0)}
    if search.state == "running":
        return {"Pause": Wish(state="paused")}
    return {"Resume": Wish(state="running"), **longer} if search.state == "paused" else longer
