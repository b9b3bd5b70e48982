"""The profile of a model: how long it takes and how right it is at each width of each channel group. Light.

Measured once per model and fingerprint, kept under `HOME/profiles/<dataset>/<model>-<width>/<fingerprint>.json`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from . import catalog
from .atomic import write_text
from .catalog_models import DYNAMIC, STATIC
from .frozen import Record
from .plan import Layer
from .results import Fingerprint, Interval, Share

Precision = Literal["fp32", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")
UNTIMED = {"early-stride": "an early stride", "low-rank": "matrices of low rank"}
"""Techniques that make another network of the same widths: no profile knows its times."""
RECOVERY_ITEMS = 4000
"""Training items that a plan sees, each once, where it is trained on for a moment."""
IMPORTANCES = ("l2", "l1", "taylor")
"""Methods whose scores a baseline's anatomy holds; the first is the usual one."""


class Sensitivity(Record):
    """Validation accuracy after pruning one group to each width, batch norm recalibrated, nothing trained."""

    widths: tuple[int, ...]
    """Ascending, the dense width last."""
    accuracy: tuple[Share, ...]


class Staircase(Record):
    """One channel group at several widths, all other groups dense."""

    name: str
    label: str
    size: int
    """Channels of the dense model."""
    widths: tuple[int, ...]
    """Ascending, the dense width last."""
    fp32_ms: tuple[Interval, ...]
    """Median time of one call at each width; the interval is over rounds."""
    int8_ms: tuple[Interval, ...]
    sensitivity: dict[str, Sensitivity] = {}
    """By importance method (`l1`, `l2` ...), as far as it was asked for."""

    def times(self, precision: Precision) -> tuple[Interval, ...]:
        return self.fp32_ms if precision == "fp32" else self.int8_ms


class Variant(Record):
    """A width plan with several narrower groups, timed so that estimates can be fitted."""

    widths: dict[str, int]
    """Of every group."""
    fp32_ms: Interval
    int8_ms: Interval
    accuracy: dict[str, Share] = {}
    """Right after pruning, by importance method, where it was measured."""
    recovered: dict[str, Share] = {}
    """After a short recovery, by importance method, where it was tried."""

    def time(self, precision: Precision) -> Interval:
        return self.fp32_ms if precision == "fp32" else self.int8_ms


class Profile(Record):
    """What was measured of one dense baseline under one fingerprint."""

    dataset: str
    model: str
    width: float
    fingerprint: Fingerprint
    baseline_sha256: str
    """Of the weights whose accuracy was measured; times do not depend on them."""
    made_at: float
    seconds: float
    """How long the measuring took."""
    layers: tuple[Layer, ...]
    dense_fp32_ms: Interval
    dense_int8_ms: Interval
    dense_accuracy: Share
    """On the same part of the validation split as all accuracies here."""
    whole_accuracy: Share
    """Of the dense network on the whole validation split, as runs are scored."""
    groups: tuple[Staircase, ...]
    joint: tuple[Variant, ...] = ()
    quantizer: str = ""
    """What made its INT8 files; not told by earlier versions."""
    disturbed: int = 0
    """Sessions of timing that stayed disturbed by other load after being tried again."""

    def sizes(self) -> dict[str, int]:
        """Dense width of each group."""
        return {group.name: group.size for group in self.groups}

    def dense_ms(self, precision: Precision) -> Interval:
        return self.dense_fp32_ms if precision == "fp32" else self.dense_int8_ms

    def group(self, name: str) -> Staircase:
        return next(group for group in self.groups if group.name == name)

    @property
    def is_usual(self) -> bool:
        """Whether its INT8 files are made as those of this model are now."""
        static = catalog.technique(STATIC)
        before = STATIC if static.applies(catalog.dataset(self.dataset).kind, self.model) else DYNAMIC
        return (self.quantizer or before) == catalog.quantizer(self.model).name

    @property
    def importances(self) -> tuple[str, ...]:
        """The methods by which every group's sensitivity was measured."""
        known = [set(group.sensitivity) for group in self.groups]
        return tuple(sorted(set.intersection(*known))) if known else ()


class ProfileAsk(Record):
    """What is to be measured, and how files are timed."""

    home: str
    dataset: str
    model: str
    width: float = 1.0
    device: str = "cpu"
    threads: int = 1
    batch: int = 1
    importance: str = IMPORTANCES[0]
    again: bool = False
    """Whether times that are known are measured anew."""
    asked_at: float = 0.0
    attempt: int = 0
    search_id: int = 0
    """Of the search that asked, which may take it back; 0: a person did, who alone may."""

    @property
    def key(self) -> str:
        """One request per model, target and importance: two clicks are one. Names are catalogue rows', never paths."""
        target = f"{self.device}-{self.threads}x{self.batch}"
        return f"{self.dataset}_{self.model}-{self.width:g}_{target}_{self.importance}"

    @property
    def folder(self) -> Path:
        return queue_folder(Path(self.home)) / self.key


def queue_folder(home: Path) -> Path:
    """One folder in it per request that waits or is being served."""
    return home / "profiles" / "queue"


def folder(home: Path, dataset: str, model: str, width: float) -> Path:
    """Where the profiles of this model lie, one per fingerprint."""
    return home / "profiles" / dataset / f"{model}-{width:g}"


def save(home: Path, profile: Profile) -> Path:
    """Keep it, whole or not at all; one of the same model and fingerprint is replaced."""
    name = f"{profile.fingerprint.id}.json"
    path = folder(home, profile.dataset, profile.model, profile.width) / name
    write_text(path, profile.to_json())
    return path


def find(home: Path, dataset: str, model: str, width: float, fingerprint_id: str = "") -> Profile | None:
    """The profile made under this fingerprint, or the newest of all where none is named; None if there is none.

    One that cannot be read, because another version wrote it, counts as none, and so does one whose INT8 files were
    made in another way than a search makes them now.
    """
    pattern = f"{fingerprint_id}.json" if fingerprint_id else "*.json"
    paths = sorted(folder(home, dataset, model, width).glob(pattern))
    known = [found for path in paths if (found := _load(path, path.stat().st_mtime_ns)) is not None]
    known = [one for one in known if fingerprint_id in {"", one.fingerprint.id} and one.is_usual]
    return max(known, key=lambda one: one.made_at, default=None)


@lru_cache(maxsize=16)
def _load(path: Path, changed: int) -> Profile | None:
    try:
        return Profile.from_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
