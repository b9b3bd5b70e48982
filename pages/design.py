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
    left, middle, right = st.columns([0.2, 0.36, 0.44], gap="medium")
    with left:
        dataset, model, width, start = knobs.model()
        seed, target, device = knobs.more()
    with middle:
        steps = knobs.steps(dataset)
    try:
        recipe = drafts.draft(dataset, model, width, start=start, steps=steps, seed=seed)
    except ParetoscopeError as error:
        with head:
            headline("This recipe cannot be run as it stands")
        right.error(str(error), icon=":material/error:")
        actions.load()
        return
    shown = drafts.preview(recipe, state.home())
    with head:
        headline(drafts.headline(shown), drafts.describe(recipe))
    with right:
        preview.numbers(shown)
        preview.warnings(shown, drafts.known(state.store().runs(origin="own"), recipe))
        preview.layers(shown)
        preview.table(shown)
        preview.soft(recipe)
    actions.bar(recipe, target, device, refused=bool(shown.refused))


frame("Design")
designer()
