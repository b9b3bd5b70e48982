"""Small changes to training images that leave their meaning.

What happens to an image is drawn for a whole data set at once, a *view* of it: so the same view can be had again, and
a teacher's answers to it can be kept.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

SHIFT = 2
"""Largest shift, in pixels, per 28 pixels of side; at least one."""


class View(NamedTuple):
    """What happens to each of `n` images."""

    shift: int
    """The largest one, in pixels."""
    offsets: Tensor
    """(2, n, 1), from 0 to twice `shift`: rows, columns."""
    flips: Tensor | None
    """(n, 1), bool."""

    def of(self, index: Tensor) -> View:
        """The part that belongs to these images."""
        return View(self.shift, self.offsets[:, index], None if self.flips is None else self.flips[index])


def draw(images: Tensor, *, mirrored: bool, seed: int) -> View:
    """A view of these images, (n, channels, height, width); the same seed gives the same one."""
    count, height = len(images), images.shape[2]
    random = torch.Generator().manual_seed(seed)
    shift = max(round(SHIFT * height / 28), 1)
    offsets = torch.randint(0, 2 * shift + 1, (2, count, 1), generator=random).to(images.device)
    flips = (torch.rand(count, 1, generator=random) < 0.5).to(images.device) if mirrored else None
    return View(shift, offsets, flips)


def augment(images: Tensor, view: View) -> Tensor:
    """Each image shifted by a few pixels (blank comes in) and, where the view says so, flipped."""
    count, _, height, width = images.shape
    rows = view.offsets[0] + torch.arange(height, device=images.device)
    columns = view.offsets[1] + torch.arange(width, device=images.device)
    if view.flips is not None:
        columns = torch.where(view.flips, columns.flip(1), columns)
    padded = pad(images, (view.shift,) * 4)
    item = torch.arange(count, device=images.device)[:, None, None]
    return padded[item, :, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)
