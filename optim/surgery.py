"""Which channels hang together, and how to cut them out. Every pruner goes through here.

Each weighted part of a network names the channel group of each axis of its tensors. To remove a channel is to
leave its index out of every axis tied to its group; the network is then rebuilt with the new widths.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from .catalog import Dataset
from .importance import norms
from .models.network import STRIDE, Classifier, ConvUnit, Network
from .plan import Anatomy, ChannelGroup, Layer

PART = ConvUnit | Classifier


def cut(network: Network, kept: dict[str, np.ndarray]) -> Network:
    """A new network with only the `kept` channel indices of each group; the input is left as it was.

    Groups that are not named in `kept` stay whole. Mode and device are those of the input.
    """
    axes = tensor_axes(network)
    smaller = network.rebuild({**network.widths, **{name: len(index) for name, index in kept.items()}})
    state = {name: _select(tensor, axes.get(name, ()), kept) for name, tensor in network.state_dict().items()}
    smaller.load_state_dict(state)
    device = next(network.parameters()).device
    return smaller.to(device).train(network.training)


def tensor_axes(network: nn.Module) -> dict[str, tuple[str, ...]]:
    """Full tensor name -> group of each leading axis, for all tensors that belong to a group."""
    return {
        f"{prefix}.{name}": groups
        for prefix, module in network.named_modules()
        if isinstance(module, PART)
        for name, groups in module.axes().items()
    }


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


def _select(tensor: Tensor, groups: tuple[str, ...], kept: dict[str, np.ndarray]) -> Tensor:
    for axis, group in enumerate(groups):
        if group in kept:
            tensor = tensor.index_select(axis, torch.as_tensor(kept[group], device=tensor.device))
    return tensor.clone()


def _layers(network: Network, row: Dataset) -> tuple[Layer, ...]:
    parts = {name: part for name, part in network.named_modules() if isinstance(part, PART)}
    positions, strided = _positions(network, row), {}
    if network.has_stem and STRIDE not in network.widths:
        strided = _positions(network.rebuild({**network.widths, STRIDE: 2}), row)
    return tuple(_layer(name, part, positions[name], strided.get(name, 0)) for name, part in parts.items())


def _positions(network: Network, row: Dataset) -> dict[str, int]:
    """One pass of a blank item shows how large each part's output is."""
    positions: dict[str, int] = {}
    parts = {name: part for name, part in network.named_modules() if isinstance(part, PART)}

    def note(name: str) -> Callable[..., None]:
        return lambda _module, _args, output: positions.update({name: int(np.prod(output.shape[2:]))})

    handles = [part.register_forward_hook(note(name)) for name, part in parts.items()]
    mode = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, *row.shape, device=next(network.parameters()).device))
    finally:
        network.train(mode)
        for handle in handles:
            handle.remove()
    return positions


def _layer(name: str, part: PART, positions: int, strided_positions: int) -> Layer:
    weight = part.conv.weight if isinstance(part, ConvUnit) else part.linear.weight
    outputs, inputs = weight.shape[:2]
    return Layer(
        name=name,
        into=part.into,
        out_of=part.out_of,
        outputs=outputs,
        inputs=inputs,
        kernel=int(np.prod(weight.shape[2:])),
        positions=positions,
        strided_positions=strided_positions,
    )
