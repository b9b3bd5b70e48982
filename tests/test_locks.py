"""The machine's lock: many may train at once, who times is alone, and who dies lets go."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from optim import locks
from optim.errors import Cancelled

HOLD = """
import sys
from pathlib import Path
from optim import locks
locks.lock_path = lambda: Path(sys.argv[1])
with getattr(locks, sys.argv[2])():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    """A lock of the test's own: the real one is in use where other runs are."""
    found = tmp_path / "machine.lock"
    monkeypatch.setattr(locks, "lock_path", lambda: found)
    return found


def held_elsewhere(path, name):
    command = [sys.executable, "-c", HOLD, str(path), name]
    holder = subprocess.Popen(
        command, cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    return holder


def give_up():
    raise Cancelled("no longer wanted")


def test_many_train_at_once_and_one_times_after_them():
    order = []

    def measure():
        with locks.measuring_lock():
            order.append("timed")

    with locks.training_lock(), locks.training_lock():
        timing = threading.Thread(target=measure)
        timing.start()
        time.sleep(0.2)
        order.append("trained")
    timing.join()
    assert order == ["trained", "timed"]


@pytest.mark.parametrize("other", ["training_lock", "measuring_lock"])
def test_who_times_waits_for_other_processes_and_can_give_up(path, other):
    holder = held_elsewhere(path, other)
    with pytest.raises(Cancelled), locks.measuring_lock(give_up):
        raise AssertionError("it is held")
    holder.communicate("")
    with locks.measuring_lock(give_up):
        pass


def test_a_killed_holder_lets_go(path):
    holder = held_elsewhere(path, "measuring_lock")
    holder.kill()
    holder.communicate()
    with locks.measuring_lock(give_up):
        pass


def test_each_user_has_a_file_of_their_own(monkeypatch):
    monkeypatch.undo()
    assert locks.lock_path().parent.name.startswith("paretoscope-")
