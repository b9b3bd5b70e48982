"""How many channels each group keeps: the same share, the weakest anywhere, the widths named by hand. numpy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .catalog_knobs import parse_widths
from .errors import KnobError
from .records import KnobValue

Scores = Mapping[str, np.ndarray]
"""Importance of each channel, by the name of its group; comparable between groups."""

FLOOR = 0.1
"""Share of its channels every group keeps under global allocation, so that no layer dies."""


def by_hand(sizes: Mapping[str, int], text: str) -> dict[str, int]:
    """The named widths; a group that is not named keeps its size. `KnobError` for a width that cannot be."""
    named = parse_widths(text)
    wrong = [f"{name}:{width}" for name, width in named.items() if not 1 <= width <= sizes.get(name, 0)]
    if wrong:
        raise KnobError(
            "This model has no such widths.",
            given=", ".join(wrong),
            allowed="widths from 1 to the group's size: " + ", ".join(f"{n} {size}" for n, size in sizes.items()),
        )
    return {**sizes, **named}


def by_share(scores: Scores, knobs: Mapping[str, KnobValue], labels: Mapping[str, str]) -> dict[str, int]:
    """Widths after the share `sparsity` of all channels is gone, rounded; share 0 keeps everything.

    Raises `KnobError`, with the group's label, if a group would be left empty.
    """
    share, sizes = float(knobs["sparsity"]), {name: len(values) for name, values in scores.items()}
    if share == 0:
        return sizes
    wished = _uniform(sizes, share) if knobs["allocation"] == "uniform" else _global(scores, share)
    widths = {name: _round(width, int(knobs["round_to"]), sizes[name]) for name, width in wished.items()}
    empty = {labels[name]: sizes[name] for name, width in widths.items() if width < 1}
    if empty:
        raise _left_empty(empty, share)
    return widths


def _uniform(sizes: Mapping[str, int], share: float) -> dict[str, int]:
    return {name: _keep(size, share) for name, size in sizes.items()}


def _global(scores: Scores, share: float) -> dict[str, int]:
    """Rank the channels of all groups together; floors are kept first."""
    floors = {name: max(1, round(FLOOR * len(values))) for name, values in scores.items()}
    total = sum(len(values) for values in scores.values())
    budget = max(_keep(total, share) - sum(floors.values()), 0)
    rest = [(score, name) for name, values in scores.items() for score in np.sort(values)[::-1][floors[name] :]]
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


def _left_empty(empty: Mapping[str, int], share: float) -> KnobError:
    smallest = min(empty.values())
    most = np.floor(100 * (1 - 0.5 / smallest)) / 100
    return KnobError(
        f"This sparsity would leave nothing of {min(empty, key=empty.__getitem__)}.",
        given=f"sparsity={share:g} of a width of {smallest}",
        allowed=f"sparsity from 0 to {most:g} for this model",
        remedy="Lower the sparsity, or choose a wider model.",
    )
