"""Unstructured pruning: the smallest weights become zeros (Han et al. 2015, arXiv:1506.02626)."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from ..context import Context
from ..models.network import Network
from ..models.part import Weights, parts_of
from ..training import recalibrate


def prune_weights(network: Network, ctx: Context, *, sparsity: float = 0.5, scope: str = "global") -> Network:
    """A copy with the share `sparsity` of its weights set to zero, batch-norm statistics recalibrated.

    The weights of least magnitude go (Han et al. 2015, section 3), here with the batch norm folded in: anywhere
    (`global`), or the same share in each layer (`layer`). The zeros are the mask: training that follows leaves
    weights that are zero at zero, and they stand in the exported file. Nothing gets smaller by it.
    """
    zeroed = copy.deepcopy(network)
    tensors = _weights(zeroed)
    magnitudes = {name: magnitude for name, (_, magnitude) in tensors.items()}
    keep = _largest(magnitudes, sparsity) if scope == "global" else _largest_each(magnitudes, sparsity)
    with torch.no_grad():
        for name, (weight, _) in tensors.items():
            weight.mul_(keep[name].to(weight))
    if all(bool(kept.all()) for kept in keep.values()):
        ctx.warnings.append("No weight became zero: the sparsity is too small for this model.")
        return zeroed
    ctx.warnings += [f"All weights of {name} are zero." for name, kept in keep.items() if not kept.any()]
    ctx.progress(message="recalibrating batch-norm statistics")
    recalibrate(zeroed, ctx)
    return zeroed


def _weights(network: Network) -> dict[str, Weights]:
    """Per tensor of weights, by a name that tells its part: the tensor, and the size with which each value arrives."""
    found = {}
    for name, part in parts_of(network):
        tensors = part.weights()
        for place, weights in enumerate(tensors):
            label = name if len(tensors) == 1 else f"{name}, matrix {place + 1},"
            found[label] = Weights(weights.tensor, weights.magnitude.cpu())
    return found


def _largest(magnitudes: dict[str, Tensor], sparsity: float) -> dict[str, Tensor]:
    """Per tensor True where a value stays: ties go to the earlier one, so that exactly the share is zero."""
    flat = torch.cat([magnitude.flatten() for magnitude in magnitudes.values()])
    stays = torch.ones(len(flat), dtype=torch.bool)
    stays[torch.argsort(flat, stable=True)[: round(sparsity * len(flat))]] = False
    parts = stays.split([magnitude.numel() for magnitude in magnitudes.values()])
    return {name: part.view_as(magnitudes[name]) for name, part in zip(magnitudes, parts, strict=True)}


def _largest_each(magnitudes: dict[str, Tensor], sparsity: float) -> dict[str, Tensor]:
    return {name: _largest({name: magnitude}, sparsity)[name] for name, magnitude in magnitudes.items()}
