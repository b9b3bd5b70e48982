"""Ask for a profile, see how far it is, stop it: as a page or the command line does. Light.

A request is a folder under `HOME/profiles/queue` with `ask.json`; the driver gives it to a worker, which keeps
`progress.json` there. The driver removes the folder when the profile is made, and leaves `failure.json` if it is not.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from pydantic import ValidationError

from . import baselines, catalog, conditions, jobs, profiles
from .atomic import write_text
from .errors import RequestError
from .frozen import Record
from .profiles import IMPORTANCES, Profile, ProfileAsk, queue_folder
from .records import Event
from .results import Failure

RecordT = TypeVar("RecordT", bound=Record)


class Standing(NamedTuple):
    """Where a request stands."""

    ask: ProfileAsk
    state: Literal["queued", "running", "failed"]
    event: Event | None = None
    """The last heartbeat."""
    failure: Failure | None = None


def request(
    home: Path,
    dataset: str,
    model: str,
    width: float,
    target: jobs.Target = jobs.ONE_CORE,
    importance: str = IMPORTANCES[0],
) -> ProfileAsk:
    """The request in these words, checked; nothing is queued. Raises `RequestError` for what cannot be."""
    row, wide = catalog.dataset(dataset), catalog.check_width(width)
    name = catalog.check_takes(model, row).name
    if importance not in IMPORTANCES:
        raise RequestError(
            "A profile cannot be made by this importance.", given=importance, allowed=", ".join(IMPORTANCES)
        )
    jobs.check_machine(row.name, target)
    return ProfileAsk(
        home=str(home), dataset=row.name, model=name, width=wide, device=target.device,
        threads=target.threads, batch=target.batch, importance=importance,
    )  # fmt: skip


def known(ask: ProfileAsk) -> Profile | None:
    """The profile made on this machine under these conditions, whatever importance it knows; None if there is none.

    One made under another fingerprint is never given. Accuracies of a baseline that was trained anew since are not
    its own: such a profile counts as none too.
    """
    home = Path(ask.home)
    mark = conditions.here(device=ask.device, threads=ask.threads, batch=ask.batch).id
    found = profiles.find(home, ask.dataset, ask.model, ask.width, mark)
    if found is None:
        return None
    return found if found.baseline_sha256 == baselines.digest(ask.dataset, ask.model, ask.width, home) else None


def complete(ask: ProfileAsk) -> Profile | None:
    """The known profile, if it answers the request in full."""
    found = known(ask)
    return found if found is not None and ask.importance in found.importances else None


def submit(ask: ProfileAsk, *, start_driver: bool = True) -> ProfileAsk:
    """Queue it, unless it is queued already; an earlier failure is forgotten. What a person asks for is a person's."""
    standing = find(ask)
    if standing is None or standing.state == "failed":
        shutil.rmtree(ask.folder, ignore_errors=True)
        queued = ask.with_(asked_at=time.time(), attempt=0)
        write_text(ask.folder / "ask.json", queued.to_json())
    elif standing.ask.search_id and not ask.search_id:
        write_text(ask.folder / "ask.json", standing.ask.with_(search_id=0).to_json())
    if start_driver:
        jobs.ensure_driver(Path(ask.home))
    return ask


def cancel(ask: ProfileAsk) -> bool:
    """Ask it to stop; one that no worker has begun goes at once. False if there is none."""
    standing = find(ask)
    if standing is None:
        return False
    if standing.state == "running":
        (ask.folder / "cancel").touch()
    else:
        shutil.rmtree(ask.folder, ignore_errors=True)
    return True


def find(ask: ProfileAsk) -> Standing | None:
    """Where this request stands; None if nobody asked, or it is done."""
    return _standing(ask.folder)


def waiting(home: Path) -> list[Standing]:
    """All requests, the oldest first; the failed ones are left until somebody asks again."""
    folders = queue_folder(home).glob("*/ask.json")
    found = [one for path in folders if (one := _standing(path.parent)) is not None]
    return sorted(found, key=lambda one: one.ask.asked_at)


def _standing(folder: Path) -> Standing | None:
    ask = _read(folder / "ask.json", ProfileAsk)
    if ask is None or not _is_own(ask, folder):
        return None
    failure = _read(folder / "failure.json", Failure)
    event = _read(folder / "progress.json", Event)
    state = "failed" if failure else "running" if event else "queued"
    return Standing(ask, state, event, failure)


def _is_own(ask: ProfileAsk, folder: Path) -> bool:
    """Whether it names rows of the catalogue and lies where it belongs: its words become paths, one of them removed."""
    try:
        catalog.dataset(ask.dataset), catalog.model(ask.model), catalog.check_width(ask.width)
    except RequestError:
        return False
    return ask.importance in IMPORTANCES and ask.key == folder.name


def _read(path: Path, kind: type[RecordT]) -> RecordT | None:
    try:
        return kind.from_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
