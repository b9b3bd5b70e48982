"""The pool: a local Dask cluster with one warm worker process per device.

What Dask would do by itself and must not: rerun a task whose worker was killed (`allowed-failures: 0`), hold workers
to one thread (the nanny's thread variables), pause them by memory (`memory_limit=0`), open ports to the world, sample
their stacks a hundred times a second while they time something (`profile`).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import dask.config
import psutil
from distributed import Client, Future, LocalCluster, Security, Status
from distributed.scheduler import WorkerState

from .driver_process import WorkerInfo
from .frozen import Record
from .hardware import count_gpus
from .profiles import ProfileAsk
from .records import Event, Task
from .worker import TOPIC, Settle, measure_profile, work

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

Work = Callable[[str], dict[str, str]]
"""JSON of a task in; `{"result": json}` or `{"failure": json}` out."""


class Pool:
    """`work`, `measure`: what workers run; `eager`: they load the heavy room ahead of need. Tests change all three."""

    def __init__(self, work: Work = work, *, measure: Work = measure_profile, eager: bool = True) -> None:
        self.gpus = count_gpus()
        self.names = tuple(range(max(self.gpus, 1)))
        self.work, self.measure = work, measure
        self._changed: Callable[[], None] = lambda: None
        self._reviving: concurrent.futures.Future | None = None
        self._cluster = self._start()
        self._client = Client(self._cluster)
        self._client.register_plugin(Settle(self.gpus, eager=eager))

    def listen(self, on_event: Callable[[int, Event], None], on_change: Callable[[], None]) -> None:
        """`on_event(run_id, event)` for each heartbeat, `on_change()` when a task ends; both in Dask's own thread."""
        self._changed = on_change
        self._client.subscribe_topic(TOPIC, _receiver(on_event))

    def _start(self) -> LocalCluster:
        threads = str(max((os.cpu_count() or 1) // len(self.names), 1))
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": 0,
                "distributed.nanny.pre-spawn-environ": dict.fromkeys(THREAD_VARIABLES, threads),
                "distributed.scheduler.work-stealing": False,
                "distributed.scheduler.http.routes": [],
                "distributed.worker.http.routes": [],
                "distributed.worker.profile.enabled": False,
                "distributed.admin.system-monitor.gil.enabled": False,
            }
        )
        return LocalCluster(
            n_workers=len(self.names),
            threads_per_worker=1,
            memory_limit=0,
            host="127.0.0.1",
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # it opens a web server in any case: an empty one
            security=_security(),
            silence_logs=logging.ERROR,
        )

    def submit(self, name: int, task: Task) -> Future:
        """Give the task to this worker, which must be there."""
        return self._submit(name, self.work, task)

    def profile(self, name: int, ask: ProfileAsk) -> Future:
        """Have this worker, which must be there, measure a profile."""
        return self._submit(name, self.measure, ask)

    def _submit(self, name: int, work: Work, task: Record) -> Future:
        worker = self._worker(name)
        assert worker is not None, "ask for pid() first"
        future = self._client.submit(work, task.to_json(), workers=[worker.address], pure=False)
        future.add_done_callback(lambda _: self._changed())
        return future

    def pid(self, name: int) -> int:
        """The worker's process; 0 while it is starting or gone."""
        worker = self._worker(name)
        return worker.pid if worker is not None else 0

    def revive(self, name: int) -> None:
        """Have a worker replaced that its nanny has given up: one that dies while it starts is not started again.

        Does not wait for it: starting takes long on a busy machine, and other workers are to be looked after.
        """
        if self._reviving is not None and not self._reviving.done():
            return

        async def replace() -> None:
            nanny = self._cluster.workers.pop(name, None)
            if nanny is not None:
                await nanny.close(timeout=2)
            await self._cluster._correct_state_internal()  # noqa: SLF001 - what `scale` does, for one worker

        # where it fails, the next look tries again
        self._reviving = asyncio.run_coroutine_threadsafe(replace(), self._cluster.loop.asyncio_loop)  # pyrefly: ignore[missing-attribute]

    def infos(self) -> tuple[WorkerInfo, ...]:
        return tuple(WorkerInfo(str(n), self.pid(n), f"cuda:{n}" if self.gpus else "cpu") for n in self.names)

    def close(self) -> None:
        for name in self.names:
            kill_family(self.pid(name))
        self._cluster.shutdown_on_close = False  # else Dask would try for ten more seconds when Python ends
        with suppress(Exception):
            self._client.close(timeout=2)
        with suppress(Exception):
            self._cluster.close(timeout=2)

    def _worker(self, name: int) -> WorkerState | None:
        """The worker as the scheduler sees it, once its nanny too knows that it is up.

        Before that a death would not be noticed by the nanny, and nobody would start another.
        """
        nanny, scheduler = self._cluster.workers.get(name), self._cluster.scheduler
        if nanny is None or scheduler is None or nanny.process is None or nanny.process.status != Status.running:
            return None
        return next((worker for worker in list(scheduler.workers.values()) if worker.pid == nanny.pid), None)


def _receiver(on_event: Callable[[int, Event], None]) -> Callable[[tuple[float, Any]], None]:
    def receive(heartbeat: tuple[float, Any]) -> None:
        _, message = heartbeat
        on_event(message["run_id"], Event.from_json(message["event"]))

    return receive


def _security() -> Security:
    """TLS with a certificate of this process's own: without it any local user could run code through the port."""
    try:
        return Security.temporary()
    except ImportError:
        logging.getLogger(__name__).warning("Package cryptography is missing: the workers' port is not protected.")
        return Security()


def kill_family(pid: int) -> None:
    """End a worker and everything it has started, now; also what it left behind when it is gone already."""
    if pid <= 1:
        return
    family: list[psutil.Process] = []
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    with suppress(OSError):
        if pid != os.getpgrp():
            os.killpg(pid, signal.SIGKILL)
    for one in family:
        with suppress(psutil.Error):
            one.kill()
