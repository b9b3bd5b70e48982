"""Compare: what tells these runs apart, who pays for the speed, and where did the promised time go?"""

import streamlit as st

from optim import compare
from pages.parts import asking, compared, explained, sidebyside, state
from pages.parts.frame import frame, headline

frame("Compare")
head = st.container()
known = compared.known()
if not known:
    with head:
        headline("No run to compare yet", "Here up to six runs stand side by side, with the reference.")
    sidebyside.none_yet()
    state.watch()
    st.stop()

choice = compared.choose(known)
if not choice.runs:
    with head:
        headline("Choose up to six runs", "Each is compared with the reference, and all with each other.")
    compared.suggest(known)
    st.stop()

sides = sidebyside.sides(choice.runs)
joint = sidebyside.joint(sides)
with head:
    headline(compare.headline(sides, joint), compare.circumstances(sides))
if len(choice.runs) == 1:
    st.markdown("One run beside the reference. Add another one above to compare runs with each other.")

sidebyside.table(sides)
sidebyside.speed(sides, joint)
left, right = st.columns(2, gap="large")
with left:
    sidebyside.curves(sides)
with right:
    sidebyside.widths(sides)
explained.delivered(sides)
explained.payers(sides)
explained.gallery(sides)
asking.section(choice.runs, sidebyside.reference(sides))
sidebyside.provenance(sides)
state.watch()
