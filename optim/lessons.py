"""What a teacher says of every training image, kept: it is asked once, however many students learn from it.

Asking the teacher takes as long as training a small student. So the augmented images come in a few views, each the
same for every student of a seed, and the answers to a view are kept in the data folder.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .atomic import whole_folder
from .augmentation import View, augment
from .cache import StepCache, key_of
from .context import Context
from .inference import logits_of
from .models.network import Network

VIEWS = 8
"""Augmented copies of the training images that a student meets in turn, one an epoch."""
CHUNK = 500
FILE = "logits.npy"
LIMIT_BYTES = 200_000_000


class Lessons:
    """One teacher's answers to the views of one training."""

    def __init__(self, wise: Network, ctx: Context) -> None:
        self.wise, self.ctx = wise, ctx
        self.digest = _digest(wise)
        self.logits = torch.empty(0)
        """(n, classes) float32 of the view at hand."""

    def turn_to(self, number: int, view: View | None) -> None:
        """Have the answers to this view (None: the images as they are) at hand, from the cache or asked now."""
        ctx = self.ctx
        seed = None if view is None else (ctx.seed, number)
        key = key_of(1, self.digest, ctx.row.name, len(ctx.train_items.labels), seed, str(ctx.device), ctx.variant.bf16)
        folder = ctx.home / "cache" / "lessons" / key
        known = _read(folder / FILE, len(ctx.train_items.labels))
        if known is None:
            known = self._asked(view)
            with whole_folder(folder) as fresh:
                np.save(fresh / FILE, known.cpu().numpy().astype(np.float16), allow_pickle=False)
            StepCache(folder.parent, LIMIT_BYTES).shrink()
            known = known.half().float()  # as it will be read
        self.logits = known.to(ctx.device)

    @torch.no_grad()
    def _asked(self, view: View | None) -> Tensor:
        images = self.ctx.train_items.inputs
        if view is None:
            return logits_of(self.wise, self.ctx, images)
        parts = torch.arange(len(images), device=images.device).split(CHUNK)
        return torch.cat([logits_of(self.wise, self.ctx, augment(images[i], view.of(i))) for i in parts])


def _read(path: Path, count: int) -> Tensor | None:
    """None where there is none, or it is damaged."""
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    whole = found.ndim == 2 and len(found) == count and bool(np.isfinite(found).all())
    return torch.from_numpy(found.astype(np.float32)) if whole else None


def _digest(network: Network) -> str:
    """Of the weights and statistics."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
