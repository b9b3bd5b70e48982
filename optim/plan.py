"""A model's anatomy plus knobs gives widths, parameters and MACs. numpy only: pages call it, the pruner executes it.

An anatomy says which axis of which tensor belongs to which channel group. Removing a channel of a group means
removing that index from every axis tied to the group, so residual sums and the classifier stay consistent.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .catalog_knobs import parse_widths
from .errors import KnobError
from .records import KnobValue, Record


class ChannelGroup(Record):
    """Channels that live and die together (a stage's residual sum is one group)."""

    name: str
    label: str
    size: int
    importance: dict[str, tuple[float, ...]] = {}
    """Per method (`l1`, `l2`), one value per channel; larger is worth keeping."""


class Layer(Record):
    """One layer that costs arithmetic: a convolution or a matrix product, its batch norm folded in."""

    name: str
    into: str
    """Group of its outputs; empty if they may not be pruned (the classes)."""
    out_of: str
    """Group of its inputs; empty if they may not be pruned (the pixels)."""
    outputs: int
    inputs: int
    kernel: int
    """Weights per pair of input and output channel: 9 for a 3x3 convolution, 1 for a matrix."""
    positions: int
    """How often the kernel is applied to one item: height times width of the output."""


class Anatomy(Record):
    """What `plan` needs to know of a network; the heavy room writes it beside each baseline."""

    dataset: str
    model: str
    width: float
    groups: tuple[ChannelGroup, ...]
    layers: tuple[Layer, ...]

    def sizes(self) -> dict[str, int]:
        return {group.name: group.size for group in self.groups}


class Plan(NamedTuple):
    """Which channels stay, and what the network then weighs."""

    kept: dict[str, np.ndarray]
    """Per group the sorted indices that stay."""
    widths: dict[str, int]
    params: int
    """Learned values in the exported file: weights and one bias per output, batch norm folded in."""
    macs: int
    """Multiply-accumulates for one item."""


def prune_plan(anatomy: Anatomy, knobs: dict[str, KnobValue], seed: int = 0) -> Plan:
    """The plan of one `prune-channels` step with these (complete) knobs.

    Sparsity 0 keeps everything. Raises `KnobError` if a group would be left empty, or for widths it cannot have.
    """
    scores = {group.name: _scores(group, str(knobs["importance"]), seed) for group in anatomy.groups}
    if knobs["allocation"] == "manual":
        widths = _manual(anatomy, parse_widths(str(knobs.get("widths", ""))))
    else:
        widths = _by_share(anatomy, scores, knobs)
    kept = {name: np.sort(np.argsort(-scores[name], kind="stable")[:width]) for name, width in widths.items()}
    return Plan(kept, widths, *cost(anatomy, widths))


def pruned(anatomy: Anatomy, plan: Plan) -> Anatomy:
    """The anatomy that is left; importances are those from before, which training on will change."""
    groups = [
        group.with_(
            size=plan.widths[group.name],
            importance={
                method: tuple(np.asarray(values)[plan.kept[group.name]]) for method, values in group.importance.items()
            },
        )
        for group in anatomy.groups
    ]
    layers = [
        layer.with_(
            outputs=plan.widths.get(layer.into, layer.outputs), inputs=plan.widths.get(layer.out_of, layer.inputs)
        )
        for layer in anatomy.layers
    ]
    return anatomy.with_(groups=tuple(groups), layers=tuple(layers))


def cost(anatomy: Anatomy, widths: dict[str, int]) -> tuple[int, int]:
    """Parameters and MACs (per item) of the network with these group widths."""
    params = macs = 0
    for layer in anatomy.layers:
        outputs = widths.get(layer.into, layer.outputs)
        weights = layer.kernel * outputs * widths.get(layer.out_of, layer.inputs)
        params += weights + outputs
        macs += weights * layer.positions
    return params, macs


def _scores(group: ChannelGroup, method: str, seed: int) -> np.ndarray:
    if method == "random":
        digits = [ord(letter) for letter in group.name]
        return np.random.default_rng([seed, *digits]).random(group.size)
    return np.asarray(group.importance[method], dtype=float)


def _manual(anatomy: Anatomy, named: dict[str, int]) -> dict[str, int]:
    """The named widths; a group that is not named keeps its size."""
    sizes = anatomy.sizes()
    wrong = [f"{name}:{width}" for name, width in named.items() if not 1 <= width <= sizes.get(name, 0)]
    if wrong:
        raise KnobError(
            "This model has no such widths.",
            given=", ".join(wrong),
            allowed="channels from 1 to the group's size: " + ", ".join(f"{n} {size}" for n, size in sizes.items()),
        )
    return {**sizes, **named}


def _by_share(anatomy: Anatomy, scores: dict[str, np.ndarray], knobs: dict[str, KnobValue]) -> dict[str, int]:
    """Widths after a share of all channels is gone, rounded; share 0 keeps everything."""
    share, sizes = float(knobs["sparsity"]), anatomy.sizes()
    if share == 0:
        return sizes
    allocate = _uniform if knobs["allocation"] == "uniform" else _global
    widths = {
        name: _round(width, int(knobs["round_to"]), sizes[name])
        for name, width in allocate(anatomy, scores, share).items()
    }
    _refuse_empty(anatomy, widths, share)
    return widths


def _uniform(anatomy: Anatomy, scores: dict[str, np.ndarray], share: float) -> dict[str, int]:
    return {group.name: _keep(group.size, share) for group in anatomy.groups}


FLOOR = 0.1
"""Share of its channels every group keeps under global allocation, so that no layer dies."""


def _global(anatomy: Anatomy, scores: dict[str, np.ndarray], share: float) -> dict[str, int]:
    """Rank all channels of all groups by importance relative to their group's mean; floors are kept first."""
    floors = {g.name: max(1, round(FLOOR * g.size)) for g in anatomy.groups}
    total = sum(group.size for group in anatomy.groups)
    budget = max(_keep(total, share) - sum(floors.values()), 0)
    rest = [
        (score / max(scores[g.name].mean(), 1e-12), g.name)
        for g in anatomy.groups
        for score in np.sort(scores[g.name])[::-1][floors[g.name] :]
    ]
    rest.sort(key=lambda pair: -pair[0])
    widths = dict(floors)
    for _, name in rest[:budget]:
        widths[name] += 1
    return widths if _keep(total, share) > 0 else dict.fromkeys(widths, 0)


def _keep(size: int, share: float) -> int:
    return int(np.floor((1 - share) * size + 0.5 + 1e-9))


def _round(width: int, multiple: int, size: int) -> int:
    """Nearest multiple (at least one), never more than there are."""
    if multiple == 1 or width == 0:
        return width
    return min(max(multiple, int(np.floor(width / multiple + 0.5)) * multiple), size)


def _refuse_empty(anatomy: Anatomy, widths: dict[str, int], share: float) -> None:
    empty = [group for group in anatomy.groups if widths[group.name] < 1]
    if empty:
        smallest = min(group.size for group in empty)
        most = np.floor(100 * (1 - 0.5 / smallest)) / 100
        raise KnobError(
            f"This sparsity would leave {empty[0].label} without channels.",
            given=f"sparsity={share:g} of {smallest} channels",
            allowed=f"sparsity from 0 to {most:g} for this model",
            remedy="Lower the sparsity, or choose a wider model.",
        )
