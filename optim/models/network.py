"""What networks are: parts, built from the widths of their groups. Beside it the parts of image networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..catalog import Dataset
from ..knapsack import Bought
from ..plan import Axis, Layer, Tie, Widths
from .part import Part, Weights, as_rows

PIXELS, CLASSES = "pixels", "classes"
"""The two groups that are never pruned."""
STRIDE = "stem.stride"
"""Not a group: the step of the first convolution, kept beside the widths where it is not 1."""
RANK = ".rank"
"""What the name of a group ends in through which a part that was split works: the part's own name stands before it."""


class ConvUnit(Part):
    """Convolution without bias, then batch norm; `fold` makes it one convolution with bias."""

    def __init__(self, widths: Widths, out_of: str, into: str, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.out_of, self.into = out_of, into
        self.conv = nn.Conv2d(widths[out_of], widths[into], kernel, stride, padding=kernel // 2, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(widths[into])

    def forward(self, x: Tensor) -> Tensor:
        return self.gated(self.into, self.norm(self.conv(x)), axis=1)

    def axes(self) -> dict[str, Sequence[Axis]]:
        into, out_of = (Tie(self.into),), (Tie(self.out_of),)
        norm = {f"norm.{name}": (into,) for name in ("weight", "bias", "running_mean", "running_var")}
        return {"conv.weight": (into, out_of), **norm}

    def made(self) -> dict[str, Tensor]:
        return {self.into: as_rows(self.folded_weight()[0])}

    def weights(self) -> list[Weights]:
        return [Weights(self.conv.weight, self.folded_weight()[0].detach().abs())]

    def layers(self, name: str, positions: int) -> list[Layer]:
        outputs, inputs, *kernel = self.conv.weight.shape
        size = math.prod(kernel)
        return [_layer(self, name, outputs, inputs, kernel=size, positions=positions)]

    def positions(self, output: Tensor) -> int:
        return output[0, 0].numel()

    def matrix(self) -> Tensor | None:
        return self.conv.weight.flatten(1)

    def split(self, widths: Widths, rank: str) -> tuple[Part, Part]:
        side, stride = self.conv.kernel_size[0], self.conv.stride[0]
        return Narrow(widths, self.out_of, rank, kernel=side, stride=stride), ConvUnit(
            widths, rank, self.into, kernel=1
        )

    def put(self, matrix: Tensor) -> None:
        with torch.no_grad():
            self.conv.weight.copy_(matrix.view_as(self.conv.weight))

    def inherit(self, whole: Part) -> None:
        assert isinstance(whole, ConvUnit)
        self.norm.load_state_dict(whole.norm.state_dict())

    def constants(self) -> tuple[int, ...]:
        return self.conv.stride

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


class Narrow(ConvUnit):
    """The first half of a convolution that was split: without batch norm, which stands behind the second half."""

    def __init__(self, widths: Widths, out_of: str, into: str, *, kernel: int, stride: int) -> None:
        super().__init__(widths, out_of, into, kernel=kernel, stride=stride)
        self.norm = nn.Identity()

    def axes(self) -> dict[str, Sequence[Axis]]:
        return {"conv.weight": super().axes()["conv.weight"]}

    def layers(self, name: str, positions: int) -> list[Layer]:
        return [layer.with_(biases=0) for layer in super().layers(name, positions)]

    def folded_weight(self) -> tuple[Tensor, Tensor]:
        return self.conv.weight, torch.zeros_like(self.conv.weight[:, 0, 0, 0])

    def matrix(self) -> Tensor | None:
        return None

    def fold(self) -> None:
        """There is nothing to fold."""


class Classifier(Part):
    """Mean over positions, then one linear layer to the logits."""

    def __init__(self, widths: Widths, out_of: str) -> None:
        super().__init__()
        self.out_of, self.into = out_of, CLASSES
        self.linear = nn.Linear(widths[out_of], widths[CLASSES])

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.mean((2, 3)))

    def axes(self) -> dict[str, Sequence[Axis]]:
        return {"linear.weight": ((Tie(self.into),), (Tie(self.out_of),)), "linear.bias": ((Tie(self.into),),)}

    def made(self) -> dict[str, Tensor]:
        return {}

    def weights(self) -> list[Weights]:
        return [Weights(self.linear.weight, self.linear.weight.detach().abs())]

    def layers(self, name: str, positions: int) -> list[Layer]:
        outputs, inputs = self.linear.weight.shape
        return [_layer(self, name, outputs, inputs, kernel=1, positions=positions)]


def _layer(part: ConvUnit | Classifier, name: str, outputs: int, inputs: int, *, kernel: int, positions: int) -> Layer:
    return Layer(
        name=name, into=part.into, out_of=part.out_of, outputs=outputs, inputs=inputs, kernel=kernel,
        positions=positions,
    )  # fmt: skip


class Network(nn.Module):
    """A model built from the widths of its channel groups; `rebuild` gives the same shape with other widths.

    `labels` names each prunable group for the screen; `bought` tells what the pruning of each was good for, where the
    speed was known. What the row of its data set says goes in; pixels are normalized inside.
    """

    def __init__(self, build: Callable[[Widths], Network], widths: Widths, labels: dict[str, str]) -> None:
        super().__init__()
        self.build, self.widths, self.labels = build, dict(widths), dict(labels)
        self.bought: dict[str, Bought] = {}
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("std", torch.ones(1))

    @property
    def has_stem(self) -> bool:
        """Whether it begins with a convolution over pixels, whose step can be set."""
        return any(isinstance(part, ConvUnit) and part.out_of == PIXELS for part in self.modules())

    def rebuild(self, widths: Widths) -> Network:
        """A fresh network of the same shape with these widths; a part whose rank is among them is split in two."""
        network = self.build({name: width for name, width in widths.items() if not name.endswith(RANK)})
        for rank in sorted((name for name in widths if name.endswith(RANK)), key=lambda name: (name.count("."), name)):
            name = rank.removesuffix(RANK)
            part = network.get_submodule(name)
            assert isinstance(part, Part)
            network.widths[rank], network.labels[rank] = widths[rank], f"rank of {name}"
            network.set_submodule(name, nn.Sequential(*part.split(network.widths, rank)))
        return network

    def expect(self, labels: Tensor) -> None:
        """Take from the training labels what a fresh network may know beforehand; most know nothing."""

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


def blank(row: Dataset, count: int = 1) -> Tensor:
    """Items of the usual shape that say nothing: black images, texts of one token that is no padding."""
    return (
        torch.zeros(count, *row.shape) if row.dtype == "float32" else torch.ones(count, *row.shape, dtype=torch.int64)
    )
