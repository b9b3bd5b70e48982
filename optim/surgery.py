"""Which units hang together, and how to cut them out. Every pruner goes through here.

Each weighted part of a network names the ties of each axis of its tensors (`plan.Tie`). To remove a unit is to leave
its entries out of every axis tied to its group; the network is then rebuilt with the new widths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from .catalog import Dataset
from .importance import norms
from .models.network import STRIDE, Network, blank
from .models.part import Part, parts_of
from .plan import Anatomy, Axis, ChannelGroup, Layer, Widths, entries


def cut(network: Network, kept: dict[str, np.ndarray]) -> Network:
    """A new network with only the `kept` channel indices of each group; the input is left as it was.

    Groups that are not named in `kept` stay whole. Mode and device are those of the input.
    """
    axes = tensor_axes(network)
    smaller = network.rebuild({**network.widths, **{name: len(index) for name, index in kept.items()}})
    state = {
        name: _select(tensor, axes.get(name, ()), network.widths, kept) for name, tensor in network.state_dict().items()
    }
    smaller.load_state_dict(state)
    device = next(network.parameters()).device
    return smaller.to(device).train(network.training)


def tensor_axes(network: nn.Module) -> dict[str, Sequence[Axis]]:
    """Full tensor name -> ties of each leading axis, for all tensors of its parts."""
    return {f"{prefix}.{name}": axes for prefix, part in parts_of(network) for name, axes in part.axes().items()}


def anatomy(network: Network, row: Dataset, model: str, width: float) -> Anatomy:
    """What `plan` needs to know: groups with their importances by norm, layers with their arithmetic."""
    layers = _layers(network, row)
    importance = {method: norms(network, method) for method in ("l1", "l2")}
    groups = tuple(
        ChannelGroup(
            name=name,
            label=label,
            size=network.widths[name],
            importance={method: importance[method][name] for method in importance},
        )
        for name, label in network.labels.items()
    )
    return Anatomy(dataset=row.name, model=model, width=width, groups=groups, layers=layers)


def _select(tensor: Tensor, axes: Sequence[Axis], sizes: Widths, kept: Mapping[str, np.ndarray]) -> Tensor:
    for place, axis in enumerate(axes):
        if any(tie.group in kept for tie in axis):
            index = torch.from_numpy(entries(axis, sizes, kept)).to(tensor.device)
            tensor = tensor.index_select(place, index)
    return tensor.clone()


def _layers(network: Network, row: Dataset) -> tuple[Layer, ...]:
    positions, strided = _positions(network, row), {}
    if network.has_stem and STRIDE not in network.widths:
        strided = _positions(network.rebuild({**network.widths, STRIDE: 2}), row)
    return tuple(
        layer.with_(strided_positions=strided.get(name, 0))
        for name, part in parts_of(network)
        for layer in part.layers(name, positions[name])
    )


def _positions(network: Network, row: Dataset) -> dict[str, int]:
    """One pass of a blank item shows how large each part's output is."""
    positions: dict[str, int] = {}

    def note(name: str, part: Part) -> Callable[..., None]:
        return lambda _module, _args, output: positions.update({name: part.positions(output)})

    handles = [part.register_forward_hook(note(name, part)) for name, part in parts_of(network)]
    mode = network.training
    try:
        with torch.no_grad():
            network.eval()(blank(row).to(next(network.parameters()).device))
    finally:
        network.train(mode)
        for handle in handles:
            handle.remove()
    return positions
