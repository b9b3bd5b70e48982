"""System: is this machine ready, and where does everything lie?"""

import streamlit as st

from pages.parts import checkup, state
from pages.parts.frame import frame, headline

frame("System")
head = st.container()
lines = checkup.doctor()
with head:
    headline(checkup.verdict(lines), "What `python -m optim doctor` sees.")
left, right = st.columns([0.6, 0.4], gap="large")
with left:
    checkup.draw(lines)
with right:
    checkup.driver()
    checkup.space()
st.caption(f"Data folder: `{state.home()}`. Set PARETOSCOPE_HOME to use another one.")
