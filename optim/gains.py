"""What the pruning of each channel group bought, as a run with a profiled model reports it."""

from __future__ import annotations

from collections.abc import Sequence

from . import time_words, words
from .results import Group

MEANING = (
    "Time bought is an estimate and not measured: what giving that group its width back, and no other, would cost "
    "by the profile, with its 95 % band. A layer costs by two groups, so these do not add up to the whole gain."
)


def rows(groups: Sequence[Group]) -> list[dict[str, str]]:
    """The narrowed groups, those that bought most first; empty for a run that made no such report."""
    told = [group for group in groups if group.bought_ms is not None]
    return [
        {
            "group": group.label,
            "width": f"{group.before} to {group.after}",
            "time bought, estimated": _time(group),
            "importance lost": words.percent(group.importance_lost or 0.0),
        }
        for group in sorted(told, key=lambda group: -(group.bought_ms or 0.0))
    ]


def lines(groups: Sequence[Group]) -> list[str]:
    """The same for a terminal; each line says that it is an estimate."""
    return [
        f"bought      {one['group']}, {one['width']}: {one['time bought, estimated']} (estimated, not measured), "
        f"for {one['importance lost']} of importance"
        for one in rows(groups)
    ]


def _time(group: Group) -> str:
    """Milliseconds with their band, which a run made before bands were kept does not have."""
    ms, half = group.bought_ms or 0.0, group.bought_half_ms
    told = f"costs about {time_words.ms(-ms)}" if ms < 0 else f"about {time_words.ms(ms)}"
    if half is None:
        return told
    low, high = (time_words.ms_alone(abs(ms) + off) for off in (-half, half))
    return f"{told} ({low} to {high})"
