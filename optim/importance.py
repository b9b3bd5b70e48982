"""What makes a channel worth keeping: the size of its filters, or what the loss would feel of its absence."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from .context import Context
from .models.network import ConvUnit, Network
from .plan import Anatomy

ITEMS, BATCH = 512, 64
"""Training images that the Taylor importance is averaged over, and how many go through at once."""


def norms(network: Network, method: str) -> dict[str, tuple[float, ...]]:
    """Norm (`l1`, `l2`) of each channel's folded filter over its layer's mean norm, averaged over its group's layers.

    The batch norm is folded in first: its scale decides how much of a filter arrives.
    """
    found: dict[str, list[Tensor]] = {}
    for part in network.modules():
        if isinstance(part, ConvUnit):
            weight = part.folded_weight()[0].detach().float().flatten(1)
            norm = weight.abs().sum(1) if method == "l1" else weight.square().sum(1).sqrt()
            found.setdefault(part.into, []).append(norm / norm.mean().clamp_min(1e-12))
    return {name: tuple(round(float(v), 6) for v in torch.stack(norms).mean(0)) for name, norms in found.items()}


def taylor(network: Network, ctx: Context) -> dict[str, tuple[float, ...]]:
    """First-order Taylor importance of each channel (Molchanov et al. 2019, arXiv:1906.10771, eq. 8, on gates).

    A gate of 1 multiplies each batch norm's output; (dE/dgate)^2 is what the squared change of the loss would be
    without that channel. Averaged over `ITEMS` un-augmented training images, each a batch of its own, in an order
    that no recipe's seed changes; summed over the layers of a group; divided by the mean over all channels, so that
    1 is usual and groups can be compared. Six digits. The network is left as it was.
    """
    total = {name: torch.zeros(network.widths[name], dtype=torch.float64) for name in network.labels}
    mode, items = network.training, ctx.train_items
    order = np.random.default_rng(0).permutation(len(items.labels))[:ITEMS]
    for index in torch.from_numpy(order).to(ctx.device).split(BATCH):
        for group, gradient in _gate_gradients(network.eval(), items.inputs[index], items.labels[index]):
            total[group] += gradient.double().square().sum(0).cpu()
    network.train(mode)
    mean = float(torch.cat(list(total.values())).mean())
    return {name: tuple(float(f"{v:.6g}") for v in sums / (mean or 1.0)) for name, sums in total.items()}


def with_taylor(body: Anatomy, network: Network, ctx: Context) -> Anatomy:
    """The anatomy with the Taylor importance of this network's channels beside the others."""
    found = taylor(network, ctx)
    groups = [g.with_(importance={**g.importance, "taylor": found[g.name]}) for g in body.groups]
    return body.with_(groups=tuple(groups))


def _gate_gradients(network: Network, images: Tensor, labels: Tensor) -> list[tuple[str, Tensor]]:
    """For each batch norm: its group, and the gradient (b, channels) of each item's loss by its gates."""
    gates: list[tuple[str, Tensor]] = []

    def gated(unit: nn.Module, _args: tuple, output: Tensor) -> Tensor:
        assert isinstance(unit, ConvUnit)
        gate = torch.ones(*output.shape[:2], 1, 1, device=output.device, requires_grad=True)
        gates.append((unit.into, gate))
        return output * gate

    hooks = [unit.register_forward_hook(gated) for unit in network.modules() if isinstance(unit, ConvUnit)]
    try:
        with torch.enable_grad():
            loss = cross_entropy(network(images), labels, reduction="sum")
            gradients = torch.autograd.grad(loss, [gate for _, gate in gates])
    finally:
        for hook in hooks:
            hook.remove()
    return [(group, gradient.flatten(1)) for (group, _), gradient in zip(gates, gradients, strict=True)]
