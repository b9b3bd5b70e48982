"""What every weighted part of a network tells of itself. A new kind of part is one class, here or beside its model.

Surgery, plan, cost, importance, zeroing, export and the guard against collapse ask parts and know no kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..plan import Axis, Layer, Widths


class Weights(NamedTuple):
    """A tensor of weights, and the size (same shape) with which each of its values arrives in evaluation."""

    tensor: Tensor
    magnitude: Tensor


class Part(nn.Module):
    """Weights whose axes are tied to groups of units.

    `out_of` names the group that comes in (of the first of its tensors), for words. `gates` is empty but while an
    importance is measured: then it holds, for some of the groups it makes, a factor (b, units) on what it makes.
    """

    out_of = ""

    def __init__(self) -> None:
        super().__init__()
        self.gates: dict[str, Tensor] = {}

    def axes(self) -> dict[str, Sequence[Axis]]:
        """The ties of each leading axis, by tensor name; axes that are left out stay whole."""
        raise NotImplementedError

    def made(self) -> dict[str, Tensor]:
        """By group, the weights that make each of its units as they arrive in evaluation: (units, values)."""
        raise NotImplementedError

    def weights(self) -> list[Weights]:
        """What may be zeroed one by one."""
        raise NotImplementedError

    def layers(self, name: str, positions: int) -> list[Layer]:
        """Its arithmetic and weights, folded, where its output has `positions` places for one item."""
        raise NotImplementedError

    def positions(self, output: Tensor) -> int:
        """Places in `output`, which it made of one item: what is neither batch nor unit, the batch standing first."""
        return output[0, ..., 0].numel()

    def fold(self) -> None:
        """Take the form in which it is exported, in place; the answers stay."""

    def matrix(self) -> Tensor | None:
        """Its weights as one matrix (outputs, inputs) that two thinner ones may replace; None where that is no good."""
        return None

    def split(self, widths: Widths, rank: str) -> tuple[Part, Part]:
        """Two fresh parts that do one after the other what this one does, through the units of the group `rank`."""
        raise NotImplementedError

    def put(self, matrix: Tensor) -> None:
        """Take this matrix (outputs, inputs) for its own, in place."""
        raise NotImplementedError

    def inherit(self, whole: Part) -> None:
        """Take what is no part of the matrix from the part that this one is the second half of, in place."""

    def constants(self) -> tuple[int, ...]:
        """Numbers that its exported graph holds beside its tensors: with others it has another graph."""
        return ()

    def gated(self, group: str, made: Tensor, axis: int = -1) -> Tensor:
        """`made`, units of this group along `axis`, through its gate where it has one."""
        gate = self.gates.get(group)
        if gate is None:
            return made
        shape = [1] * made.ndim
        shape[0], shape[axis] = gate.shape
        return made * gate.view(shape)


def parts_of(network: nn.Module) -> Iterator[tuple[str, Part]]:
    """All parts with their names, in the order they were put in."""
    for name, module in network.named_modules():
        if isinstance(module, Part):
            yield name, module


def as_rows(*tensors: Tensor) -> Tensor:
    """Tensors whose first axis are the same units, side by side: (units, values).

    >>> as_rows(torch.zeros(2, 3), torch.zeros(2, 2, 2)).shape
    torch.Size([2, 7])
    """
    return torch.cat([tensor.detach().float().flatten(1) for tensor in tensors], dim=1)
