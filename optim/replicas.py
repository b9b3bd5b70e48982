"""One batch in equal parts, side by side: each replica has its own thread, gradients and batch statistics.

A small network that is spread over all cores waits for each of them at every layer. Replicas wait for each other
once a step, as in data-parallel training (Li et al. 2020, arXiv:2006.15704), here inside one process: the weights are
the same memory. Batch norm sees its own part of the batch (ghost batch norm, Hoffer et al. 2017, arXiv:1705.08741).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

LossOf = Callable[[nn.Module, Tensor], Tensor]
"""(network, index (b,)) -> mean loss over these items, a scalar."""


class Replicas:
    """The network itself and `count - 1` twins that share its weights, not its gradients and statistics.

    The network's own running statistics come from its own part of each batch.
    """

    def __init__(self, network: nn.Module, count: int) -> None:
        self.networks = [network, *(_twin(network) for _ in range(count - 1))]
        self.parameters = [list(one.parameters()) for one in self.networks]
        self._threads = ThreadPoolExecutor(count - 1) if count > 1 else None

    def gradients(self, loss_of: LossOf, index: Tensor) -> Tensor:
        """Leave the gradient of the mean loss over `index` (b,) on the network; the loss comes back, detached."""
        parts = index.chunk(len(self.networks))
        shares = [len(part) / len(index) for part in parts]
        work = [(loss_of, number, part, share) for number, (part, share) in enumerate(zip(parts, shares, strict=True))]
        waiting = [self._threads.submit(self._part, *one) for one in work[1:]] if self._threads else []
        losses = [self._part(*work[0]), *(one.result() for one in waiting)]
        for twin in self.parameters[1 : len(parts)]:
            for mine, its in zip(self.parameters[0], twin, strict=True):
                if its.grad is not None:
                    mine.grad = its.grad if mine.grad is None else mine.grad.add_(its.grad)
        return torch.stack(losses).sum()

    def _part(self, loss_of: LossOf, number: int, index: Tensor, share: float) -> Tensor:
        for parameter in self.parameters[number]:
            parameter.grad = None
        loss = share * loss_of(self.networks[number], index)
        loss.backward()
        return loss.detach()

    def train(self) -> None:
        for network in self.networks:
            network.train()

    def close(self) -> None:
        if self._threads:
            self._threads.shutdown()


def _twin(network: nn.Module) -> nn.Module:
    twin = copy.deepcopy(network)
    for mine, its in zip(network.parameters(), twin.parameters(), strict=True):
        its.data = mine.data
    return twin
