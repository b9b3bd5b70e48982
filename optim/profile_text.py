"""A profile in words and as a plain object: what `profile` prints. Fractions are from 0 to 1, times in milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import catalog, estimate, profiles, time_words, views, words
from .profiles import PRECISIONS, Precision, Profile, Staircase

Json = dict[str, Any]


def profile_object(profile: Profile, home: Path) -> Json:
    """Every measured number, the edges, and how far estimates were off on plans left out. Other programs read it."""
    place = profiles.folder(home, profile.dataset, profile.model, profile.width)
    return {
        "dataset": profile.dataset,
        "model": profile.model,
        "width": profile.width,
        "fingerprint": views.fingerprint_object(profile.fingerprint),
        "profile_s": profile.seconds,
        "made_at": profile.made_at,
        "dense": {
            "fp32_ms": profile.dense_fp32_ms.model_dump(),
            "int8_ms": profile.dense_int8_ms.model_dump(),
            "metric": catalog.dataset(profile.dataset).metric,
            "accuracy": profile.dense_accuracy.model_dump(),
        },
        "groups": [_group(profile, group) for group in profile.groups],
        "timed_plans": len(profile.joint),
        "estimate_error": {side: estimate.typical_error(profile, side) for side in PRECISIONS},
        "disturbed": profile.disturbed,
        "file": str(place / f"{profile.fingerprint.id}.json"),
    }


def _group(profile: Profile, group: Staircase) -> Json:
    return {
        **group.model_dump(mode="json"),
        "edges": {side: list(estimate.edges(profile, group.name, side)) for side in PRECISIONS},
    }


def text(profile: Profile) -> str:
    """A few lines a person can read: what is dense, and where each group's staircase pays."""
    off = " and ".join(f"{words.percent(estimate.typical_error(profile, p))} ({p.upper()})" for p in PRECISIONS)
    data = catalog.dataset(profile.dataset)
    times = ", ".join(f"{time_words.ms(profile.dense_ms(p).value)} as {p.upper()}" for p in PRECISIONS)
    right = words.score(profile.dense_accuracy, data)
    lines = [
        f"{profile.model} x{profile.width:g} on {profile.dataset}: {times}, {right}",
        f"Measured in {words.duration(profile.seconds)}. On plans left out, estimates are typically off by {off}.",
    ]
    for group in profile.groups:
        lines.append(f"{group.label}, width {group.size}")
        lines += [f"  {side.upper()} pays at {_steps(profile, group, side)}" for side in PRECISIONS]
    if profile.disturbed:
        lines.append(f"Other load disturbed {profile.disturbed} sessions of timing: measure again with --again.")
    return "\n".join(lines)


def _steps(profile: Profile, group: Staircase, precision: Precision) -> str:
    """`64 (0.317 ms), 48 (98.2 µs)`: from wide to narrow."""
    times = dict(zip(group.widths, group.times(precision), strict=True))
    longest = max(time.value for time in times.values())
    paying = sorted(estimate.edges(profile, group.name, precision), reverse=True)
    return ", ".join(f"{width} ({time_words.short_time(times[width].value, longest)})" for width in paying)
