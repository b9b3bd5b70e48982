"""A model's anatomy plus knobs gives widths, parameters and MACs. numpy only: pages call it, the pruner executes it.

An axis of a tensor is tied to channel groups, segment by segment. Removing a unit of a group means removing its entries
from every axis tied to the group, so residual sums, recurrent states and the classifier stay consistent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .allocate import by_hand, by_share
from .errors import KnobError
from .frozen import Record
from .knapsack import Bought, Speed, bought, within_time
from .records import KnobValue, Step

Widths = dict[str, int]
"""How many channels each group keeps."""


class ChannelGroup(Record):
    """Units that live and die together: a stage's residual sum is one group, the hidden units of an LSTM are one."""

    name: str
    label: str
    size: int
    importance: dict[str, tuple[float, ...]] = {}
    """Per method (`l1`, `l2`, `taylor`), one value per channel; larger is worth keeping."""


class Tie(NamedTuple):
    """One segment of a tensor's axis: `repeat` copies of a group's units one after another, each `each` entries long.

    A convolution's outputs are `Tie(group)`, the four gates of an LSTM `Tie(group, repeat=4)`, the rows of a matrix
    that makes attention heads of size 16 `Tie(group, each=16)`.
    """

    group: str
    repeat: int = 1
    each: int = 1


Axis = tuple[Tie, ...]
"""The segments of an axis, one after another; none: the axis stays whole, whatever is pruned."""


