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
    holder = held_later(path, name)
    assert holder.stdout.readline() == "held\n"
    return holder


def held_later(path, name="measuring_lock"):
    command = [sys.executable, "-c", HOLD, str(path), name]
    return subprocess.Popen(
        command, cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


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


class Turn:
    """A clock that says that it is time to look at the door."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 2 * locks.LOOK_SECONDS
        return self.now


def train(stop, seen, held):
    """Batches until `stop`; `seen` collects what `waiting` was called for."""
    with locks.training_lock() as give_way:
        give_way.clock, give_way.looked_at = Turn(), 0.0
        held.set()
        while not stop.is_set():
            give_way(lambda: seen.append("paused"))
            seen.append("batch")
            time.sleep(0.001)


def test_who_times_gets_in_between_two_batches_of_every_training():
    stop, logs, threads = threading.Event(), [[], [], []], []
    for seen in logs:
        held = threading.Event()
        threads.append(threading.Thread(target=train, args=(stop, seen, held)))
        threads[-1].start()
        assert held.wait(10)
    for _ in range(3):
        with locks.measuring_lock():
            before = [len(seen) for seen in logs]
            time.sleep(0.05)
            assert [len(seen) for seen in logs] == before, "nobody trains while somebody times"
        time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join()
    assert all("paused" in seen and seen[-1] == "batch" for seen in logs)


def test_a_training_looks_at_the_door_only_now_and_then(monkeypatch):
    looked = []
    monkeypatch.setattr(locks, "_door_is_closed", lambda: looked.append(1))
    with locks.training_lock() as give_way:
        clock = Turn()
        give_way.clock, give_way.looked_at = (lambda: clock.now), 0.0
        for clock.now in (0.0, 0.5 * locks.LOOK_SECONDS, 1.1 * locks.LOOK_SECONDS, 1.2 * locks.LOOK_SECONDS):
            assert give_way() == 0
    assert len(looked) == 1


def until_the_door_is_closed():
    deadline = time.monotonic() + 20
    while not locks._door_is_closed() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_the_seconds_given_away_are_told(path):
    with locks.training_lock() as give_way:
        give_way.clock, give_way.looked_at = Turn(), 0.0
        assert give_way() == 0
        holder = held_later(path)
        until_the_door_is_closed()
        threading.Timer(0.3, holder.stdin.close).start()
        assert give_way() > 0
        assert holder.stdout.readline() == "held\n"
    assert holder.wait() == 0
    holder.stdout.close()


def train_and_give_up(path, holders):
    with locks.training_lock() as give_way:
        give_way.clock, give_way.looked_at = Turn(), 0.0
        holders.append(held_later(path))
        until_the_door_is_closed()
        give_way(give_up)


def test_a_paused_training_can_be_given_up_and_then_stands_in_nobodys_way(path):
    holders = []
    with pytest.raises(Cancelled):
        train_and_give_up(path, holders)
    assert holders[0].stdout.readline() == "held\n"
    holders[0].communicate("")


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
