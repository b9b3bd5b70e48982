"""Which widths a profile measures, and the random plans that estimates are fitted to and checked on. Light."""

from __future__ import annotations

import numpy as np

FINE, STEPS = 4, 8
"""Widths are `FINE` apart at first; the distance doubles after every `STEPS` of them."""
SHARES = (0.75, 0.5, 0.25)
"""What uniform pruning leaves: the plans that a sparsity slider asks for."""
SCORED_SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 7 / 8, 1)
LEAST_SHARE = 0.1


def stair_widths(size: int) -> tuple[int, ...]:
    """Widths of one group at which it is measured, ascending: fine where it is narrow, the dense width last.

    >>> stair_widths(32)
    (2, 4, 8, 12, 16, 20, 24, 28, 32)
    >>> stair_widths(64)
    (2, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64)
    """
    found, width, step = {2}, 0, FINE
    while width + step < size:
        width += step
        found.add(width)
        if width == STEPS * step:
            step *= 2
    return tuple(sorted({one for one in found if one < size} | {size}))


def scored_widths(size: int) -> tuple[int, ...]:
    """Widths of one group at which it is pruned and scored: scoring takes longer than timing, and its curve is smooth.

    >>> scored_widths(64)
    (4, 8, 16, 32, 48, 56, 64)
    """
    return tuple(sorted({max(round(share * size), 1) for share in SCORED_SHARES}))


def odd_widths(size: int) -> tuple[int, ...]:
    """Two widths that fit no block of channels: what rounding is worth is seen there.

    >>> odd_widths(64), odd_widths(8)
    ((37, 59), (5, 7))
    """
    return tuple(sorted({min(round(share * size) | (size > FINE), size - 1) for share in (0.58, 0.9)} - {0}))


def random_plans(sizes: dict[str, int], count: int, seed: int) -> list[dict[str, int]]:
    """Plans of every group's width: the first half on multiples of 8 (4 in narrow groups), the others any number.

    Each width is drawn evenly from a tenth of the group up to all of it.
    """
    random = np.random.default_rng(seed)
    return [
        {name: _draw(size, random, rounded=number < (count + 1) // 2) for name, size in sizes.items()}
        for number in range(count)
    ]


def uniform_plans(sizes: dict[str, int]) -> list[dict[str, int]]:
    """The same share of every group stays."""
    return [{name: max(round(share * size), 1) for name, size in sizes.items()} for share in SHARES]


def _draw(size: int, random: np.random.Generator, *, rounded: bool) -> int:
    width = int(random.integers(max(round(LEAST_SHARE * size), 1), size + 1))
    block = 1 if not rounded else 4 if size <= 4 * STEPS else 8
    return min(max(round(width / block) * block, min(block, size)), size)