def entries(axis: Axis, sizes: Widths, kept: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which entries of an axis stay when the units `kept` of each group do (groups that are not named stay whole).

    >>> entries((Tie("h", repeat=2), Tie("x", each=2)), {"h": 3, "x": 1}, {"h": np.array([0, 2])}).tolist()
    [0, 2, 3, 5, 6, 7]
    """
    found, start = [], 0
    for tie in axis:
        length = sizes[tie.group] * tie.each
        units = np.asarray(kept.get(tie.group, np.arange(sizes[tie.group])))
        block = (units[:, None] * tie.each + np.arange(tie.each)).ravel()
        found += [start + copy * length + block for copy in range(tie.repeat)]
        start += length * tie.repeat
    return np.concatenate(found)


class Layer(Record):
    """What costs arithmetic: a convolution or a matrix product, its norm folded in.

    It has `kernel` weights for each pair of input and output; a matrix of an LSTM's four gates has 4.
    """

    name: str
    into: str
    """Group of its outputs; empty if they may not be pruned (the classes)."""
    out_of: str
    """Group of its inputs; empty if they may not be pruned (the pixels)."""
    outputs: int
    inputs: int
    kernel: int
    """Weights per pair of input and output unit: 9 for a 3x3 convolution, 1 for a matrix."""
    positions: int
    """How often the kernel is applied to one item: height times width of the output, or the usual length of a text; 0
    for a table that is only looked up."""
    biases: int = 1
    """Per output unit."""
    stored: bool = True
    """Whether its factors are learned values; two activations that are multiplied have none."""
    strided_positions: int = 0
    """`positions` once the first convolution takes steps of two pixels; 0 where it has none, or nobody looked."""


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
    """Learned values in the exported file: weights and biases, norms folded in."""
    macs: int
    """Multiply-accumulates for one item."""
    bought: dict[str, Bought] = {}
    """Where the speed is known: what pruning each narrowed group was good for."""


def prune_plan(anatomy: Anatomy, knobs: dict[str, KnobValue], seed: int = 0, speed: Speed | None = None) -> Plan:
    """The plan of one `prune-channels` step with these (complete) knobs; `speed` is needed for allocation=latency.

    Sparsity 0 keeps everything. Raises `KnobError` if a group would be left empty, for widths it cannot have, and
    where the importance or the speed that the knobs ask for is not known.
    """
    method = str(knobs["importance"])
    _refuse_unknown(anatomy, method)
    scores = {group.name: _scores(group, method, seed) for group in anatomy.groups}
    widths = _widths(anatomy, scores, knobs, speed)
    kept = {name: np.sort(np.argsort(-scores[name], kind="stable")[:width]) for name, width in widths.items()}
    gains = {} if speed is None else bought(_comparable(scores, method), speed, widths)
    return Plan(kept, widths, *cost(anatomy, widths), gains)


def _widths(
    anatomy: Anatomy, scores: dict[str, np.ndarray], knobs: dict[str, KnobValue], speed: Speed | None
) -> dict[str, int]:
    if knobs["allocation"] == "manual":
        return by_hand(anatomy.sizes(), str(knobs.get("widths", "")))
    values = _comparable(scores, str(knobs["importance"]))
    if knobs["allocation"] != "latency":
        return by_share(values, knobs, {group.name: group.label for group in anatomy.groups})
    if speed is None:
        raise _unprofiled(anatomy)
    return within_time(values, speed, float(knobs["latency_target"]))


def _unprofiled(anatomy: Anatomy) -> KnobError:
    named = f" --dataset {anatomy.dataset} --model {anatomy.model} --width {anatomy.width:g}" if anatomy.model else ""
    return KnobError(
        "How fast this model is at which width was not measured yet.",
        given="allocation=latency",
        allowed="uniform, global, manual until then",
        remedy=f"Profile the model first: python -m optim profile{named}",
    )


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


def strided(anatomy: Anatomy) -> Anatomy:
    """The anatomy after an `early-stride` step; `KnobError` where it is not known what that makes of it."""
    if not all(layer.strided_positions for layer in anatomy.layers):
        where = f"--dataset {anatomy.dataset} --model {anatomy.model} --width {anatomy.width:g}"
        raise KnobError(
            "What larger steps of the first convolution make of this model is not known.",
            given="early-stride",
            allowed="once, for models that begin with a convolution over pixels",
            remedy=f"If it does, measure it once: python -m optim baseline {where} --refresh",
        )
    layers = [layer.with_(positions=layer.strided_positions, strided_positions=0) for layer in anatomy.layers]
    return anatomy.with_(layers=tuple(layers))


def after(anatomy: Anatomy, steps: Sequence[Step], seed: int = 0, speed: Speed | None = None) -> Anatomy:
    """What these (complete) steps leave of it. Raises `KnobError` at the first that cannot be."""
    for place, step in enumerate(steps):
        if step.technique == "early-stride":
            if any(earlier.technique == step.technique for earlier in steps[:place]):
                raise KnobError(
                    "The first convolution takes steps of two pixels already.",
                    given="early-stride twice",
                    allowed="once",
                )
            anatomy = strided(anatomy)
        elif step.technique == "prune-channels":
            anatomy = pruned(anatomy, prune_plan(anatomy, step.knobs, seed, speed))
    return anatomy


def cost(anatomy: Anatomy, widths: dict[str, int]) -> tuple[int, int]:
    """Parameters and MACs (per item) of the network with these group widths."""
    params = macs = 0
    for layer in anatomy.layers:
        outputs = widths.get(layer.into, layer.outputs)
        weights = layer.kernel * outputs * widths.get(layer.out_of, layer.inputs)
        params += weights * layer.stored + layer.biases * outputs
        macs += weights * layer.positions
    return params, macs


def _refuse_unknown(anatomy: Anatomy, method: str) -> None:
    """An anatomy that an earlier version wrote knows fewer importances."""
    known = set.intersection(*(set(group.importance) for group in anatomy.groups))
    if method != "random" and method not in known:
        where = f"--dataset {anatomy.dataset} --model {anatomy.model} --width {anatomy.width:g}"
        raise KnobError(
            "Importance was not measured in this way for this baseline yet.",
            given=f"importance={method}",
            allowed=", ".join([*sorted(known), "random"]),
            remedy=f"Measure it once: python -m optim baseline {where} --refresh",
        )


def _scores(group: ChannelGroup, method: str, seed: int) -> np.ndarray:
    if method == "random":
        digits = [ord(letter) for letter in group.name]
        return np.random.default_rng([seed, *digits]).random(group.size)
    return np.asarray(group.importance[method], dtype=float)


def _comparable(scores: dict[str, np.ndarray], method: str) -> dict[str, np.ndarray]:
    """Values that may be ranked across groups: Taylor's as they are, all others over their group's mean."""
    if method == "taylor":
        return scores
    return {name: values / max(values.mean(), 1e-12) for name, values in scores.items()}
