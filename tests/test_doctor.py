"""Every line of the machine's check is a fact, and says what to do when it is not ok."""

from __future__ import annotations

import shutil
import sys
from importlib import metadata

import pytest

from optim import doctor
from optim.errors import StoreError
from optim.store import Store
from tests import factories


def broken(lines):
    return {line.name: line for line in lines if not line.ok}


def test_this_machine(home, monkeypatch):
    monkeypatch.setattr(doctor, "BUSY_PERCENT", 100.0)
    lines = doctor.check(home)
    assert len({line.name for line in lines}) == len(lines) >= 12
    assert all(line.fact for line in lines)
    assert all(bool(line.remedy) is not line.ok for line in lines)
    assert not set(broken(lines)) & {
        "Python",
        "Packages",
        "Data folder",
        "Store",
        "PyTorch",
        "ONNX Runtime",
        "Data sets",
    }


def test_a_missing_and_an_older_package(monkeypatch):
    found = {"torch": "2.13.0+cpu", "numpy": "1.0"}

    def version(name):
        if name == "onnx":
            raise metadata.PackageNotFoundError
        return found.get(name) or real(name)

    real = metadata.version
    monkeypatch.setattr("optim.doctor.importlib.metadata.version", version)
    line = doctor.packages()
    assert not line.ok
    assert "numpy 1.0 instead of" in line.fact
    assert "onnx missing" in line.fact
    assert "torch" not in line.fact
    assert line.remedy == "Run: pip install -r requirements.txt"


def test_a_data_folder_that_is_a_file(tmp_path):
    (tmp_path / "home").write_text("")
    lines = list(doctor.storage(tmp_path / "home"))
    assert [line.ok for line in lines] == [False]
    assert "PARETOSCOPE_HOME" in lines[0].remedy


def test_a_store_that_cannot_be_used(home, monkeypatch):
    def refuse(_):
        raise StoreError("This data folder was written by a newer Paretoscope.", remedy="Update it.")

    monkeypatch.setattr("optim.store.Store", refuse)
    assert doctor.store(home) == ("Store", False, "This data folder was written by a newer Paretoscope.", "Update it.")


def test_damaged_data(tmp_path, monkeypatch):
    (tmp_path / "assets/data").mkdir(parents=True)
    (tmp_path / "assets/data/README.md").write_text(f"## clothes.npz (1 MB)\nSHA-256: `{'0' * 64}`\n")
    (tmp_path / "assets/data/clothes.npz").write_bytes(b"short")
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    assert "clothes.npz" in doctor.data().fact
    assert doctor.data().remedy
    assert doctor.baselines().fact == "none"


@pytest.mark.parametrize("interpreter", [shutil.which("false"), sys.executable])
def test_a_heavy_room_that_does_not_start(interpreter, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr("optim.doctor.sys.executable", interpreter)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (line,) = doctor.heavy()
    assert not line.ok
    assert line.fact
    assert line.remedy


def test_no_loopback(monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("not allowed here")

    monkeypatch.setattr("optim.doctor.socket.create_server", refuse)
    assert doctor.loopback().fact == "not allowed here"
    assert not doctor.loopback().ok


def test_a_busy_machine(monkeypatch):
    monkeypatch.setattr(doctor, "_read", lambda path: "some avg10=61.5 avg60=1.00 avg300=0.1 total=1")
    line = doctor.load()
    assert not line.ok
    assert "62 %" in line.fact


def test_runs_that_wait_for_a_driver_that_is_not_there_are_told_with_the_remedy(home):
    store = Store(home)
    assert doctor.driver(home).ok
    store.submit(factories.a_recipe("quantize-int8"), store.project("fashion-mnist", default_reference="resnet8:2"))
    told = doctor.driver(home)
    assert not told.ok and "2 runs" in told.fact and "python -m optim serve" in told.remedy
