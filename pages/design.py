"""Design: what will be made of the model, seen while the sliders move?"""

import streamlit as st

from optim import catalog, drafts
from optim.errors import ParetoscopeError
from pages.parts import actions, address, auto, damaged, knobs, preview, state
from pages.parts.frame import frame, headline


@st.fragment
def designer() -> None:
    """One fragment: a slider draws this part again, and nothing else. The answer first, then widgets and figures."""
    head, bar, row = st.container(), st.container(), st.container()
    left, right = st.columns([0.46, 0.54], gap="medium")
    early = knobs.ahead()
    if early is not None:
        preview.answer(head, right, early)
    with row:
        dataset, model, width, start = knobs.model()
    with left:
        steps = knobs.steps(dataset, model)
        seed, target, device = knobs.more(catalog.dataset(dataset).items[1], model)
    try:
        recipe = drafts.draft(dataset, model, width, start=start, steps=steps, seed=seed)
    except ParetoscopeError as error:
        knobs.once_more(early is not None)
        with head:
            headline("This recipe cannot be run as it stands")
        right.error(str(error), icon=":material/error:")
        with bar:
            actions.load()
        return
    if early is None:
        preview.answer(head, right, recipe)
    knobs.once_more(early not in (None, recipe))
    shown = drafts.preview(recipe, state.home(), target)
    with right:
        preview.rest(shown, recipe)
    with bar:
        actions.bar(recipe, target, device, refused=bool(shown.refused))


frame("Design")
MODES = {"hand": "By hand", "auto": "Auto"}
if address.one_of(st.segmented_control, "Mode", MODES, "mode", label_visibility="collapsed", required=True) == "auto":
    headline("What is the fastest model that loses at most this much?")
    auto.form()
    damaged.searches_that_cannot_be_read()
    auto.shelf()
else:
    designer()
