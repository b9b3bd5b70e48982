"""What a worker is handed to make a run, time it again, or open its test set. Light."""

from __future__ import annotations

from . import recipes, sessions
from .atomic import write_text
from .errors import StoreError
from .home import shipped_file
from .records import Companion, Run, Task
from .store import Store


def task_of(store: Store, run: Run) -> Task:
    """The task of this run; its folder is made, and cleared of an old wish to cancel.

    Raises `StoreError` if the reference that it is to be timed against is gone.
    """
    folder = store.folder(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cancel").unlink(missing_ok=True)
    write_text(folder / "recipe.json", recipes.pretty(run.recipe))
    return Task(
        run_id=run.id,
        recipe=run.recipe,
        project=run.project,
        folder=str(folder),
        home=str(store.home),
        reference_file=_reference_file(store, run),
        given_file=str(shipped_file(run.given_file)) if run.given_file else "",
        recorded=run.result,
        opening=run.again and run.opening,
        train_device=run.train_device,
        open_test=run.open_test,
        reference_p50_ms=store.reference_times(run.project),
        together=_companions(store, run) if run.timed_again else (),
    )


def _companions(store: Store, run: Run) -> tuple[Companion, ...]:
    """The files of other done runs that are wanted in the same session."""
    others = [store.run(number) for number in sessions.asked(store.folder(run.id))]
    return tuple(
        Companion(run_id=one.id, file=str(store.folder(one.id) / one.result.file.name), sha256=one.result.file.sha256)
        for one in others
        if one.result is not None
    )


def _reference_file(store: Store, run: Run) -> str:
    if run.origin == "own" and run.is_reference:
        return ""
    reference = store.reference_run(run.project)
    if reference is None or reference.result is None:
        raise StoreError("The project's reference is gone.", remedy="Retry this run: its reference comes along.")
    if not store.has_its_file(reference):
        remedy = f"Retry run {reference.id} first, then this one."
        raise StoreError("The file of the project's reference is gone or was changed.", remedy=remedy)
    return str(store.folder(reference.id) / reference.result.file.name)
