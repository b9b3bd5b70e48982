"""What can be done with the recipe on the Design page: run it, sweep it, take it along as text, save and load it."""

from __future__ import annotations

import streamlit as st

from optim import drafts, presets, recipes, remarks, words
from optim.errors import ParetoscopeError
from optim.jobs import Target
from optim.records import Recipe, State

from . import knobs, state
from .say import as_it_is, face


def bar(recipe: Recipe, target: Target, train_device: str, *, refused: bool) -> None:
    """All actions in one row that wraps."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(**face("Run", ":material/play_arrow:", disabled=refused), key="run_it"):
            _run([recipe], target, train_device)
        with st.popover("Small sweep", icon=":material/grid_on:", disabled=refused):
            _sweep(recipe, target, train_device)
        with st.popover("Copy as command", icon=":material/terminal:"):
            _command(recipe, target, train_device)
        name = f"{recipe.dataset}-{recipe.model}-{recipe.id}.json"
        st.download_button(
            "Save recipe", recipes.pretty(recipe), name, "application/json", on_click="ignore", icon=":material/save:"
        )
        load()


def load() -> None:
    """A saved recipe into the widgets."""
    with st.popover("Load recipe", icon=":material/folder_open:"):
        given = st.file_uploader("A recipe saved here or written by hand", type="json", key="recipe_file")
        if given is None:
            return
        try:
            recipe = recipes.from_json(given.getvalue())
        except ParetoscopeError as error:
            st.error(as_it_is(str(error)), icon=":material/error:")
            return
        st.markdown(recipes.describe(recipe))
        if not drafts.fits_design(recipe):
            st.warning("The sliders cannot hold its steps in this order. Run it as a command instead.")
            st.code("python -m optim run recipe.json", language="bash")
        elif st.button("Show it in the sliders", key="load_it"):
            knobs.ask(recipe)
            st.rerun()


def _command(recipe: Recipe, target: Target, train_device: str) -> None:
    try:
        project = drafts.project_of(state.store().projects(), recipe, target)
    except ParetoscopeError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.code(drafts.command(recipe, project, train_device), language="bash", wrap_lines=True)


def _sweep(recipe: Recipe, target: Target, train_device: str) -> None:
    """Every pair of the chosen sparsities and temperatures."""
    used = {step.technique for step in recipe.steps} - ({"prune-channels"} if recipes.names_widths(recipe) else set())
    shares = heats = ()
    if "prune-channels" in used:
        shares = st.pills("Sparsity", drafts.SWEEP_SPARSITY, selection_mode="multi", default=drafts.SWEEP_USUAL,
                          format_func=lambda share: words.percent(share, 0), key="sweep.sparsity")  # fmt: skip
    if "distill" in used:
        heats = st.pills("Temperature", drafts.SWEEP_TEMPERATURE, selection_mode="multi", default=(2.0, 4.0),
                         format_func=lambda heat: f"{heat:g}", key="sweep.temperature")  # fmt: skip
    if not used & {"prune-channels", "distill"}:
        st.markdown("Switch on Prune (by a share) or Distil: a sweep varies their sparsity and temperature.")
        return
    try:
        many = drafts.sweep(recipe, shares, heats, state.home(), target)
    except ParetoscopeError as error:
        st.error(str(error), icon=":material/error:")
        return
    if st.button(f"Run {words.plural(len(many), 'run')}", icon=":material/play_arrow:", key="sweep_it"):
        _run(list(many), target, train_device)


def _run(many: list[Recipe], target: Target, train_device: str) -> None:
    """Queue them and go to where they can be watched; a run that exists is opened."""
    made = state.act(lambda: presets.submit_all(state.home(), many, target, train_device))
    if not made:
        st.rerun()
    run, new = made[0]
    old = sum(not fresh for _, fresh in made)
    if not new and len(made) == 1 and run.state is State.DONE:
        st.session_state[state.SAID] = f"Run {run.id} has made exactly this already; here it is."
        state.go("pages/pareto.py", run=run.id)
    state.wake()
    if old:
        st.session_state[state.SAID] = remarks.existed(old, len(made))
    state.go("pages/runs.py", run=run.id)
