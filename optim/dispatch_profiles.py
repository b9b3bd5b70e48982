"""The driver's side of profiles: gives a waiting request to a free worker, one at a time, and tidies up after it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from distributed import Future, KilledWorker

from .atomic import write_text
from .lost import ATTEMPTS, Absence
from .pool import kill_family
from .profile_jobs import waiting
from .profiles import ProfileAsk
from .records import Event
from .results import Failure

GRACE_SECONDS = 3.0
"""How long a cancelled measuring may take to stop by itself: it looks between two files."""


class Workers(Protocol):
    def profile(self, name: int, ask: ProfileAsk) -> Future: ...
    def pid(self, name: int) -> int: ...


class Profiling:
    """`lent`: the worker that measures a profile just now, which gets no run; None if there is none."""

    def __init__(self, home: Path, pool: Workers, say: Callable[[str], None]) -> None:
        self.home, self.pool, self.say = home, pool, say
        self.lent: int | None = None
        self.ask: ProfileAsk | None = None
        self.future: Future | None = None
        self.pid = self.dead_pid = 0
        self.kill_at: float | None = None
        self.absence = Absence()

    def asked(self) -> bool:
        """Whether somebody waits for a profile."""
        return any(one.state != "failed" for one in waiting(self.home))

    def start(self, name: int) -> bool:
        """Give this free worker the oldest request; False if there is none, or one is under way."""
        found = None if self.lent is not None else next((s for s in waiting(self.home) if s.state != "failed"), None)
        if found is None or self.pool.pid(name) in {0, self.dead_pid}:
            return False
        ask = found.ask.with_(attempt=found.ask.attempt + 1, home=str(self.home))
        folder = ask.folder
        (folder / "cancel").unlink(missing_ok=True)
        write_text(folder / "ask.json", ask.to_json())
        write_text(folder / "progress.json", Event(time=time.time(), stage="", message="starting").to_json())
        self.ask, self.lent, self.pid = ask, name, self.pool.pid(name)
        self.future = self.pool.profile(name, ask)
        self.say(f"Profile of {ask.model} x{ask.width:g} on {ask.dataset} started")
        return True

    def look_after(self) -> None:
        """Has it ended, is it to be stopped, is the worker still there?"""
        if self.ask is None or self.future is None or self.lent is None:
            return
        if self.future.done():
            self._end(self.ask, self.future)
        elif self.absence.is_long(there=self.pool.pid(self.lent) == self.pid):
            self._gone(self.ask, self.future)
        elif self.kill_at is not None and time.monotonic() > self.kill_at:
            self._kill(self.ask, self.future)
        elif self.kill_at is None and (self.ask.folder / "cancel").exists():
            self.kill_at = time.monotonic() + GRACE_SECONDS

    def put_back(self) -> None:
        """The driver leaves: the request waits for the next one."""
        if self.ask is not None:
            kill_family(self.pid)
            self._again(self.ask, counted=False)

    def _end(self, ask: ProfileAsk, future: Future) -> None:
        error = future.exception() if future.status == "error" else None
        if future.status == "finished":
            answer = future.result()
            failure = Failure.from_json(answer["failure"]) if "failure" in answer else None
            self._close(ask, failure)
        elif error is None or isinstance(error, KilledWorker):
            self._gone(ask, future)
        else:
            self._close(ask, Failure(kind=type(error).__name__, reason=str(error) or "The worker stopped."))

    def _kill(self, ask: ProfileAsk, future: Future) -> None:
        self._drop(future)
        self._close(ask, Failure(kind="Cancelled", reason="Stopped on request."))

    def _drop(self, future: Future) -> None:
        """Its process is at its end, or comes to it now, and is given nothing more."""
        future.cancel()
        kill_family(self.pid)
        self.dead_pid = self.pid

    def _gone(self, ask: ProfileAsk, future: Future) -> None:
        self._drop(future)
        if ask.attempt < ATTEMPTS:
            self.say("The worker that measured a profile went away; it is measured again.")
            self._again(ask, counted=True)
            return
        reason = f"The process that measured it went away {ask.attempt} times."
        remedy = "Something ended it, or memory ran out: see 'python -m optim doctor', then ask again."
        self._close(ask, Failure(kind="WorkerLost", reason=reason, remedy=remedy))

    def _again(self, ask: ProfileAsk, *, counted: bool) -> None:
        with suppress(OSError):
            write_text(ask.folder / "ask.json", ask.with_(attempt=ask.attempt - (not counted)).to_json())
            (ask.folder / "progress.json").unlink(missing_ok=True)
        self._forget()

    def _close(self, ask: ProfileAsk, failure: Failure | None) -> None:
        """Nothing is left of a request that was served or stopped; a failure stays to be read."""
        if failure is None or failure.kind == "Cancelled":
            shutil.rmtree(ask.folder, ignore_errors=True)
            told = "done" if failure is None else "cancelled"
        else:
            write_text(ask.folder / "failure.json", failure.to_json())
            told = f"failed: {failure.reason}"
        self.say(f"Profile of {ask.model} x{ask.width:g} on {ask.dataset} {told}")
        self._forget()

    def _forget(self) -> None:
        self.ask = self.future = self.kill_at = self.lent = None
        self.absence = Absence()
