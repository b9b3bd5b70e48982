"""Under which conditions runs were timed, and the runs as they were timed under them."""

from __future__ import annotations

from collections.abc import Sequence

from .records import Fingerprint, Run


def machines(runs: Sequence[Run]) -> dict[str, Fingerprint]:
    """The conditions under which these runs were timed, the most used first, then the most used last.

    A run counts under each. Times of different ones never join.
    """
    counts: dict[str, tuple[int, int]] = {}
    prints: dict[str, Fingerprint] = {}
    for run in runs:
        known = (run.fingerprint, *(one.fingerprint for one in run.earlier))
        for place, mark in enumerate(known):
            if mark is not None:
                used, last = counts.get(mark.id, (0, 0))
                counts[mark.id] = (used + 1, last + (place == 0))
                prints[mark.id] = mark
    return {key: prints[key] for key in sorted(counts, key=lambda k: counts[k], reverse=True)}


def under(runs: Sequence[Run], fingerprint_id: str) -> tuple[Run, ...]:
    """The runs that were timed under these conditions, each with its newest time there."""
    return tuple(found for run in runs if (found := run.under(fingerprint_id)) is not None)
