"""What the two sides of `bench front` count."""

from __future__ import annotations

import itertools

from optim import recipes
from optim.bench import front
from optim.records import Recipe, State
from tests import factories

BASE = recipes.complete(Recipe(dataset="fashion-mnist", model="resnet8", width=2.0))


def test_the_plain_flow_goes_on_with_the_next_seed_as_long_as_there_is_time():
    made = list(itertools.islice(front.plain_flow(BASE), 32))
    assert [recipe.seed for recipe in made] == [0] * 16 + [1] * 16
    assert len({recipe.id for recipe in made}) == 32
    assert [recipe.steps for recipe in made[:16]] == [recipe.steps for recipe in made[16:]]
    assert {recipes.precision(recipe) for recipe in made} == {"fp32", "int8"}


def test_every_run_is_counted_under_what_it_came_to():
    valid = factories.done(1, accuracy=0.9, p50_ms=0.1, kb=10)
    latency = valid.result.latency.with_(valid=False, reasons=("busy",))
    runs = [valid, valid, factories.a_run(2, state=State.FAILED), factories.a_run(3, state=State.CANCELLED),
            valid.with_(result=valid.result.with_(latency=latency))]  # fmt: skip
    assert front.outcomes(runs) == {"measured": 2, "failed": 1, "cancelled": 1, "time not valid": 1}
