"""Watches the losses of one training while it goes on: no longer finite, or far above where they began."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .collapse import Trouble, rose
from .cures import LOWER_RATE
from .errors import TrainingFailed

EVERY = 10
"""Steps between two looks, and losses that each takes the mean of: reading one waits for the device."""
FAR = 3.0
"""The loss over where it began, and over that of a network that names every answer equally often: a training that is
sound bumps by less as its rate rises, and one that began near zero may come back to nothing worse than guessing."""


class LossGuard:
    def __init__(self, outputs: int, rate: float) -> None:
        self.guessing, self.rate = math.log(max(outputs, 2)), rate
        self.first: float | None = None
        self.trouble: Trouble | None = None
        """What holds now."""
        self.rose: Trouble | None = None
        """What was seen first, whether or not it still holds."""

    def look(self, losses: Sequence[Tensor], step: int) -> Trouble | None:
        """What is new after `step` steps, by the last of this epoch's `losses` (scalars); see `finite`."""
        mean = self.finite(torch.stack(tuple(losses[-EVERY:])).mean())
        if self.first is None:
            self.first = float(losses[0])
        known, self.trouble = self.trouble, None
        if mean > FAR * max(self.first, self.guessing):
            told = f"{rose(self.first, mean)} in {step:,} steps at a rate up to {self.rate:g}"
            self.trouble = Trouble(f"The loss rose {told}: the learning rate is too high.", LOWER_RATE)
            self.rose = self.rose or self.trouble
        return self.trouble if known is None else None

    def finite(self, loss: Tensor) -> float:
        """The loss as a number. Raises `TrainingFailed` where it is none."""
        value = float(loss)
        if not math.isfinite(value):
            raise TrainingFailed(
                "The loss is no longer a finite number: the learning rate is too high.",
                given=f"learning rate {self.rate:g}",
                remedy="Lower the learning rate, for example to a tenth.",
                cure=LOWER_RATE,
            )
        return value
