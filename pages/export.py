"""Export: is the file sound, and how do I take it away?"""

import streamlit as st

from optim import package
from pages.parts import asking, cards, takeaway
from pages.parts.frame import frame, headline

frame("Export")
head = st.container()
run = takeaway.choose()

if run is None:
    with head:
        headline("No file yet", "Every finished run leaves one ONNX file that has passed its checks.")
    cards.empty("Make a run, and its file can be taken away here.", "Design a run", "pages/design.py")
    st.stop()

with head:
    headline(package.headline(run), package.line(run))
left, right = st.columns([0.55, 0.45], gap="large")
with left:
    takeaway.checks(run)
    takeaway.downloads(run)
    takeaway.how_to_run(run)
    if run.origin == "own":
        asking.section([run], takeaway.reference(run))
with right:
    cards.numbers(run, takeaway.reference(run))
    takeaway.scores(run)
