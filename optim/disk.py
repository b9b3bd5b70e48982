"""What the data folder takes up, and emptying what can be made again. Light."""

from __future__ import annotations

import shutil
from pathlib import Path

from .errors import RequestError
from .records import State
from .store import opened


def disk_usage(home: Path) -> dict[str, int]:
    """Bytes per part of the data folder."""
    usage = {name: _size(home / name) for name in ("runs", "baselines", "cache", "profiles")}
    return {**usage, "store and logs": sum(file.stat().st_size for file in home.glob("*") if file.is_file())}


def clean(home: Path, *, ended: bool = False) -> int:
    """Empty the cache and remove leftovers; with `ended`, delete failed and cancelled runs too. Bytes freed.

    Refused while runs are live: they use the cache. What is timed once per machine (`variants.json`) stays.
    """
    store = opened(home)
    live = store.runs(states=[State.QUEUED, State.RUNNING])
    if live:
        given = f"{len(live)} live, the oldest is run {live[-1].id}"
        raise RequestError("Runs are live and use the cache.", given=given, remedy="Wait for them or cancel them.")
    before = sum(disk_usage(home).values())
    for run in store.runs(states=[State.FAILED, State.CANCELLED]) if ended else []:
        if not run.is_reference:
            store.delete(run.id)
    kept = {str(run.id) for run in store.runs()}
    leftovers = [folder for folder in (home / "runs").glob("*") if folder.is_dir() and folder.name not in kept]
    leftovers += (home / "runs").glob("*/.work-*")
    for folder in [*leftovers, *(home / "cache" / name for name in ("steps", "templates", "lessons"))]:
        shutil.rmtree(folder, ignore_errors=True)
    return before - sum(disk_usage(home).values())


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
