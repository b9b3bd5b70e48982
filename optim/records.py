"""What is asked for: a recipe in a project, the run that tries it, a worker's task. What came of it: `results`."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Literal

from .frozen import Record
from .results import Failure, Fingerprint, Latency, Measurement, Result

KnobValue = bool | int | float | str


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def live(self) -> bool:
        return self in (State.QUEUED, State.RUNNING)


class Step(Record):
    """One technique with its knobs. Complete it with `recipes.complete` before it is hashed."""

    technique: str
    knobs: dict[str, KnobValue] = {}

    def knob(self, name: str) -> KnobValue:
        return self.knobs[name]


class Recipe(Record):
    """What to make. Where and how it is timed belongs to the `Project`."""

    dataset: str
    model: str
    width: float = 1.0
    start: Literal["baseline", "scratch"] = "baseline"
    steps: tuple[Step, ...] = ()
    seed: int = 0

    @property
    def id(self) -> str:
        """Content hash: 12 hex digits of the SHA-256 of the canonical JSON.

        >>> Recipe(dataset="digits", model="cnn").id == Recipe(dataset="digits", model="cnn", width=1).id
        True
        """
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    @property
    def model_ref(self) -> str:
        """`MODEL:WIDTH`, as `--reference` takes it."""
        return f"{self.model}:{self.width:g}"


class Project(Record):
    """What may share one Pareto plot: a data set, a target, and one reference model."""

    id: int = 0
    dataset: str
    runtime: Literal["onnxruntime"] = "onnxruntime"
    device: str = "cpu"
    threads: int = 1
    batch: int = 1
    reference: str
    """`MODEL:WIDTH` of the dense baseline that ratios and losses mean."""

    def reference_recipe(self) -> Recipe:
        model, width = self.reference.split(":")
        return Recipe(dataset=self.dataset, model=model, width=float(width))


class Event(Record):
    """One heartbeat of a run; appended to `runs/<id>/events.jsonl`, never edited."""

    time: float
    """Seconds since the epoch."""
    stage: str
    """Words for the screen: "Teacher", "Prune", "Distil", "Export", "Gate", "Score", "Time" ..."""
    done: int = 0
    total: int = 0
    """Progress inside the stage, in its own unit (batches, files, calls). 0 of 0 = not countable."""
    metrics: dict[str, float] = {}
    """`epoch`, `loss`, `validation` (fraction), `learning_rate`, `images_per_s` (as the items are called): what this
    heartbeat knows."""
    message: str = ""
    trouble: bool = False
    """Whether `message` names what is wrong with the network, as it is now."""


class Run(Record):
    """One attempt at a recipe."""

    id: int = 0
    project: Project
    recipe: Recipe
    origin: Literal["own", "example"] = "own"
    given_file: str = ""
    """Only for `origin="example"`: the shipped file that is scored and timed here instead of trained."""
    train_device: str = "auto"
    open_test: bool = True
    """False for runs inside a search: their test set stays closed until somebody opens it."""
    opening: bool = False
    """What was last asked of its finished file: that its test set be opened (else, that it be timed again)."""
    state: State = State.QUEUED
    attempt: int = 0
    cancel_requested: bool = False
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    note: str = ""
    failure: Failure | None = None
    result: Result | None = None
    measurement: Measurement | None = None
    """The newest one for this project; `result.latency` is the first."""
    earlier: tuple[Measurement, ...] = ()
    """The newest one under each other fingerprint: another day, another machine."""

    @property
    def is_reference(self) -> bool:
        return self.recipe.id == self.project.reference_recipe().id

    @property
    def latency(self) -> Latency | None:
        if self.measurement is not None:
            return self.measurement.latency
        return self.result.latency if self.result else None

    @property
    def fingerprint(self) -> Fingerprint | None:
        if self.measurement is not None:
            return self.measurement.fingerprint
        return self.result.fingerprint if self.result else None

    @property
    def again(self) -> bool:
        """A live run that has its result already: its file stays as it is, and whatever happens, it will be done."""
        return self.state.live and self.result is not None

    @property
    def timed_again(self) -> bool:
        """Its file is only timed once more."""
        return self.again and not self.opening

    @property
    def errand(self) -> str:
        """What is, or was last, to be done with its finished file."""
        return "opening the test set" if self.opening else "timing again"

    def under(self, fingerprint_id: str) -> Run | None:
        """This run as it was last timed under these conditions; None if it never was."""
        if self.measurement is None:
            mark = self.fingerprint
            return self if mark is not None and mark.id == fingerprint_id else None
        known = (self.measurement, *self.earlier)
        found = next((one for one in known if one.fingerprint.id == fingerprint_id), None)
        if found is None or found is self.measurement:
            return self if found else None
        others = tuple(one for one in known if one is not found)
        return self.model_copy(update={"measurement": found, "earlier": others})


class Companion(Record):
    """A done run whose file is timed in the same session."""

    run_id: int
    file: str
    """Path of its ONNX file."""
    sha256: str


class Task(Record):
    """What a worker is handed: everything `pipeline.run` needs, and no store."""

    run_id: int
    recipe: Recipe
    project: Project
    folder: str
    """The run's folder; results appear in it under their final names only when whole."""
    home: str
    reference_file: str = ""
    """The project's reference ONNX; empty when this run is the reference."""
    given_file: str = ""
    recorded: Result | None = None
    """Set when the folder's file is only to be timed again, or its test set opened: what is known of it."""
    opening: bool = False
    """The test set of the recorded file is to be opened; else it is timed."""
    train_device: str = "auto"
    open_test: bool = True
    reference_p50_ms: dict[str, float] = {}
    """By fingerprint: what the project's reference usually takes there (`validity.usual`)."""
    together: tuple[Companion, ...] = ()
    """Other runs' files for the same session; only when this one is timed again."""
