"""Small changes to training items that leave their meaning: images are shifted, characters of texts hidden.

What happens to an item is drawn for a whole data set at once, a *view* of it: so the same view can be had again, and
a teacher's answers to it can be kept.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from .texts import PADDING, UNKNOWN

SHIFT = 2
"""Largest shift, in pixels, per 28 pixels of side; at least one."""


HIDDEN = 0.1
"""Share of the characters that are taken for unknown ones (as words in Iyyer et al. 2015, section 3.2)."""
DRAWN = ("image", "text")
"""The kinds of items that there are views of."""


class Shifts(NamedTuple):
    """What happens to each of `n` images."""

    shift: int
    """The largest one, in pixels."""
    offsets: Tensor
    """(2, n, 1), from 0 to twice `shift`: rows, columns."""
    flips: Tensor | None
    """(n, 1), bool."""

    def of(self, index: Tensor) -> Shifts:
        """The part that belongs to these images."""
        return Shifts(self.shift, self.offsets[:, index], None if self.flips is None else self.flips[index])


class Hidden(NamedTuple):
    """Which characters of each of `n` texts are hidden."""

    places: Tensor
    """(n, length), bool."""

    def of(self, index: Tensor) -> Hidden:
        """The part that belongs to these texts."""
        return Hidden(self.places[index])


View = Shifts | Hidden


def draw(inputs: Tensor, *, mirrored: bool, seed: int) -> View:
    """A view of these images (n, channels, height, width) or texts (n, length); the same seed gives the same one."""
    random = torch.Generator().manual_seed(seed)
    if not inputs.is_floating_point():
        return Hidden((torch.rand(inputs.shape, generator=random) < HIDDEN).to(inputs.device))
    count, height = len(inputs), inputs.shape[2]
    shift = max(round(SHIFT * height / 28), 1)
    offsets = torch.randint(0, 2 * shift + 1, (2, count, 1), generator=random).to(inputs.device)
    flips = (torch.rand(count, 1, generator=random) < 0.5).to(inputs.device) if mirrored else None
    return Shifts(shift, offsets, flips)


def augment(inputs: Tensor, view: View) -> Tensor:
    """The items as the view has them; texts may be shorter than those that it was drawn for."""
    if isinstance(view, Hidden):
        return inputs.masked_fill(view.places[:, : inputs.shape[1]] & (inputs != PADDING), UNKNOWN)
    return _shifted(inputs, view)


def _shifted(images: Tensor, view: Shifts) -> Tensor:
    """Each image shifted by a few pixels (blank comes in) and, where the view says so, flipped."""
    count, _, height, width = images.shape
    rows = view.offsets[0] + torch.arange(height, device=images.device)
    columns = view.offsets[1] + torch.arange(width, device=images.device)
    if view.flips is not None:
        columns = torch.where(view.flips, columns.flip(1), columns)
    padded = pad(images, (view.shift,) * 4)
    item = torch.arange(count, device=images.device)[:, None, None]
    return padded[item, :, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)
