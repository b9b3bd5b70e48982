"""Start: what was found so far, and three ways in."""

from optim import findings
from pages.parts import start, state
from pages.parts.frame import frame, headline

frame("Start")
runs = state.store().runs(origin="own")
headline(*findings.best_so_far(runs))
start.three_ways(first=not runs)
start.last(runs[:5])
