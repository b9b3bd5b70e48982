"""Submit, cancel, retry, time again, open, delete and clean, as a page or the command line asks for them. Light."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from . import baselines, plan, recipes, sessions, speeds
from .catalog import check_model_ref
from .disk import clean, disk_usage
from .driver_process import DriverStatus, driver_status, ensure_driver, stop_driver
from .errors import RequestError
from .hardware import check_gpu, timing_devices
from .home import home_option
from .records import Recipe, Run, State
from .store import Store, opened
from .store_moves import check_train_device, checked_target

__all__ = [
    "DriverStatus",
    "Target",
    "cancel",
    "clean",
    "delete",
    "disk_usage",
    "driver_status",
    "ensure_driver",
    "export_file",
    "measure_again",
    "measure_here",
    "open_test",
    "retry",
    "stop_driver",
    "submit",
]


class Target(NamedTuple):
    """Where and how files are timed, and against which dense baseline (`MODEL:WIDTH`; None: the project's own)."""

    device: str = "cpu"
    threads: int = 1
    batch: int = 1
    reference: str | None = None


ONE_CORE = Target()
TOO_MANY = "This machine has fewer cores than that; times with more threads than cores mean nothing."


def submit(
    home: Path,
    recipe: Recipe,
    target: Target = ONE_CORE,
    *,
    train_device: str = "auto",
    start_driver: bool = True,
    open_test: bool = True,
) -> tuple[Run, bool]:
    """Queue a recipe unless an equal run is there already; the run, and whether it is newly queued.

    `open_test=False` is for runs inside a search: their score on test stays null. An equal run that was made so has
    its test set opened when it is asked for by hand.

    Raises `RequestError` for what cannot be: an unknown name, a value out of range, a layer left empty.
    """
    recipe = recipes.complete(recipe)
    check_machine(recipe.dataset, target)
    refuse_impossible(home, recipe, target)
    check_train_device(train_device)
    check_gpu(train_device)
    store = opened(home)
    project = store.project(
        recipe.dataset,
        target.device,
        target.threads,
        target.batch,
        reference=target.reference,
        default_reference=recipe.model_ref,
    )
    run, new = store.submit(recipe, project, train_device=train_device, open_test=open_test)
    if run.state is State.DONE and not store.has_its_file(run):
        run, new = store.retry(run.id), True
    if open_test and run.state is State.DONE:
        run = store.open_test(run.id)
    if start_driver and run.state.live:
        ensure_driver(home)
    return run, new


def refuse_impossible(home: Path, recipe: Recipe, target: Target = ONE_CORE) -> None:
    """Raise the plan's `KnobError` now rather than in the worker, where the baseline's anatomy is known."""
    anatomy = baselines.anatomy(recipe.dataset, recipe.model, recipe.width, home)
    speed = speeds.of_recipe(recipe, home, device=target.device, threads=target.threads, batch=target.batch)
    if anatomy is not None:
        plan.after(anatomy, recipe.steps, recipe.seed, speed)


def check_machine(dataset: str, target: Target) -> None:
    """`RequestError` for a target that this machine cannot time on, before anything is kept."""
    cores = os.cpu_count() or 1
    if type(target.threads) is int and not 1 <= target.threads <= cores:
        told = too_many_threads(target.threads) or "Files are timed with one thread at least."
        raise RequestError(told, given=f"{target.threads} threads", allowed=f"1 to {cores}")
    checked_target(dataset, target.device, target.threads, target.batch)
    if target.reference is not None:
        check_model_ref(target.reference)
    if target.device not in timing_devices():
        raise RequestError(
            "The installed ONNX Runtime cannot time on this device.",
            given=target.device,
            allowed="cpu",
            remedy="Install onnxruntime-gpu in place of onnxruntime to time on a GPU.",
        )


def too_many_threads(threads: int) -> str:
    """Why files cannot be timed with so many, as a sentence; empty if they can."""
    cores = os.cpu_count() or 1
    return f"{TOO_MANY} It has {cores}." if threads > cores else ""


def measure_here(home: Path, examples: Sequence[Run]) -> list[Run]:
    """Queue shipped files to be scored and timed on this machine, beside their reference, which is made first."""
    for there in (run.project for run in examples):
        check_machine(there.dataset, Target(there.device, there.threads, there.batch, there.reference))
    store = opened(home)
    queued = []
    for run in examples:
        assert run.result is not None, "shipped runs are done"
        there = run.project
        project = store.project(there.dataset, there.device, there.threads, there.batch, reference=there.reference)
        queued.append(store.submit(run.recipe, project, origin="example", given_file=run.result.file.name)[0])
    if any(run.state.live for run in queued):
        ensure_driver(home)
    return queued


def cancel(home: Path, run_id: int) -> Run:
    """Ask a live run to stop; `RequestError` when it has ended already."""
    known = opened(home).run(run_id)
    if not known.state.live:
        raise RequestError("Only a live run can be cancelled.", given=f"run {run_id}, {known.state}")
    run = opened(home).request_cancel(run_id)
    if run.state is State.RUNNING:
        ensure_driver(home)
    return run


def retry(home: Path, run_id: int, *, start_driver: bool = True) -> Run:
    """Queue a failed or cancelled run again."""
    run = opened(home).retry(run_id)
    if start_driver:
        ensure_driver(home)
    return run


def measure_again(home: Path, run_id: int, *, start_driver: bool = True) -> Run:
    """Queue a done run's file to be timed once more; `RequestError` when there is no such file any more."""
    store = opened(home)
    known = store.run(run_id)
    if known.result is not None:
        whole_file(store, known)
        there = known.project
        check_machine(there.dataset, Target(there.device, there.threads, there.batch, there.reference))
        if not known.state.live:
            sessions.forget(store.folder(run_id))
    run = store.measure_again(run_id)
    if start_driver:
        ensure_driver(home)
    return run


def open_test(home: Path, run_id: int, *, start_driver: bool = True) -> Run:
    """Queue the opening of the test set for a done run's file; a run whose test set is open is left alone.

    Raises `RequestError` when there is no such file any more. Nothing that is known of the run is lost on failure.
    """
    store = opened(home)
    known = store.run(run_id)
    if known.result is not None and known.result.file.score.test is None:
        whole_file(store, known)
    run = store.open_test(run_id)
    if start_driver and run.state.live:
        ensure_driver(home)
    return run


def delete(home: Path, run_id: int) -> None:
    """Forget a run that is not live, and its folder."""
    opened(home).delete(run_id)


def export_file(home: Path, run_id: int, out: Path) -> dict[str, str | int]:
    """Copy the file of a done run; refused unless every check was passed and the bytes are still those checked."""
    store = opened(home)
    run = store.run(run_id)
    if run.result is None:
        raise RequestError("This run has no file to export.", given=f"run {run_id}, {run.state}", allowed="done runs")
    file = run.result.file
    if not file.parity.passed or not all(check.passed for check in file.checks):
        raise RequestError("The file did not pass its checks.", given=f"run {run_id}", remedy="Retry the run.")
    content = whole_file(store, run)
    try:
        write_bytes(out, content)
    except OSError as error:
        raise RequestError("The file cannot be written there.", given=out, remedy=f"{error.strerror}.") from None
    return {"run": run_id, "onnx": str(out.absolute()), "sha256": file.sha256, "size_bytes": len(content)}


def whole_file(store: Store, run: Run) -> bytes:
    """The bytes of the run's file; `RequestError` unless they are still those that were checked."""
    assert run.result is not None, "only a run with a result has a file"
    if not store.has_its_file(run):
        remedy = f"Make it again: python -m optim retry {run.id}{home_option(store.home)}"
        raise RequestError(
            "The file is gone or was changed since it was checked.", given=f"run {run.id}", remedy=remedy
        )
    return (store.folder(run.id) / run.result.file.name).read_bytes()


def write_bytes(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_bytes(content)
    scratch.replace(path)
