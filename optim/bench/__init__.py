"""`python -m optim bench …`: each prints what it measured, on what, with its spread. No claim of speed without it.

A benchmark is a module with `main(json, **options)`. It measures, then calls `report` once.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import psutil

from ..doctor import ROOT
from ..hardware import processor_name


def report(name: str, payload: dict, json_flag: bool) -> dict:
    """Print the payload with the circumstances it was measured under; the same object is returned.

    With `json_flag` one JSON object is the only thing printed; without, the payload as indented lines.
    """
    around = circumstances()
    assert not payload.keys() & around.keys(), "a benchmark's own numbers may not be overwritten"
    whole = {"bench": name, **payload, **around}
    print(json.dumps(whole, indent=2) if json_flag else "\n".join([name, *_lines(whole, indent=1)]))
    return whole


def circumstances() -> dict:
    """Machine, threads, versions, commit and date."""
    return {
        "machine": {
            "processor": processor_name(),
            "cores": psutil.cpu_count(logical=False) or os.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
            "system": platform.platform(),
        },
        "threads": os.cpu_count(),
        "versions": _versions(),
        "commit": _commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def median_spread(values: Sequence[float]) -> dict:
    """Median, quartiles and n: `value` is the median, half of the values lie from `low` to `high`.

    >>> median_spread([1.0, 2.0, 3.0, 4.0, 5.0])
    {'value': 3.0, 'low': 2.0, 'high': 4.0, 'n': 5}
    """
    low, middle, high = (float(value) for value in np.percentile(values, [25, 50, 75]))
    return {"value": middle, "low": low, "high": high, "n": len(values)}


def p50_p95(values: Sequence[float]) -> dict:
    """Rounded to what a screen can show.

    >>> p50_p95([100.0, 110.0, 120.0])
    {'p50': 110.0, 'p95': 119.0, 'n': 3}
    """
    p50, p95 = (round(float(value), 1) for value in np.percentile(values, [50, 95]))
    return {"p50": p50, "p95": p95, "n": len(values)}


def _versions() -> dict[str, str]:
    pinned = re.findall(r"^([\w-]+)==", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in pinned}}


def _commit() -> str:
    """Short hash, with a plus sign when files differ from it; empty outside a git checkout."""
    asked = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True)
    return asked.stdout.strip()


def _lines(value: dict, indent: int) -> list[str]:
    lines = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines += ["  " * indent + key, *_lines(item, indent + 1)]
        else:
            lines.append(
                "  " * indent + f"{key:<18} {item:.4g}"
                if isinstance(item, float)
                else f"{'  ' * indent}{key:<18} {item}"
            )
    return lines
