"""Design: what will be made of the model, seen while the sliders move?"""

import streamlit as st

from optim import drafts
from optim.errors import ParetoscopeError
from pages.parts import actions, knobs, preview, state
from pages.parts.frame import frame, headline


@st.fragment
def designer() -> None:
    """One fragment: a slider draws this part again, and nothing else."""
    head = st.container()
    bar = st.container()
    dataset, model, width, start = knobs.model()
    left, right = st.columns([0.46, 0.54], gap="medium")
    with left:
        steps = knobs.steps(dataset)
        seed, target, device = knobs.more()
    try:
        recipe = drafts.draft(dataset, model, width, start=start, steps=steps, seed=seed)
    except ParetoscopeError as error:
        with head:
            headline("This recipe cannot be run as it stands")
        right.error(str(error), icon=":material/error:")
        with bar:
            actions.load()
        return
    shown = drafts.preview(recipe, state.home())
    with head:
        headline(drafts.headline(shown), drafts.describe(recipe))
    with right:
        preview.numbers(shown)
        preview.warnings(shown, drafts.known(state.made(recipe), recipe))
        preview.layers(shown)
        preview.table(shown)
        preview.soft(recipe)
    with bar:
        actions.bar(recipe, target, device, refused=bool(shown.refused))


frame("Design")
designer()
