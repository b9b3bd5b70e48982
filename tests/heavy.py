"""Small real parts for tests of the heavy room: digits, narrow networks."""

from __future__ import annotations

from pathlib import Path

import torch

from optim import catalog
from optim.baseline_training import fresh
from optim.context import Context, read_splits
from optim.models.network import Network
from optim.records import Event


def a_context(home: Path, **changes) -> Context:
    """Digits on the CPU; `ctx.events` collects what is reported."""
    events: list[Event] = []
    ctx = Context(catalog.dataset("digits"), read_splits("digits"), home, report=events.append, **changes)
    ctx.events = events  # type: ignore[attr-defined]
    return ctx


def a_network(ctx: Context, model: str = "cnn", width: float = 0.5, *, lively: bool = True) -> Network:
    """Untrained, in evaluation mode; `lively` batch norms have statistics and scales that matter."""
    network = fresh("digits", model, width, ctx)
    if lively:
        random = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for name, tensor in network.state_dict().items():
                if "norm" in name and tensor.is_floating_point():
                    tensor.uniform_(0.5, 1.5, generator=random)
    return network.eval()


def images(ctx: Context, count: int = 16) -> torch.Tensor:
    return torch.from_numpy(ctx.splits.validation.images[:count])
