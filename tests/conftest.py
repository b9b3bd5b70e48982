"""Every test has a data folder of its own, and no driver outlives the test that started it.

The suite also has a temporary folder of its own, and so a machine's lock of its own: it does not wait for the training
runs of an app that is in use, nor they for it.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import psutil
import pytest


@pytest.fixture(autouse=True, scope="session")
def own_temporary_folder(tmp_path_factory):
    tmp_path_factory.getbasetemp()  # pytest's own stays where it is
    with tempfile.TemporaryDirectory(prefix="paretoscope-tests-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty PARETOSCOPE_HOME, also for subprocesses. Autouse: no test may touch the user's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("PARETOSCOPE_HOME", str(folder))
    yield folder
    stop_driver(folder)


def stop_driver(home: Path) -> None:
    """Kill the driver of this data folder and all it started."""
    try:
        pid = json.loads((home / "driver.json").read_text())["pid"]
        driver = psutil.Process(pid)
        family = [*driver.children(recursive=True), driver]
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return
    if not any("optim" in part for part in driver.cmdline()):
        return
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=5)
