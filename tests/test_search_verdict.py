"""Whether an answer beats its controls: by the paired test and the intervals, with forged runs."""

from __future__ import annotations

import pytest

from optim import search_verdict
from optim.paired import Pairs, paired_loss
from optim.records import State
from optim.results import Interval
from optim.search_answer import Judged
from optim.search_controls import ALONE, DENSE, RANDOM, SCRATCH, UNIFORM
from optim.searches import Control, Goal
from tests import factories

GOAL = Goal(max_loss=1.0)
N = 4000
EVEN, LESS, MORE = Pairs(40, 40, N), Pairs(90, 20, N), Pairs(20, 90, N)
"""Of a control against the answer: as many lost as gained; measurably less, and more accurate."""


def judged(number, ratio, *, upper=0.5, valid=True):
    run = factories.done(number, accuracy=0.9, p50_ms=0.317 / ratio, kb=10)
    time = run.result.latency.with_(valid=valid, ratio=Interval(value=ratio, low=0.98 * ratio, high=1.02 * ratio))
    run = run.with_(result=run.result.with_(latency=time))
    return Judged(run, paired_loss(Pairs(60, 50, N)), upper)


BEST = judged(1, 5.0)


def verdict(one, pairs=EVEN, name=RANDOM, note="", run=None):
    control = Control(name=name, recipe=BEST.run.recipe, run_id=one.run.id if one else None, note=note)
    ran = [(control, one.run if one else run, one)]
    (told,) = search_verdict.verdicts(BEST, ran, GOAL, lambda *_: pairs)
    return told


@pytest.mark.parametrize(
    ("ratio", "pairs", "upper", "kind"),
    [
        (4.0, EVEN, 0.2, "beaten"),  # measurably slower, and no better
        (4.0, LESS, 2.0, "beaten"),
        (4.0, MORE, 0.2, "slower"),
        (5.0, LESS, 2.0, "beaten"),  # as fast, less accurate, outside the goal
        (6.0, LESS, 2.0, "beaten"),
        (5.0, EVEN, 0.5, "tied"),
        (5.0, EVEN, 1.2, "tied"),  # not known to qualify, and not measurably less accurate
        (4.95, EVEN, 0.5, "tied"),
        (5.0, LESS, 0.9, "within"),
        (5.0, MORE, 0.2, "better"),
        (6.0, EVEN, 0.5, "better"),
        (6.0, LESS, 0.9, "better"),  # faster, and it keeps the goal
    ],
)
def test_each_case_has_its_verdict(ratio, pairs, upper, kind):
    told = verdict(judged(2, ratio, upper=upper), pairs)
    assert told.kind == kind
    assert search_verdict.as_good([told]) == (() if kind in ("beaten", "slower") else (RANDOM,))


def test_a_time_that_is_not_valid_does_not_count():
    told = verdict(judged(2, 9.0, valid=False), MORE)
    assert told.kind == "unknown" and "run 2 is not valid" in told.said
    assert search_verdict.as_good([told]) == ()


def test_what_did_not_come_to_a_time_says_why():
    failed = factories.a_failed(7)
    cancelled = factories.a_run(8, state=State.CANCELLED)
    assert verdict(None, note="not run: it takes about 90 s, and 61 s were left").said.startswith("not run: it takes")
    assert verdict(None, run=failed).said == f"run 7 failed: {failed.failure.reason.rstrip('.')}"
    assert verdict(None, run=cancelled).said == "run 8 was cancelled"
    none = Control(name=ALONE, note="the answer has no teacher itself")
    (told,) = search_verdict.verdicts(BEST, [(none, None, None)], GOAL, lambda *_: None)
    assert told.kind == "none"
    deleted = Control(name=RANDOM, recipe=BEST.run.recipe, run_id=9)
    (told,) = search_verdict.verdicts(BEST, [(deleted, None, None)], GOAL, lambda *_: None)
    assert told.said == "run 9 was deleted"


@pytest.mark.parametrize(("gained", "kind"), [(160, "dense"), (80, "slower"), (40, "beaten")])
def test_the_dense_model_counts_where_it_is_better_by_more_than_the_goal(gained, kind):
    """Against the answer it gains 120, 40 and 0 of 4,000: 3.0, 1.0 and 0 points; the goal is 1.0."""
    told = verdict(judged(2, 1.0), Pairs(40, gained, N), DENSE)
    assert told.kind == kind
    assert search_verdict.as_good([told]) == ()
    if kind == "dense":
        said = search_verdict.sentence([told])
        assert said.startswith(" The dense model trained as long is 3.0 points better (2.")
        assert said.endswith("more than the goal allows.")
    if kind == "slower":
        said = search_verdict.sentence([told])
        assert (
            said == f" It beats in time alone: {DENSE} (run 2: slower, but more accurate by 1.0 points (0.5 to 1.6))."
        )


def test_without_answers_item_by_item_the_shares_decide():
    assert verdict(judged(2, 5.0), None).kind == "tied"


def test_the_sentence_names_each_control():
    many = [
        verdict(judged(2, 4.0), EVEN, RANDOM),
        verdict(judged(3, 4.0), EVEN, UNIFORM),
        verdict(judged(4, 5.0), EVEN, ALONE),
        verdict(None, name=SCRATCH, note="not run: it takes about 90 s, and 61 s were left"),
        verdict(judged(5, 1.0), MORE, DENSE),
    ]
    said = search_verdict.sentence(many)
    assert f"It beats: {RANDOM}; {UNIFORM}." in said
    assert "The dense model trained as long is 1.8 points better" in said
    assert f"Not distinguishable from it: {ALONE} (run 4: 5.0x faster than the reference, as accurate" in said
    assert f"Not compared: {SCRATCH} (not run: it takes about 90 s, and 61 s were left)." in said
    nothing = [one for one in many if one.kind == "unknown"]
    assert search_verdict.sentence(nothing).startswith(" None of its controls could be compared: ")
    assert search_verdict.sentence([]) == " It has no controls."


def test_what_is_the_same_of_several_controls_is_said_once():
    note = "not run: the search was ended before its turn"
    many = [verdict(None, name=name, note=note) for name in (RANDOM, UNIFORM)]
    many.append(verdict(None, name=SCRATCH, run=factories.a_run(8, state=State.CANCELLED)))
    said = search_verdict.sentence(many)
    assert said.endswith(f": {RANDOM}; {UNIFORM} (each {note}); {SCRATCH} (run 8 was cancelled).")


def test_a_better_control_is_said_with_its_numbers():
    said = search_verdict.sentence([verdict(judged(2, 6.0), MORE)])
    assert said.startswith(f" It does not beat: {RANDOM} (run 2: 6.0x faster than the reference, gains 1.8 points")
