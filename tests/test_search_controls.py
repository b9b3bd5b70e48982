"""The controls of an answer: what each keeps of it, and when there is none."""

from __future__ import annotations

import pytest

from optim import baselines, plan, recipes, search_space, searches
from optim.results import Group
from optim.search import Seeker
from optim.search_controls import ALONE, DENSE, RANDOM, SCRATCH, UNIFORM, controls_of
from optim.search_state import Knowledge
from optim.searches import Control, Trial
from tests import factories, search_factory
from tests.search_factory import BASE


def controls(run):
    return {one.name: one for one in controls_of(BASE, run, None)}


def answered(*steps):
    return factories.done(5, *steps, accuracy=0.91, p50_ms=0.08, kb=90)


@pytest.mark.parametrize("technique", ["distill", "fine-tune"])
def test_the_dense_network_is_trained_as_long_whatever_trained_the_answer(technique):
    found = controls(answered("prune-channels:sparsity=0.5", f"{technique}:epochs=10", "quantize-int8"))
    assert [(s.technique, s.knobs["epochs"]) for s in found[DENSE].recipe.steps] == [("fine-tune", 10)]
    assert (found[ALONE].recipe is None) == (technique == "fine-tune")


def test_an_answer_that_is_not_trained_has_no_dense_network_beside_it():
    found = controls(answered("prune-channels:sparsity=0.5", "quantize-int8"))
    for name in (DENSE, SCRATCH):
        assert (found[name].recipe, found[name].note) == (None, "the answer is not trained")


def test_from_scratch_the_same_network_is_trained_as_the_answer_was_but_for_the_rate():
    how = "weight_decay=0.004,label_smoothing=0.1,augment=false,learning_rate=0.02"
    found = controls(answered("prune-channels:sparsity=0.5", f"distill:epochs=10,{how}", "quantize-int8"))
    train = next(step for step in found[SCRATCH].recipe.steps if step.technique == "fine-tune").knobs
    assert (train["epochs"], train["weight_decay"], train["label_smoothing"], train["augment"]) == (
        10,
        0.004,
        0.1,
        False,
    )
    assert train["learning_rate"] == 0.0, "automatic: that of a training from scratch"


def test_where_nothing_is_narrowed_no_channels_are_chosen_at_random():
    run = answered("early-stride", "distill:epochs=3", "quantize-int8")
    groups = tuple(group.with_(after=group.before) for group in run.result.groups)
    run = run.with_(result=run.result.with_(groups=groups))
    found = controls(run)
    for name in (RANDOM, UNIFORM):
        assert (found[name].recipe, found[name].note) == (None, "the answer narrows no layer")


def test_widths_by_hand_that_are_one_share_everywhere_have_no_control_of_one_share(tmp_path):
    """As a target of latency comes to: half of each group is what the control would have taken too."""
    body = baselines.anatomy(BASE.dataset, BASE.model, BASE.width, tmp_path)
    for shares, said in (((0.5,) * 6, "the answer itself takes the same share everywhere"), ((0.5, 0.25) * 3, "")):
        widths = {g.name: round(g.size * share) for g, share in zip(body.groups, shares, strict=True)}
        hand = "+".join(f"{name}:{width}" for name, width in widths.items())
        run = answered(f"prune-channels:allocation=manual,widths={hand}", "distill:epochs=3")
        groups = tuple(Group(name=g.name, label=g.name, before=g.size, after=widths[g.name]) for g in body.groups)
        file = run.result.file.with_(macs=plan.cost(body, widths)[1])
        run = run.with_(result=run.result.with_(groups=groups, file=file))
        (found,) = [one for one in controls_of(BASE, run, body) if one.name == UNIFORM]
        assert found.note == said
        assert (found.recipe is None) == bool(said)


def test_a_control_is_never_the_answer_itself():
    run = answered("prune-channels:sparsity=0.5", "distill:epochs=3", "quantize-int8")
    random = controls(run)[RANDOM].recipe
    found = controls(run.with_(recipe=random))
    assert (found[RANDOM].recipe, found[RANDOM].note) == (None, "the answer is this control itself")
    assert found[SCRATCH].recipe is not None
    assert all(one.recipe is None or recipes.complete(one.recipe) != random for one in found.values())


