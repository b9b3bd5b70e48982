"""Small real parts for tests of recommenders: MovieLens as it is, narrow networks whose every weight matters."""

from __future__ import annotations

from pathlib import Path

import torch

from optim import catalog
from optim.baseline_training import fresh
from optim.context import Context, read_splits
from optim.models.network import Network

DATA = "movielens-small"
MODELS = [row.name for row in catalog.MODELS.values() if "recommendation" in row.dataset_kinds]

torch.set_num_threads(1)


def a_context(home: Path, model: str = "matrix-factorization", **changes) -> Context:
    return Context(catalog.dataset(DATA), read_splits(DATA), home, model=catalog.model(model), **changes)


def a_recommender(ctx: Context, model: str, width: float = 0.25) -> Network:
    """Untrained, in evaluation mode, with weights large enough to tell one user from another."""
    network = fresh(DATA, model, width, ctx)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.ndim:
                tensor.normal_(std=0.5, generator=random)
    return network.eval()


def users(ctx: Context, count: int = 8) -> torch.Tensor:
    return torch.from_numpy(ctx.splits.validation.inputs[:count])
