"""Matrices of low rank: two thin ones instead of a large one (Denton et al. 2014, arXiv:1404.0736, section 3.2)."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from ..context import Context
from ..errors import RequestError
from ..models.network import RANK, Network
from ..models.part import Part, parts_of


def low_rank(network: Network, ctx: Context, *, rank: float = 0.5, smallest: int = 1000) -> Network:
    """A copy in which each large matrix is the product of two, through `rank` times its full rank units.

    The product is the truncated singular value decomposition: no matrix of that rank is nearer in the sum of squares
    (Eckart and Young 1936, doi:10.1007/BF02288367). Embeddings and linear layers are matrices as they stand; a k x k
    convolution is one of outputs by k k inputs, and becomes a thinner k x k convolution and a 1 x 1 one. Matrices of
    fewer than `smallest` values, and those that two would not make smaller, stay. The new units are a group like any
    other, so that they can be pruned. Raises `RequestError` for a network without any matrix that could be split.
    """
    matrices = {name: matrix for name, part in parts_of(network) if (matrix := part.matrix()) is not None}
    if not matrices:
        raise RequestError(
            "No matrix of this model can be split in two.", given=type(network).__name__,
            allowed="models with embeddings, linear layers or convolutions", remedy="Leave low-rank out.",
        )  # fmt: skip
    ranks = {name: _units(matrix, rank) for name, matrix in matrices.items() if matrix.numel() >= smallest}
    ranks = {name: units for name, units in ranks.items() if units * sum(matrices[name].shape) < matrices[name].numel()}
    if not ranks:
        ctx.warnings.append("Nothing was split: at this rank two matrices are no smaller than the one they replace.")
        return copy.deepcopy(network)
    return _split(network, {name: halves(matrices[name], units) for name, units in ranks.items()})


def halves(matrix: Tensor, units: int) -> tuple[Tensor, Tensor]:
    """(outputs, units) and (units, inputs), as large as each other, whose product is nearest to `matrix`.

    >>> a, b = halves(torch.eye(3), 3)
    >>> torch.allclose(a @ b, torch.eye(3), atol=1e-6)
    True
    """
    left, values, right = torch.linalg.svd(matrix.detach().double(), full_matrices=False)
    root = values[:units].sqrt()
    return (left[:, :units] * root).to(matrix.dtype), (root[:, None] * right[:units]).to(matrix.dtype)


def _units(matrix: Tensor, share: float) -> int:
    return max(1, round(share * min(matrix.shape)))


def _split(network: Network, pairs: dict[str, tuple[Tensor, Tensor]]) -> Network:
    """The network with these parts in two; all other tensors, mode and device are as they were."""
    ranks = {f"{name}{RANK}": inner.shape[0] for name, (_, inner) in pairs.items()}
    thinner = network.rebuild({**network.widths, **ranks}).to(next(network.parameters()).device)
    state = network.state_dict()
    thinner.load_state_dict({name: state[name] for name in thinner.state_dict() if name in state}, strict=False)
    for name, (outer, inner) in pairs.items():
        first, second, whole = *thinner.get_submodule(name).children(), network.get_submodule(name)
        assert isinstance(first, Part)
        assert isinstance(second, Part)
        assert isinstance(whole, Part)
        second.inherit(whole)
        first.put(inner)
        second.put(outer)
    thinner.bought = dict(network.bought)
    return thinner.train(network.training)
