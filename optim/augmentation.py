"""Small changes to training images that leave their meaning."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

SHIFT = 2
"""Largest shift, in pixels, per 28 pixels of side; at least one."""


def augment(images: Tensor, *, mirrored: bool, random: torch.Generator) -> Tensor:
    """Each image shifted by a few pixels (blank comes in) and, where `mirrored`, flipped half of the time."""
    count, _, height, width = images.shape
    shift = max(round(SHIFT * height / 28), 1)
    offsets = torch.randint(0, 2 * shift + 1, (2, count, 1), generator=random).to(images.device)
    rows = offsets[0] + torch.arange(height, device=images.device)
    columns = offsets[1] + torch.arange(width, device=images.device)
    if mirrored:
        flip = torch.rand(count, 1, generator=random).to(images.device) < 0.5
        columns = torch.where(flip, columns.flip(1), columns)
    padded = pad(images, (shift,) * 4)
    item = torch.arange(count, device=images.device)[:, None, None]
    return padded[item, :, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)
