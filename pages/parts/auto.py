"""The Auto tab of Design: a goal and a budget go in, and the program looks for the fastest file that keeps the goal."""

from __future__ import annotations

import streamlit as st

from optim import baselines, catalog, remarks, search_controls, search_jobs, search_views, searches, words
from optim.errors import ParetoscopeError, StoreError
from optim.searches import Search, Wish

from . import cards, doubt, knobs, sought, state
from .say import face, quiet
from .sought import Drawn

MINUTES = (2, 3, 5, 10, 15, 20, 30, 60, 120)
LISTED = 8
MEANS = {
    "End now": "Ends exploring. The controls of what was found then run for 30 % of the budget at most.",
    "Skip the controls": "Answers at once. Controls that have not run are marked so, and the answer says it.",
}
STUDENTS = (
    "Trained networks of other models that take less arithmetic are tried as students of this one. Without, only "
    "smaller networks of this model are."
)


def form() -> None:
    """Model, goal, budget, and the button."""
    dataset, model, width = knobs.dense()
    refused = _refused(dataset, model, width)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        loss = st.number_input("Lose at most (points)", 0.0, 50.0, 1.0, 0.1, key="auto.loss", width=180)
        sure = st.select_slider("Confidence", (0.8, 0.9, 0.95, 0.99), 0.95, format_func=words.sure, key="auto.sure")
        minutes = st.select_slider("Budget (minutes)", MINUTES, 10, key="auto.minutes")
        students = st.checkbox("Other models too", True, key="auto.students", help=STUDENTS)
    if told := remarks.loss_share(loss, _reference_score(dataset, model, width), catalog.dataset(dataset)):
        quiet(told)
    quiet(
        "It tries small networks briefly and trains the promising ones on, by validation alone. Exploring leaves 30 % "
        "of the time, or more, to controls that the answer has to beat; without an answer it uses all. The test set is "
        "opened for the answer and the reference only."
    )
    for told in search_jobs.cautions(state.home(), dataset, model, width) if not refused else ():
        st.info(told, icon=":material/info:")
    if st.button(**face("Search", ":material/search:", disabled=bool(refused)), key="auto.start"):
        asked = {"dataset": dataset, "model": model, "width": width, "max_loss": loss, "confidence": sure,
                 "students": students}  # fmt: skip
        state.act(
            lambda: search_jobs.search_for(state.home(), **asked, budget_s=60.0 * minutes), "The search has begun."
        )
        st.query_params.pop("search", None)
        st.rerun()


def _refused(dataset: str, model: str, width: float) -> str:
    """Why no search can begin from this; said at once."""
    try:
        search_jobs.dense_recipe(dataset, model, width)
    except ParetoscopeError as error:
        st.error(str(error), icon=":material/error:")
        return str(error)
    return ""


def _reference_score(dataset: str, model: str, width: float) -> float:
    """Of the dense baseline on validation, 0 to 1; 0 where it must be trained first or cannot be read."""
    try:
        card = baselines.card(dataset, model, width, state.home())
    except StoreError:
        return 0.0
    return card["score"]["validation"]["value"] if card else 0.0


def shelf() -> None:
    """All searches, the newest first; while one runs they are drawn anew every two seconds."""
    known = search_views.known(state.home())
    if not known:
        quiet("No search yet. What it finds stays here, and its runs stand on the Pareto page with all others.")
        return
    asked = st.query_params.get("search", "")
    if asked and all(str(search.id) != asked for search in known):
        st.warning(f"There is no search {asked[: state.RUN_DIGITS]}.", icon=":material/info:")
    busy = any(map(_is_busy, known))
    st.fragment(_cards, run_every=2 if busy else None)(busy)


def _is_busy(search: Search) -> bool:
    """Whether it changes by itself; a wish is heard within a second."""
    return search.state == "running" or searches.has_wish(state.home(), search.id)


def _cards(busy: bool) -> None:
    known = search_views.known(state.home())
    if busy and not any(map(_is_busy, known)):
        st.rerun()
    if busy:
        cards.worker(anyway=True)
    asked = st.query_params.get("search", "")
    opened = next((search for search in known if str(search.id) == asked), known[0])
    for search in [*known[:LISTED], *([opened] if opened not in known[:LISTED] else [])]:
        with st.container(border=True):
            if search is opened or search.state == "running":
                _whole(search)
            else:
                _closed(search)


def _closed(search: Search) -> None:
    """One line and the button that shows the rest."""
    quiet(search_views.circumstances(search))
    st.markdown(search.answer.sentence if search.answer else search.state.capitalize())
    if st.button(f"Show search {search.id}", key=f"auto.open{search.id}", icon=":material/expand_more:"):
        st.query_params["search"] = str(search.id)
        st.rerun()


def _whole(search: Search) -> None:
    shown = sought.drawn(search)
    st.subheader(shown.info.title, anchor=False)
    quiet(search_views.circumstances(search))
    if search.state != "done":
        _course(search, shown)
    elif search.answer is not None:
        _answer(search, shown)
    _buttons(search, shown)
    sought.plot(search, shown)


def _course(search: Search, shown: Drawn) -> None:
    """How far it is, and what is tried now."""
    phase = search.doing if search.state == "running" else search.state
    most, left_s = "at most " * search.hurried, search_controls.room_s(search)
    gone = search.spent_s / max(search.spent_s + left_s, 1.0)
    st.progress(min(gone, 1.0), f"{phase.capitalize()}, {most}{words.duration(left_s)} left")
    if search.state == "running":
        quiet(f"Now: {search_views.doing(shown.seen, state.store())}")
    if shown.left_out:
        quiet(shown.left_out)


def _answer(search: Search, shown: Drawn) -> None:
    """The sentence, what the test set says, and whether a control is as good."""
    assert search.answer is not None
    st.markdown(search.answer.sentence)
    if shown.seen.chosen is not None and search.answer.run_id:
        cards.told_by(shown.seen.chosen.run, shown.seen.reference)
    quiet(search_views.beside_pareto(search.goal.confidence))
    doubt.time_again((one.run for one in search_views.to_time_again(shown.seen)), first=False)
    if told := search_views.bought_nothing(search.answer.verdicts):
        st.warning(told, icon=":material/balance:")


def _buttons(search: Search, shown: Drawn) -> None:
    chosen, waits = shown.seen.chosen, searches.has_wish(state.home(), search.id)
    with st.container(horizontal=True):
        look = {"key": f"auto.show{search.id}", "icon": ":material/scatter_plot:"}
        if search.state == "done" and chosen is not None and st.button("Show it in the plot", **look):
            state.go("pages/pareto.py", run=chosen.run.id)
        for label, wish in _wishes(search).items():
            if st.button(label, key=f"auto.{label}{search.id}", disabled=waits, help=MEANS.get(label)):
                state.act(lambda wish=wish: searches.wish(state.home(), search.id, wish))
                state.wake(anyway=True)
                st.rerun()
    if waits:
        quiet("The worker is told, and answers within a second.")


def _wishes(search: Search) -> dict[str, Wish]:
    longer, end = {"10 minutes more": Wish(state="running", more_s=600.0)}, Wish(state="done")
    ends = {"explore": {"End now": end}, "control": {"Skip the controls": end}}.get(search.phase, {})
    if search.state == "running":
        return {"Pause": Wish(state="paused"), **ends, **longer}
    if search.state == "paused":
        return {"Resume": Wish(state="running"), **ends, **longer}
    return longer
