"""A teacher is asked once per view of the images; every later student of the seed reads its answers."""

import shutil

import pytest
import torch

from optim.augmentation import augment, draw
from optim.inference import logits_of
from optim.lessons import FILE, VIEWS, Lessons
from optim.techniques.distill import distill
from tests.heavy import a_context, a_network


class Counted:
    """Counts how many images a network is asked about."""

    def __init__(self, network):
        self.asked = 0
        network.register_forward_hook(self)

    def __call__(self, module, images, logits):
        self.asked += len(images[0])


@pytest.fixture
def wise(home):
    return a_network(a_context(home))


def test_it_says_of_each_view_what_the_network_says(home, wise):
    ctx = a_context(home)
    images = ctx.train_items.inputs
    view = draw(images, mirrored=False, seed=3)
    for number, one, seen in ((0, None, images), (0, view, augment(images, view))):
        for _ in ("asked", "read"):
            lessons = Lessons(wise, ctx)
            lessons.turn_to(number, one)
            torch.testing.assert_close(lessons.logits, logits_of(wise, ctx, seen), rtol=1e-2, atol=1e-2)


def test_a_second_student_does_not_ask_again_and_learns_the_same(home, wise):
    weights, counts = [], []
    for _ in range(2):
        ctx = a_context(home)
        count, ctx.teacher = Counted(wise), lambda name: wise
        student = distill(a_network(ctx, lively=False), ctx, epochs=2)
        weights.append(student.head.linear.weight)
        counts.append(count.asked)
    assert counts[0] == 2 * len(ctx.train_items.labels) and counts[1] == 0
    assert torch.equal(*weights)


def test_there_are_no_more_views_than_that(home, wise):
    ctx = a_context(home)
    ctx.teacher = lambda name: wise
    distill(a_network(ctx, lively=False), ctx, epochs=VIEWS + 2)
    assert len(list((home / "cache" / "lessons").iterdir())) == VIEWS


@pytest.mark.parametrize("damage", [b"", b"no array"])
def test_a_damaged_answer_is_asked_for_again(home, wise, damage):
    ctx = a_context(home)
    Lessons(wise, ctx).turn_to(0, None)
    (file,) = (home / "cache" / "lessons").glob(f"*/{FILE}")
    file.write_bytes(damage)
    lessons = Lessons(wise, ctx)
    lessons.turn_to(0, None)
    torch.testing.assert_close(lessons.logits, logits_of(wise, ctx, ctx.train_items.inputs), rtol=1e-2, atol=1e-2)


def test_another_teacher_and_another_seed_have_their_own(home, wise):
    ctx = a_context(home)
    shutil.rmtree(home / "cache", ignore_errors=True)
    other = a_network(ctx, lively=False)
    for teacher in (wise, other):
        Lessons(teacher, ctx).turn_to(0, None)
    ctx.seed = 1
    Lessons(wise, ctx).turn_to(0, draw(ctx.train_items.inputs, mirrored=False, seed=0))
    assert len(list((home / "cache" / "lessons").iterdir())) == 3
