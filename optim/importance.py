"""What makes a channel worth keeping: the size of its filters, or what the loss would feel of its absence."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from .context import Context
from .models.network import Network
from .models.part import parts_of
from .plan import Anatomy
from .training import targets

ITEMS, BATCH = 512, 64
"""Training images that the Taylor importance is averaged over, and how many go through at once."""


def norms(network: Network, method: str) -> dict[str, tuple[float, ...]]:
    """Norm (`l1`, `l2`) of the weights that make each unit over its layer's mean norm, averaged over the layers.

    Norms are folded in first: their scale decides how much of a weight arrives.
    """
    found: dict[str, list[Tensor]] = {}
    for _, part in parts_of(network):
        for group, weight in part.made().items():
            norm = weight.abs().sum(1) if method == "l1" else weight.square().sum(1).sqrt()
            found.setdefault(group, []).append(norm / norm.mean().clamp_min(1e-12))
    return {name: tuple(round(float(v), 6) for v in torch.stack(norms).mean(0)) for name, norms in found.items()}


def taylor(network: Network, ctx: Context) -> dict[str, tuple[float, ...]]:
    """First-order Taylor importance of each channel (Molchanov et al. 2019, arXiv:1906.10771, eq. 8, on gates).

    A gate of 1 multiplies what each part makes; (dE/dgate)^2 is what the squared change of the loss would be without
    that unit. Averaged over `ITEMS` un-augmented training items, each a batch of its own, in an order
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


def _gate_gradients(network: Network, inputs: Tensor, labels: Tensor) -> list[tuple[str, Tensor]]:
    """For each part and group that it makes: the group, and the gradient (b, units) of each item's loss by gates."""
    gates: list[tuple[str, Tensor]] = []
    parts = [part for _, part in parts_of(network)]
    for part in parts:
        for group in part.made():
            gate = torch.ones(len(inputs), network.widths[group], device=inputs.device, requires_grad=True)
            part.gates[group] = gate
            gates.append((group, gate))
    try:
        with torch.enable_grad():
            loss = cross_entropy(network(inputs), targets(labels), reduction="sum")
            gradients = torch.autograd.grad(loss, [gate for _, gate in gates])
    finally:
        for part in parts:
            part.gates.clear()
    return [(group, gradient) for (group, _), gradient in zip(gates, gradients, strict=True)]
