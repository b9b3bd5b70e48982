"""Zeros beside removal: which runs are twins, which one is missing, and what the picture shows."""

from __future__ import annotations

import re

import pytest

from optim import plan, recipes, twins
from optim.baselines import anatomy
from optim.records import Run
from tests import factories

DISTIL = "distill:epochs=3"


@pytest.fixture(autouse=True)
def baseline(home):
    factories.a_baseline(home, width=2.0)


def lost(run: Run, home, share: float) -> Run:
    """The run with that share of the dense parameters gone."""
    body = anatomy(run.recipe.dataset, run.recipe.model, run.recipe.width, home)
    assert body is not None and run.result is not None
    params = round((1 - share) * plan.cost(body, {})[0])
    return run.with_(result=run.result.with_(file=run.result.file.with_(params=params)))


def removed(home, share: float = 0.75, number: int = 2, **changes) -> Run:
    run = factories.done(number, "prune-channels", DISTIL, accuracy=0.9, p50_ms=0.14, kb=320, **changes)
    return lost(run, home, share)


def zeroed(share: float = 0.75, number: int = 3, *more: str) -> Run:
    steps = (f"prune-weights:sparsity={share}", DISTIL, *more)
    return factories.done(number, *steps, accuracy=0.905, p50_ms=0.317, kb=1240)


def test_runs_that_lost_the_same_share_are_twins_from_either_side(home):
    one, other = removed(home, 0.75), zeroed(0.76)
    for run in (one, other):
        pair = twins.find(run, [one, other, zeroed(0.5, 7)], home)
        assert pair is not None
        assert (pair.zeroed, pair.removed, pair.missing) == (other, one, None)


def test_another_recovery_or_share_makes_no_twin(home):
    one = removed(home, 0.75)
    pair = twins.find(one, [one, zeroed(0.5), zeroed(0.75, 4, "quantize-int8")], home)
    assert pair is not None
    assert pair.zeroed is None
    assert pair.missing is not None


@pytest.mark.parametrize("share", [0.3, 0.75, 0.9])
def test_the_missing_twin_loses_as_much(home, share):
    offered = twins.find(zeroed(share), [], home)
    assert offered is not None and offered.missing is not None
    step = offered.missing.steps[0]
    body = anatomy("fashion-mnist", "resnet8", 2.0, home)
    assert body is not None and step.technique == "prune-channels"
    gone = 1 - plan.prune_plan(body, step.knobs).params / plan.cost(body, {})[0]
    assert gone == pytest.approx(share, abs=twins.ALIKE)
    back = twins.find(removed(home, share), [], home)
    assert back is not None and back.missing is not None
    assert recipes.step_text(back.missing.steps[0]) == recipes.step_text(
        recipes.parse_step(f"prune-weights:sparsity={share}")
    )
    assert back.missing.steps[1:] == removed(home).recipe.steps[1:]


def test_a_run_that_does_neither_or_both_has_none(home):
    dense = factories.done(1, accuracy=0.911, p50_ms=0.317, kb=1240)
    both = factories.done(5, "prune-channels", "prune-weights", accuracy=0.9, p50_ms=0.2, kb=300)
    assert twins.find(dense, [], home) is None
    assert twins.find(both, [], home) is None


def test_the_picture_shows_measured_times_and_sizes(home):
    pair = twins.find(removed(home), [zeroed()], home)
    assert pair is not None
    info = twins.twin_info(pair, factories.done(1, accuracy=0.911, p50_ms=0.317, kb=1240))
    assert info.names == ("dense", "zeros", "removed")
    assert info.ms == (0.317, 0.317, 0.14)
    assert info.kilobytes == (1240, 1240, 320)
    assert "75 %" in info.alt
    rows = twins.twin_rows(info)
    assert len(rows) == 3
    assert all(re.fullmatch(r"0\.\d+ ms \(0\.\d+ to 0\.\d+\)", row["median"]) for row in rows)
    assert all(re.search(r"% \(\d+\.\d to \d+\.\d, on 4,000 images\)", row["validation"]) for row in rows)
    for theme in ("light", "dark"):
        assert len(twins.twin_plot(info, theme).data) == 2
