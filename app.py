"""Start: what was found so far, and three ways in."""

from pages.parts import start, state
from pages.parts.frame import frame, headline

frame("Start")
best = state.best()
last = state.store().runs(origin="own", limit=5)
headline(best.title, best.circumstances)
start.best(best.sentence, best.left_out, best.project)
start.three_ways(first=not last)
start.last(last)
