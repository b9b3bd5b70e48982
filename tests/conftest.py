"""Every test has a data folder of its own, and no driver outlives the test that started it.

The suite also has a temporary folder of its own, and so a machine's lock of its own: it does not wait for the training
runs of an app that is in use, nor they for it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # one core each: read by torch and numpy when they are loaded
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import psutil
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine


@pytest.fixture(autouse=True, scope="session")
def own_temporary_folder(tmp_path_factory):
    tmp_path_factory.getbasetemp()  # pytest's own stays where it is
    with tempfile.TemporaryDirectory(prefix="paretoscope-tests-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(autouse=True, scope="session")
def no_power_cut():
    """Nothing waits for the disk in the tests' own process: a fifth of what those of the store and the search took.

    What is whole or missing when a process dies does not depend on it; only a machine that loses power would tell.
    """

    def settings(connection, _):
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda number: None)
        yield
    event.remove(Engine, "connect", settings)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty PARETOSCOPE_HOME, also for subprocesses. Autouse: no test may touch the user's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("PARETOSCOPE_HOME", str(folder))
    yield folder
    stop_driver(folder)


@pytest.fixture(scope="session")
def templates(tmp_path_factory):
    """Exported graphs, each traced once for all tests: files of one family differ in their weights only."""
    return tmp_path_factory.mktemp("templates")


@pytest.fixture(scope="session")
def reference(tmp_path_factory, templates):
    """The dense reference of digits, made and timed once: its task and its result. Its folder stays as it is."""
    from optim import pipeline
    from tests.heavy import a_task, warmed

    task = a_task(warmed(tmp_path_factory.mktemp("reference"), templates), 1, ())
    return task, pipeline.run(task)


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
