"""What is made and measured: intervals, scores, times and their conditions, the exported file, the result of a run.

Fractions are from 0 to 1, times are in milliseconds or seconds as their names say, sizes in bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from .frozen import Record


class Interval(Record):
    value: float
    low: float
    high: float


class Share(Interval):
    """A share of `n` items, or their mean worth, with its 95 % interval."""

    n: int


class Score(Record):
    """How good the exported file is, computed in ONNX Runtime from that file."""

    metric: str
    direction: Literal["higher"] = "higher"
    """Which values are better: of every metric the higher ones, told to programs that read this."""
    interval: Literal["wilson", "bootstrap"] = "wilson"
    """How the intervals are made: of a share of right answers, or over resampled items."""
    validation: Share
    test: Share | None = None
    further: tuple[Score, ...] = ()
    """The same answers by other metrics."""


class Facts(Record):
    """What speaks for and against a time: counted while it was taken, judged by `validity.reasons`."""

    attempt: int = 1
    """1 for the first; a measurement that looks disturbed is tried again."""
    seconds: float
    """From the first counted call to the last."""
    cores: int
    cpu_share: float | None = None
    """Processor time over wall time while the file was called. None where calls wait anyway: several threads, a GPU."""
    cpu_of_fullest: float | None = None
    """With several threads: processor time over wall time while the file was called, as a share of what the rounds
    had that had most. Threads wait for each other, by the file; only the session itself tells how long."""
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
    between_sessions: float | None = None
    """Standard deviation of the log ratio between sessions that its interval holds. None: it holds the rounds'."""


P99_CALLS = 662
"""With fewer calls nothing is said of the slowest hundredth: too few of them were seen."""


class Latency(Record):
    """Time of one call. `low_ms`, `high_ms`: 95 % interval of the median, over rounds (t of logs) and sessions."""

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

    @property
    def p99_known(self) -> bool:
        """Whether there were enough calls to tell how slow the slowest hundredth is."""
        return self.calls >= P99_CALLS


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
    share_in_8_bits: float | None = None
    """Of the weights in the file, 0 to 1. None: an older version did not count."""
    opset: int
    parity: Parity
    checks: tuple[Check, ...]
    score: Score
    predictions: str = "predictions.npz"
    """Beside the file, per item of `validation` and (when opened) `test`. Of classes: the predicted label under the
    split's name and the truth as `validation_labels`, uint8. Of rankings: what each user's is worth, float32."""


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
    bought_half_ms: float | None = None
    """Half of the 95 % band of `bought_ms`."""
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
