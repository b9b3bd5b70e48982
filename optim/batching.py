"""Which items go through together. Texts of like length do: what is padding in all of a batch is not looked at."""

from __future__ import annotations

import torch
from torch import Tensor

from .catalog import Dataset
from .texts import PADDING

SPREAD = 2
"""A text may stand among texts that are this many characters shorter or longer, so that batches differ by epoch."""


def arranged(order: Tensor, inputs: Tensor, size: int, row: Dataset, random: torch.Generator) -> Tensor:
    """The same items in batches of `size`, texts beside texts of like length; the batches in any order.

    `order` (n,) indexes `inputs`; what fills no batch is left at the end.
    """
    if row.kind != "text":
        return order
    lengths = (inputs[order] != PADDING).sum(1).cpu() + SPREAD * torch.rand(len(order), generator=random)
    whole = len(order) // size * size
    by_length = order[lengths[:whole].argsort().to(order.device)].view(-1, size)
    return torch.cat([by_length[torch.randperm(len(by_length), generator=random)].flatten(), order[whole:]])


def trimmed(inputs: Tensor, row: Dataset) -> Tensor:
    """Texts (n, length) without what is padding in all of them; one token stays. Other items as they are."""
    if row.kind != "text":
        return inputs
    return inputs[:, : max(int((inputs != PADDING).sum(1).max()), 1)]
