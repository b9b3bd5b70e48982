"""Make the shipped example runs from done runs of a data folder: `python -m optim.ship HOME`."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from .atomic import whole_folder
from .errors import ParetoscopeError, RequestError
from .examples import LIST
from .records import Run, State
from .store import Store


def ship(home: Path, target: Path = LIST.parent) -> list[Run]:
    """Copy every done, validly timed run of this data folder, reference first, numbered from 1; they are returned."""
    if not (home / "store.sqlite").is_file():
        raise RequestError("There is no data folder to ship from.", given=home, allowed="a folder with done runs")
    store = Store(home)
    done = [run for run in store.runs(origin="own", states=[State.DONE]) if run.latency and run.latency.valid]
    done.sort(key=lambda run: (not run.is_reference, run.id))
    if not done:
        raise RequestError("This data folder has no done run with a valid time.", given=home)
    with whole_folder(target) as folder:
        shipped = [_copy(run, number, store.folder(run.id), folder / str(number)) for number, run in enumerate(done, 1)]
        records = [run.model_dump(mode="json") for run in shipped]
        (folder / LIST.name).write_text(json.dumps(records, indent=1) + "\n")
    return shipped


def _copy(run: Run, number: int, source: Path, folder: Path) -> Run:
    assert run.result is not None and run.measurement is not None
    folder.mkdir()
    for name in ("model.onnx", "predictions.npz", "result.json"):
        shutil.copyfile(source / name, folder / name)
    file = run.result.file.with_(name=f"{number}/model.onnx", predictions=f"{number}/predictions.npz")
    return run.with_(
        id=number,
        origin="example",
        project=run.project.with_(id=0),
        result=run.result.with_(file=file),
        measurement=run.measurement.with_(id=number, run_id=number),
        earlier=(),
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m optim.ship HOME")
    try:
        shipped_runs = ship(Path(sys.argv[1]))
    except ParetoscopeError as error:
        sys.exit(f"error: {error}")
    for made in shipped_runs:
        sys.stdout.write(f"{made.id}  {made.recipe.id}\n")
