"""What cures a run that collapsed, each as one click."""

from __future__ import annotations

import streamlit as st

from optim import cures, jobs, recipes
from optim.cures import Cure
from optim.jobs import Target
from optim.records import Run

from . import state
from .say import face, key_of, quiet


def offer(run: Run) -> None:
    """A button per cure: it queues the changed recipe, timed and trained as this run was, and goes there."""
    for place, cure in enumerate(cures.cures(run)):
        kind = "primary" if run.result is None and not place else "secondary"
        if st.button(**face(cure.label, ":material/healing:", kind), key=key_of(f"cure_{cure.name}", run)):
            _take(run, cure)
        quiet(f"{cure.why} Runs {recipes.describe(cure.recipe)}.")


def _take(run: Run, cure: Cure) -> None:
    there = run.project
    target = Target(there.device, there.threads, there.batch, there.reference)
    made = state.act(
        lambda: jobs.submit(state.home(), cure.recipe, target, train_device=run.train_device, start_driver=False)
    )
    if made is None:
        st.rerun()
    state.wake()
    state.go("pages/runs.py", run=made[0].id)
