"""The parts networks are made of. Each weighted part knows which channel group each axis of its tensors belongs to."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..catalog import Dataset
from ..knapsack import Bought
from ..plan import Widths

PIXELS, CLASSES = "pixels", "classes"
"""The two groups that are never pruned."""
STRIDE = "stem.stride"
"""Not a group: the step of the first convolution, kept beside the widths where it is not 1."""


class ConvUnit(nn.Module):
    """Convolution without bias, then batch norm; `folded` makes it one convolution with bias."""

    def __init__(self, widths: Widths, out_of: str, into: str, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.out_of, self.into = out_of, into
        self.conv = nn.Conv2d(widths[out_of], widths[into], kernel, stride, padding=kernel // 2, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(widths[into])

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))

    def axes(self) -> dict[str, tuple[str, ...]]:
        """Group of each prunable axis, by tensor name: leading axes only, the kernel's own axes stay."""
        norm = {f"norm.{name}": (self.into,) for name in ("weight", "bias", "running_mean", "running_var")}
        return {"conv.weight": (self.into, self.out_of), **norm}

    def folded_weight(self) -> tuple[Tensor, Tensor]:
        """Weight (out, in, k, k) and bias (out,) of the one convolution that does the same in evaluation."""
        norm = self.norm
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None and norm.running_var is not None
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        return self.conv.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale

    def fold(self) -> None:
        """Replace convolution and batch norm by that one convolution, in place."""
        weight, bias = (t.detach().clone() for t in self.folded_weight())
        old = self.conv
        side, stride = old.kernel_size[0], old.stride[0]
        self.conv = nn.Conv2d(old.in_channels, old.out_channels, side, stride, padding=side // 2, bias=True)
        self.conv.weight, self.conv.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.norm = nn.Identity()


class Classifier(nn.Module):
    """Mean over positions, then one linear layer to the logits."""

    def __init__(self, widths: Widths, out_of: str) -> None:
        super().__init__()
        self.out_of, self.into = out_of, CLASSES
        self.linear = nn.Linear(widths[out_of], widths[CLASSES])

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.mean((2, 3)))

    def axes(self) -> dict[str, tuple[str, ...]]:
        return {"linear.weight": (self.into, self.out_of), "linear.bias": (self.into,)}


class Network(nn.Module):
    """A model built from the widths of its channel groups; `rebuild` gives the same shape with other widths.

    `labels` names each prunable group for the screen; `bought` tells what the pruning of each was good for, where the
    speed was known. Pixels from 0 to 1 go in; they are normalized inside.
    """

    def __init__(self, build: Callable[[Widths], Network], widths: Widths, labels: dict[str, str]) -> None:
        super().__init__()
        self.rebuild, self.widths, self.labels = build, dict(widths), labels
        self.bought: dict[str, Bought] = {}
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("std", torch.ones(1))

    @property
    def has_stem(self) -> bool:
        """Whether it begins with a convolution over pixels, whose step can be set."""
        return any(isinstance(part, ConvUnit) and part.out_of == PIXELS for part in self.modules())

    def normalized(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std

    def reset(self) -> None:
        """He initialization for rectified units (He et al. 2015, arXiv:1502.01852, eq. 10)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.out_channels * math.prod(module.kernel_size)
                nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))


def stage_widths(width: float, stages: int, row: Dataset, stem: int) -> Widths:
    """`stem` channels times the multiplier in the first stage, doubling in each further one."""
    first = round(width * stem)
    return {PIXELS: row.shape[0], CLASSES: len(row.classes), **{f"stage{i + 1}": first * 2**i for i in range(stages)}}
