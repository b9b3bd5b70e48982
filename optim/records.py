"""The nouns. Frozen; the next state is the next record; every record survives JSON both ways.

Fractions are from 0 to 1, times are in milliseconds or seconds as their names say, sizes in bytes.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

KnobValue = bool | int | float | str


class Record(BaseModel):
    """Immutable and strict about its fields. `to_json` and `from_json` are each other's inverse."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def to_json(self) -> str:
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        return cls.model_validate_json(text)

    def with_(self, **changes: object) -> Self:
        """The next record: this one with some fields changed, checked again."""
        return type(self).model_validate({**dict(self), **changes})


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
    """`epoch`, `loss`, `validation` (fraction), `learning_rate`, `images_per_s`: what this heartbeat knows."""
    message: str = ""


class Interval(Record):
    value: float
    low: float
    high: float


class Share(Interval):
    """A share of `n` items with its 95 % Wilson interval."""

    n: int


class Score(Record):
    """How good the exported file is, computed in ONNX Runtime from that file."""

    metric: str
    validation: Share
    test: Share | None = None


class Facts(Record):
    """What speaks for and against a time: counted while it was taken, judged by `validity.reasons`."""

    attempt: int = 1
    """1 for the first; a measurement that looks disturbed is tried again."""
    seconds: float
    """From the first counted call to the last."""
    cores: int
    cpu_share: float | None = None
    """Processor time over wall time while the file was called. None where calls wait anyway: several threads, a GPU."""
    switches_per_s: float | None = None
    """How often the process was taken off its core although it had work. None: the system does not tell."""
    others: float | None = None
    """Processor time of all other processes over wall time: 1 is one core."""
    pressure: float | None = None
    """Share of the time in which some process waited for a core. None: the system does not tell."""
    drift: float
    """Change of the calls' time between the fastest and the slowest part of the session; above 0: later was slower."""
    reference_p50_ms: float
    stored_p50_ms: float | None = None
    """What the reference usually takes under the same fingerprint. None: it is not known yet."""
    mean_over_p50: float
    half_width: float
    """Of the 95 % interval of the ratio to the reference, as a share of the ratio."""
    rounds_played: int | None = None
    """In all. None: no probe looked whether the core was shared."""
    rounds_quiet: int | None = None
    """Those in which the probe ran at full speed; only they count, unless they are too few."""


class Latency(Record):
    """Time of one call. `low_ms`, `high_ms`: 95 % interval of the median over rounds (t-interval of logs)."""

    p50_ms: float
    p90_ms: float
    p99_ms: float
    mean_ms: float
    low_ms: float
    high_ms: float
    calls: int
    rounds: int
    threads: int
    batch: int
    valid: bool
    reasons: tuple[str, ...] = ()
    ratio: Interval
    """Reference time over this file's time, paired by round; above 1 is faster."""
    facts: Facts | None = None
    """None for a time that was taken before these were kept."""


class Fingerprint(Record):
    """Under which conditions times may be compared. The first block decides; the second is for the record."""

    processor: str
    cores: int
    gpu: str = ""
    gpu_driver: str = ""
    onnxruntime: str
    provider: str
    provider_options: dict[str, str] = {}
    threads: int
    batch: int
    optimization_level: str

    python: str = ""
    torch: str = ""
    governor: str = ""
    system: str = ""

    @property
    def id(self) -> str:
        """Hash over the fields that decide whether two times are comparable."""
        compared = self.model_dump(mode="json", exclude={"python", "torch", "governor", "system"})
        return hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()[:12]


class Measurement(Record):
    """One file timed under one fingerprint. A file has many: another day, another machine."""

    id: int = 0
    run_id: int
    file_sha256: str
    reference_sha256: str
    fingerprint: Fingerprint
    latency: Latency
    made_at: float
    session: str = ""
    """Names the session when several runs were timed together; empty when the file was timed alone."""
    against: dict[int, Interval] = {}
    """By run of that session: its time over this file's, paired by round; above 1 this file is faster."""


class Parity(Record):
    passed: bool
    max_rel_diff: float
    """Largest difference over the largest logit, against torch (FP32) or the FP32 parent (INT8)."""
    label_agreement: float
    n: int


class Check(Record):
    """One line of the gate's checklist, with the fact that was measured."""

    name: str
    passed: bool
    fact: str


class File(Record):
    """The exported ONNX file, as it is on disk."""

    sha256: str
    name: str = "model.onnx"
    """File name inside the run's folder."""
    params: int
    macs: int
    size_bytes: int
    precision: Literal["fp32", "int8"]
    opset: int
    parity: Parity
    checks: tuple[Check, ...]
    score: Score
    predictions: str = "predictions.npz"
    """Beside the file: `validation` and (when opened) `test`, the predicted label of each item, and the truth as
    `validation_labels` and `test_labels`; all uint8."""


class Failure(Record):
    kind: str
    """The error's class name."""
    reason: str
    remedy: str = ""
    log_tail: str = ""
    cure: str = ""
    """What would cure it, by its name in `cures.py`; empty if no change of the recipe would."""


class Group(Record):
    """Channels that must be removed together, before and after the recipe."""

    name: str
    label: str
    before: int
    after: int
    bought_ms: float | None = None
    """Estimated time that giving this group its channels back, and no other, would cost; None where no profile is."""
    importance_lost: float | None = None
    """Share of all the model's importance that went with its channels."""


class Beside(Record):
    """Another run's file, timed in the same session."""

    run_id: int
    file_sha256: str
    latency: Latency
    against: dict[int, Interval] = {}


class Result(Record):
    """What the heavy room hands back for a run that is done."""

    file: File
    latency: Latency
    fingerprint: Fingerprint
    reference_sha256: str
    reference_latency: Latency | None = None
    """The reference's own time in the same session; None when this file is the reference."""
    groups: tuple[Group, ...] = ()
    train_device: str = "cpu"
    variant: str = ""
    """Training variant chosen once per machine and model: "bf16 channels_last" ... Empty if nothing was trained."""
    stage_seconds: dict[str, float] = {}
    cached_steps: int = 0
    warnings: tuple[str, ...] = ()
    cures: tuple[str, ...] = ()
    """What would cure what the warnings tell, by its name in `cures.py`."""
    session: str = ""
    against: dict[int, Interval] = {}
    """`session`, `against`: as in `Measurement`, when several runs were timed together."""
    beside: tuple[Beside, ...] = ()


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
