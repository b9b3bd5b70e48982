"""Small real parts for tests of text: names, narrow networks, no training."""

from __future__ import annotations

from pathlib import Path

import torch

from optim import catalog
from optim.baseline_training import fresh
from optim.context import Context, read_splits
from optim.models.network import Network
from optim.records import Event

TEXT_MODELS = [name for name, row in catalog.MODELS.items() if "text" in row.dataset_kinds]


def a_text_context(home: Path, model: str = "lstm", **changes) -> Context:
    """Names on the CPU; `ctx.events` collects what is reported."""
    events: list[Event] = []
    row = catalog.dataset("names")
    ctx = Context(row, read_splits("names"), home, report=events.append, model=catalog.model(model), **changes)
    ctx.events = events  # type: ignore[attr-defined]
    return ctx


def a_text_network(ctx: Context, model: str, width: float = 0.25, *, lively: bool = True) -> Network:
    """Untrained, in evaluation mode; `lively`: with scales and biases that matter."""
    network = fresh("names", model, width, ctx)
    if not lively:
        return network.eval()
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in network.parameters():
            if tensor.ndim == 1:
                tensor.uniform_(0.5, 1.5, generator=random)
    return network.eval()


def names(ctx: Context, count: int = 16) -> torch.Tensor:
    """(count, 24), padded with 0."""
    return torch.from_numpy(ctx.splits.validation.inputs[:count])
