"""A run that gives way to a measurement says so, can be stopped meanwhile, and does not count the time."""

from __future__ import annotations

import pytest

from optim.context import PAUSED
from optim.errors import Cancelled
from optim.training import Loop, Schedule, hard_loss
from tests.heavy import a_context, a_network


def test_a_pause_is_told_at_the_batch_where_it_happens(home):
    ctx = a_context(home)
    ctx.stage = "Distil"
    ctx.give_way = lambda waiting: waiting() or 2.5
    ctx.progress(3, 10, epoch=0.5)
    told = [(event.stage, event.done, event.total, event.message) for event in ctx.events]
    assert told == [("Distil", 3, 10, ""), ("Distil", 3, 10, PAUSED)]
    assert ctx.paused_s == 2.5


def test_a_paused_run_can_be_stopped(home):
    wishes = iter([False, False, True])
    ctx = a_context(home, cancelled=lambda: next(wishes), give_way=lambda waiting: waiting() or 0.0)
    with pytest.raises(Cancelled):
        ctx.progress()


def test_images_per_second_are_those_of_the_training_alone(home, monkeypatch):
    ctx = a_context(home)
    clock = [0.0]

    def give_way(_waiting):
        clock[0] += 100.0
        return 99.0

    ctx.give_way = give_way
    monkeypatch.setattr("optim.training.time.perf_counter", lambda: clock[0])
    loop = Loop(a_network(ctx), ctx, Schedule(1, 0.01), hard_loss(0.0))
    loop.batches = 2
    assert loop.epoch(1)[1] == pytest.approx(loop.size)
