"""Pareto: what is the fastest model that is still accurate enough?"""

import streamlit as st

from optim import figures_marks, resolution, tables
from pages.parts import cards, chosen, doubt, plot, shelf, state
from pages.parts.frame import frame, headline
from pages.parts.say import quiet

frame("Pareto")
head = st.container()
choice = chosen.choose()
runs = plot.freeze(choice)

if choice.project is None or not runs:
    with head:
        headline("No run is measured yet", "Here the score of every file stands against its measured cost.")
    cards.nothing_measured()
    st.stop()

view = plot.look()
key = plot.key(choice, runs)
found = shelf.find(runs, key, view)
plot.loss_share(found)
focused = plot.focused(found)
with head:
    headline(found.title, tables.circumstances(found, choice.project, choice.machine))
    if choice.source != chosen.SHIPPED:
        doubt.time_again(found.unsure, first=found.nothing_valid)
    if choice.source != chosen.OWN:
        cards.provenance(choice.machine, measured_here=choice.source == chosen.HERE)

beside = plot.beside(choice, runs)
picture = shelf.picture(found, key, view, tuple(focused), state.theme(), beside)
left, right = st.columns([0.64, 0.36], gap="medium") if picture.info.marks else (None, st.container())
if left is not None:
    with left:
        plot.draw(picture, beside)
with right:
    cards.answer(found, focused, shipped=choice.source == chosen.SHIPPED)
plot.table(found, shelf.rows(found, key, view), focused)
for note in shelf.notes(found, key, view):
    quiet(note)
quiet(f"{figures_marks.dominated_words(found)} {resolution.sentence(found)} {plot.openings(choice)}".strip())
