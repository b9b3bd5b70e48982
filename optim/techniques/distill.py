"""Recovery, or training from scratch, with a teacher (Hinton et al. 2015, arXiv:1503.02531)."""

from __future__ import annotations

import copy

from torch import Tensor
from torch.nn.functional import kl_div, log_softmax

from ..context import Context
from ..lessons import VIEWS, Lessons
from ..models.network import Network
from ..training import Schedule, hard_loss, train


def distill(
    network: Network,
    ctx: Context,
    *,
    temperature: float = 4.0,
    alpha: float = 0.7,
    epochs: int = 3,
    teacher: str = "dense",
    learning_rate: float = 0.0,
    weight_decay: float = 0.0,
    label_smoothing: float = 0.0,
    augment: bool = True,
    patience: int = 0,
) -> Network:
    """A copy trained with `alpha` of its loss from a teacher's softened probabilities (Hinton et al. 2015, section 2).

    The teacher is the dense baseline, or another zoo model's baseline (`MODEL:WIDTH`). It sees what the student sees
    (Beyer et al. 2022, arXiv:2106.05237), and is asked once per view of the inputs (`lessons.py`).
    `weight_decay` is taken as it is: a complete recipe names the model's own.
    Raises `TrainingFailed` when the loss is not finite.
    """
    assert ctx.teacher is not None
    lessons = Lessons(ctx.teacher(teacher).to(ctx.device).eval(), ctx)

    true = hard_loss(label_smoothing)

    def loss(logits: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        soft = soft_loss(logits, lessons.logits[indices], temperature)
        return alpha * soft + (1 - alpha) * true(logits, labels, indices)

    student = copy.deepcopy(network)
    rate = learning_rate or ctx.automatic_rate
    schedule = Schedule(epochs, rate, weight_decay, label_smoothing, augment, patience, views=VIEWS)
    train(student, ctx, schedule, loss, before=lessons.turn_to)
    return student


def soft_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Mean over items of T^2 KL(teacher softened || student softened); logits are (b, classes).

    The factor T^2 keeps the gradient's size when T changes (Hinton et al. 2015, section 2, after eq. 4).
    """
    soft_student = log_softmax(student / temperature, dim=1)
    soft_teacher = log_softmax(teacher / temperature, dim=1)
    return temperature**2 * kl_div(soft_student, soft_teacher, log_target=True, reduction="batchmean")