def paced(store, search, shape, ratio, macs, seconds):
    """A done first look at this shape, which took so many seconds to train."""
    run = search_factory.put(store, search.project, search_space.recipe(BASE, shape, 0, "int8"), 0.9115, ratio)
    file = run.result.file.with_(macs=macs)
    result = run.result.with_(stage_seconds={"Distil": seconds, "Time": 2.0}, file=file)
    run = run.with_(result=result)
    return run, Trial(run_id=run.id, shape=shape)


def test_a_control_is_as_quick_as_the_answer_and_the_dense_one_as_a_plain_shape(home):
    """An early stride trains at 2 s an epoch, a plain shape of half the arithmetic at 8."""
    store, search = search_factory._begun(home)
    dense = store.reference_run(search.project).result.file.macs
    usual = {"importance": "l2", "temperature": 4.0, "alpha": 0.9, "precision": "int8", "latency_target": 0.2}
    plain = paced(store, search, {"widths": "stage1:24", **usual}, 3.0, dense // 2, 24.0)
    early = paced(store, search, {"early": True, "widths": "stage1:16", **usual}, 8.0, dense // 8, 6.0)
    known = Knowledge(store, search.with_(trials=(plain[1], early[1])))
    known.runs = {run.id: run for run, _ in (plain, early)}
    assert known.best.id == early[0].id
    costs = {c.name: known.seconds_of(c.recipe) for c in controls_of(BASE, known.best, None) if c.recipe}
    assert costs[RANDOM] == costs[ALONE] == costs[SCRATCH] == pytest.approx(3 * 2 + 3)
    assert costs[DENSE] == pytest.approx(3 * 8 * 2**0.7 + 3, rel=0.01)


def test_a_control_that_is_done_already_costs_nothing_even_where_no_time_is_left(home):
    store, search = search_factory._begun(home)
    search = search_factory._explored(store, search)
    best = Knowledge(store, search).best
    scratch = controls_of(BASE, best, None)[3]
    run = search_factory.put(store, search.project, scratch.recipe, 0.89, 6.5)
    searches.save(home, search.with_(spent_s=search.budget_s - 1))
    seeker = Seeker(store, searches.load(home, search.id), print)
    seeker.step(1)
    assert seeker.search.controls[3].run_id == run.id and not seeker.search.controls[3].made
    kinds = {one.name: one.kind for one in seeker.search.answer.verdicts}
    assert (kinds[SCRATCH], kinds[RANDOM]) == ("beaten", "unknown")


@pytest.mark.parametrize(("hurried", "started"), [(False, True), (True, False)])
def test_controls_take_what_exploring_has_left_but_not_where_somebody_ended_it(home, hurried, started):
    """60 s of 600 are left, and 170 of the controls' 180 are spent."""
    store, search = search_factory._begun(home)
    search = search_factory._explored(store, search)
    best = Knowledge(store, search).best
    recipe = next(c.recipe for c in controls_of(BASE, best, None) if c.name == SCRATCH)
    late = {"spent_s": 540.0, "explored_s": 370.0, "phase": "control", "hurried": hurried, "controlled": best.id}
    search = search.with_(**late, controls=(Control(name=SCRATCH, recipe=recipe),))
    searches.save(home, search)
    seeker = Seeker(store, search, print)
    seeker.step(1)
    timed = store.claim()
    assert timed is not None and (timed.id, timed.timed_again) == (best.id, True), "the answer comes first"
    store.finish(timed.id, timed.result)
    seeker.step(1)
    assert (seeker.search.controls[0].run_id is not None) == started
    assert ("not run: it takes about" in seeker.search.controls[0].note) != started


def test_a_control_that_an_older_version_named_otherwise_is_known():
    assert Control.from_json('{"name": "random channels, same widths"}').name == RANDOM


def test_an_answer_of_another_model_has_no_widths_that_the_dense_network_could_take():
    run = answered("distill:epochs=3,teacher=resnet8:2")
    other = run.with_(recipe=run.recipe.with_(model="cnn", width=1.0))
    found = controls(other)
    assert found[RANDOM].recipe is None and "another model" in found[RANDOM].note
    assert found[SCRATCH].recipe.model == "cnn" and found[ALONE].recipe.model == "cnn"
