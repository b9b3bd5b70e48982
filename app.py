"""Start: what was found so far, and three ways in."""

from optim import tables
from pages.parts import start, state
from pages.parts.frame import frame, headline

frame("Start")
runs = state.store().runs(origin="own")
best = tables.best_so_far(runs)
headline(best.title, best.circumstances)
start.best(best.sentence)
start.three_ways(first=not runs)
start.last(runs[:5])
