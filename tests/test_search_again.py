"""What a search times once more, and what it says when it ends before its time."""

from __future__ import annotations

import pytest

from optim import search_controls, search_told
from optim.results import Interval
from optim.search_moves import Waiting
from tests.test_search import World, busy


def answers(world, change):
    """Let `change` say what becomes of each measurement."""
    finish = world.store.finish
    world.store.finish = lambda number, made: finish(number, change(world.store.run(number), made))


def slower(made, share):
    ratio = Interval(value=share * made.latency.ratio.value, low=1.5, high=20.0)
    return made.with_(latency=made.latency.with_(ratio=ratio))


def test_the_answer_is_timed_once_more_before_its_controls_are_run(home, monkeypatch):
    world, again = World(home, monkeypatch), []
    answers(world, lambda run, made: (again.append(run.id), made)[1] if run.timed_again else made)
    ended = world.to_the_end()
    assert again == [ended.answer.run_id]
    first_control = min(c.run_id for c in ended.controls if c.run_id and c.made)
    assert world.store.run(again[0]).id < first_control


def test_a_winner_by_luck_gives_way_and_the_controls_are_those_of_the_next(home, monkeypatch):
    world, again = World(home, monkeypatch), []

    def lucky(run, made):
        if not run.timed_again:
            return made
        again.append(run.id)
        return slower(made, 0.5) if len(again) == 1 else made

    answers(world, lucky)
    ended = world.to_the_end()
    assert len(again) == 2 and ended.answer.run_id == again[1] == ended.controlled != again[0]
    recipe = next(c.recipe for c in ended.controls if c.name == search_controls.RANDOM)
    widths = "+".join(f"{group.name}:{group.after}" for group in world.store.run(again[1]).result.groups)
    assert widths in [step.knobs.get("widths") for step in recipe.steps]


def test_a_disturbed_run_that_would_win_is_timed_again_at_once(home, monkeypatch):
    world, made_after = World(home, monkeypatch), {}
    first: list[int] = []

    def disturbed(run, made):
        if run.timed_again and run.id in first:
            made_after.setdefault(run.id, len(world.search.trials))
            return made
        wins = made.file.score.validation.value > 0.9 and made.latency.ratio.value > 3
        if first or run.is_reference or not wins:
            return made
        first.append(run.id)
        return busy(made)

    answers(world, disturbed)
    ended = world.to_the_end()
    place = next(n for n, trial in enumerate(ended.trials) if trial.run_id == first[0])
    assert made_after[first[0]] == place + 1, "before anything else is tried"
    assert world.store.run(first[0]).latency.valid


def test_without_an_answer_it_says_why_it_ended_before_its_time(home, monkeypatch):
    world = World(home, monkeypatch, budget_s=90.0, max_loss=0.001)
    ended = world.to_the_end()
    assert ended.answer.run_id is None and ended.left_s > search_told.SPARE_S
    assert f"before its time: {ended.stopped}." in ended.answer.sentence
    assert ended.stopped.startswith("to try one more and then to end takes about")


@pytest.mark.parametrize(("costs", "said"), [([], "nothing untried"), ([90.0, 42.0], "takes about 47 s")])
def test_why_exploring_ended(costs, said):
    assert said in search_told.why_no_more([Waiting({}, 0, "int8", cost) for cost in costs])


def test_an_answer_that_somebody_has_timed_again_meanwhile_is_waited_for(home, monkeypatch):
    world = World(home, monkeypatch)
    asked, again = [], world.store.measure_again

    def meanwhile(run_id):
        asked.append(run_id)
        again(run_id)  # somebody else was quicker
        return again(run_id)

    world.store.measure_again = meanwhile
    ended = world.to_the_end()
    assert asked == [ended.answer.run_id] and ended.failure is None
