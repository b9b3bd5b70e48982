"""System: is this machine ready, and where does everything lie?"""

import streamlit as st

from pages.parts import checkup
from pages.parts.frame import frame, headline

frame("System")
head = st.empty()
with head.container():
    headline("Is this machine ready?", checkup.SOURCE)
left, right = st.columns([0.6, 0.4], gap="large")
with right:
    checkup.driver()
    checkup.space()
    checkup.openings()
with left:
    checked = checkup.doctor()
    checkup.draw(checked)
with head.container():
    headline(checkup.verdict(checked.lines), checkup.SOURCE)
