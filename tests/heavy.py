"""Small real parts for tests of the heavy room: digits, narrow networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from optim import catalog, recipes
from optim.baseline_training import fresh
from optim.context import Context, read_splits
from optim.models.network import Network
from optim.records import Event, Project, Recipe, Task

IMAGE_MODELS = [row.name for row in catalog.MODELS.values() if "image" in row.dataset_kinds]

torch.set_num_threads(1)
"""Networks as small as these gain nothing from a second core, and wait for it wherever another process uses it."""


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


def a_task(home: Path, number: int = 1, steps: Sequence[str] = (), reference: str = "", **changes) -> Task:
    """A recipe of the cnn on digits, as the driver hands it to a worker."""
    recipe = Recipe(dataset="digits", model="cnn", steps=tuple(map(recipes.parse_step, steps)), **changes)
    folder = home / "runs" / str(number)
    folder.mkdir(parents=True)
    return Task(
        run_id=number, recipe=recipes.complete(recipe), project=Project(dataset="digits", reference="cnn:1"),
        folder=str(folder), home=str(home), reference_file=reference,
    )  # fmt: skip


def warmed(home: Path, templates: Path) -> Path:
    """The data folder, with the graphs that were traced before."""
    (home / "cache").mkdir(parents=True)
    (home / "cache" / "templates").symlink_to(templates)
    return home


def images(ctx: Context, count: int = 16) -> torch.Tensor:
    return torch.from_numpy(ctx.splits.validation.inputs[:count])
