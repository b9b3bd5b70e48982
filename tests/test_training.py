import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from optim.augmentation import augment, draw
from optim.errors import Cancelled, TrainingFailed
from optim.inference import evaluate
from optim.techniques.distill import soft_loss
from optim.training import Schedule, one_cycle, recalibrate, train
from optim.variants import LAYOUTS, choose_variant
from tests.heavy import a_context, a_network, images


@pytest.mark.parametrize("patience", [0, 6])
def test_training_keeps_the_last_epoch_and_with_a_patience_the_best(home, monkeypatch, patience):
    """To choose the epoch by the validation items would flatter what these say of it."""
    ctx = a_context(home)
    network = a_network(ctx, lively=False)
    monkeypatch.setattr("optim.training.one_cycle", lambda progress: 8.0 if progress > 5 / 6 else 1.0)  # it ends badly
    found = train(network, ctx, Schedule(6, 0.1, patience=patience))
    seen = [e.metrics["validation"] for e in ctx.events if "validation" in e.metrics]
    assert max(seen) > 0.5 and seen[-1] < max(seen)
    assert found == (max(seen) if patience else seen[-1])
    assert evaluate(network, ctx, ctx.validation_items) == found


def test_the_same_seed_gives_the_same_weights(home):
    weights = []
    for _ in range(2):
        ctx = a_context(home, seed=3)
        network = a_network(ctx, lively=False)
        train(network, ctx, Schedule(1, 0.1))
        weights.append(network.head.linear.weight.detach().clone())
    assert torch.equal(*weights)


def test_early_stopping_stops(home):
    ctx = a_context(home)
    network = a_network(ctx, lively=False)
    train(network, ctx, Schedule(30, 1e-8, patience=2))
    epochs = [e for e in ctx.events if "validation" in e.metrics]
    assert len(epochs) < 30


def test_accuracy_at_chance_is_told_after_each_epoch_while_training_goes_on(home):
    ctx = a_context(home)
    train(a_network(ctx, lively=False), ctx, Schedule(6, 0.1))
    ends = [e for e in ctx.events if "validation" in e.metrics]
    assert not ends[-1].message
    ctx = a_context(home)
    train(a_network(ctx, lively=False), ctx, Schedule(2, 1e-8))
    ends = [e for e in ctx.events if "validation" in e.metrics]
    assert len(ends) == 2
    assert all("accuracy is at chance" in e.message and "by always naming one class" in e.message for e in ends)


def test_an_endless_loss_is_named(home):
    ctx = a_context(home)
    with pytest.raises(TrainingFailed, match="learning rate 1e\\+30"):
        train(a_network(ctx), ctx, Schedule(2, 1e30))


def test_a_collapsed_network_is_named(home):
    ctx = a_context(home)
    network = a_network(ctx)
    with torch.no_grad():
        network.head.linear.bias[3] = 1e4
    with pytest.raises(TrainingFailed, match="every image the same answer"):
        train(network, ctx, Schedule(1, 1e-6))


def test_a_cancelled_run_stops_at_the_next_batch(home):
    ctx = a_context(home)
    ctx.cancelled = lambda: len(ctx.events) >= 3
    with pytest.raises(Cancelled):
        train(a_network(ctx), ctx, Schedule(50, 0.01))
    assert len(ctx.events) == 3


def test_recalibrating_repairs_statistics(home):
    ctx = a_context(home)
    network = a_network(ctx, lively=False)
    train(network, ctx, Schedule(6, 0.1))
    right = evaluate(network, ctx, ctx.validation_items)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
    wrong = evaluate(network, ctx, ctx.validation_items)
    recalibrate(network, ctx)
    assert wrong < evaluate(network, ctx, ctx.validation_items) >= right - 0.05


def test_augmentation_moves_pixels_and_invents_none(home):
    x = images(a_context(home), 64)
    view = draw(x, mirrored=True, seed=0)
    moved = augment(x, view)
    assert torch.equal(moved[5:9], augment(x[5:9], view.of(torch.arange(5, 9))))
    assert torch.equal(moved, augment(x, draw(x, mirrored=True, seed=0)))
    assert moved.shape == x.shape and not torch.equal(moved, x)
    assert set(np.unique(moved)) <= set(np.unique(x)) | {0.0}
    assert (moved.sum((1, 2, 3)) <= x.sum((1, 2, 3)) + 1e-4).all()


@given(st.floats(0, 1))
def test_the_rate_stays_within_its_peak(progress):
    assert 0 <= one_cycle(progress) <= 1


def test_a_student_equal_to_its_teacher_has_no_soft_loss():
    logits = torch.randn(8, 10, generator=torch.Generator().manual_seed(0))
    assert soft_loss(logits, logits, 4.0) == pytest.approx(0, abs=1e-5)
    assert soft_loss(logits, logits.flip(1), 4.0) > 0


def test_the_soft_gradient_keeps_its_size_as_the_temperature_rises():
    """Hinton et al. 2015, eq. 4: in the limit T^2 times the gradient no longer depends on T."""
    teacher = torch.randn(16, 10, generator=torch.Generator().manual_seed(1))
    sizes = []
    for temperature in (50.0, 100.0):
        student = torch.zeros(16, 10, requires_grad=True)
        soft_loss(student, teacher, temperature).backward()
        sizes.append(float(student.grad.norm()))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


@pytest.mark.parametrize(("all_cores", "threads"), [(110.0, 1), (130.0, 2)])
def test_all_cores_are_taken_only_for_a_clear_gain(home, monkeypatch, all_cores, threads):
    speeds = {1: 100.0, 2: all_cores}
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(
        "optim.variants.time_variants", lambda n, c, variants: {v: speeds.get(v.threads, 1.0) for v in variants}
    )
    ctx = a_context(home)
    assert choose_variant(a_network(ctx), ctx, "key").threads == threads


@pytest.fixture
def threads():
    """As on a machine with two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield 2
    torch.set_num_threads(before)


def test_the_variant_is_timed_once_and_kept(home, threads, monkeypatch):
    monkeypatch.setattr("optim.variants.SECONDS", 0.1)
    ctx = a_context(home)
    network = a_network(ctx)
    chosen = choose_variant(network, ctx, "key")
    assert chosen._replace(threads=0) in LAYOUTS and chosen.threads in {1, threads}
    assert torch.get_num_threads() == threads
    monkeypatch.setattr("optim.variants.timed_choice", lambda *_: pytest.fail("timed twice"))
    assert choose_variant(network, ctx, "key") == chosen
