"""Where the user's data lies: one folder, `PARETOSCOPE_HOME`, that may be moved and deleted as a whole."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "assets"
"""What is shipped: data, baselines, example runs."""


def home_dir(override: str | Path | None = None) -> Path:
    """`--home`, else `PARETOSCOPE_HOME`, else `~/.paretoscope`; absolute, not necessarily there yet."""
    chosen = override or os.environ.get("PARETOSCOPE_HOME") or Path.home() / ".paretoscope"
    return Path(chosen).expanduser().absolute()


def home_option(home: Path) -> str:
    """What a command needs to find this folder again: nothing where it is the usual one."""
    return "" if home == home_dir() else f" --home {shlex.quote(str(home))}"


def run_folder(home: Path, run_id: int) -> Path:
    """Where a run's events, log and files lie. Ids are whole numbers made by the store, never text from outside."""
    return home / "runs" / str(int(run_id))


def shipped_file(name: str) -> Path:
    """An example's file: names in the list of examples are relative to its folder."""
    return ASSETS / "examples" / name
