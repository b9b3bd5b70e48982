"""Under which conditions runs were timed, and the runs as they were timed under them."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from functools import cache
from importlib import metadata

import psutil

from .hardware import governor, processor_name
from .records import Run
from .results import Fingerprint

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
OPTIONS = {"session.intra_op.allow_spinning": "0"}
"""Two sessions are timed in turns: threads of the one must not spin while the other is called."""
LEVEL = "ORT_ENABLE_ALL"


def here(*, device: str, threads: int, batch: int, torch_version: str = "") -> Fingerprint:
    """The conditions of a measurement on this machine now, told without loading ONNX Runtime."""
    return Fingerprint(
        processor=processor_name(),
        cores=psutil.cpu_count() or 1,
        onnxruntime=_version("onnxruntime-gpu") or _version("onnxruntime"),
        provider=PROVIDERS[device],
        provider_options=OPTIONS,
        threads=threads,
        batch=batch,
        optimization_level=LEVEL,
        python=platform.python_version(),
        torch=torch_version,
        governor=governor(),
        system=f"{platform.system()} {platform.release()}",
    )


@cache
def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


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
