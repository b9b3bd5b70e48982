"""Which operator of a file takes how long, from ONNX Runtime's own profiler, under the conditions of the project."""

from __future__ import annotations

import json
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from . import cost, runtime
from .atomic import write_text
from .cache import sha256
from .cost import Weighted
from .operators import FILE, Operator, Operators, role_of
from .records import Task

__all__ = ["FILE", "profile"]

WARM_UP, CALLS, AT_MOST_S = 10, 120, 1.5
TURNS = 6
"""The profiled session and the plain one are called in turns, so that a change of load hits both."""
KERNEL = "_kernel_time"


def profile(path: Path, task: Task, request: np.ndarray) -> None:
    """Write `operators.json` beside `path`, once per file and set of conditions. The caller holds the machine.

    `request`: what the file is called with, (batch, *shape of an item).
    """
    project = task.project
    where = {"device": project.device, "threads": project.threads}
    mark, digest = runtime.fingerprint(**where, batch=project.batch).id, sha256(path)
    if _is_known(path.parent / FILE, digest, mark):
        return
    with tempfile.TemporaryDirectory() as scratch:
        plain = runtime.open_session(path, **where)
        watched = runtime.open_session(path, **where, profile=Path(scratch) / "profile")
        calls_us, each = _take_turns(plain, watched, request)
        events = json.loads(Path(watched.end_profiling()).read_text("utf-8"))
    found = Operators(
        file_sha256=digest, fingerprint_id=mark, calls=TURNS * each, call_us=float(np.median(calls_us)),
        operators=tuple(summarize(events, cost.weighted(onnx.load(path)), each)),
        turns_us=tuple(float(np.median(calls_us[at : at + each])) for at in range(0, len(calls_us), each)),
    )  # fmt: skip
    write_text(path.parent / FILE, found.to_json())


def _is_known(path: Path, digest: str, mark: str) -> bool:
    try:
        known = Operators.from_json(path.read_bytes())
    except (OSError, ValueError):
        return False
    return (known.file_sha256, known.fingerprint_id) == (digest, mark)


def _take_turns(
    plain: onnxruntime.InferenceSession, watched: onnxruntime.InferenceSession, item: np.ndarray
) -> tuple[list[float], int]:
    """Microseconds of the plain calls, turn by turn, and how many calls each session got in a turn."""

    def call(session: onnxruntime.InferenceSession) -> float:
        begun = time.perf_counter()
        session.run(["logits"], {"input": item})
        return 1e6 * (time.perf_counter() - begun)

    warm = [call(session) for _ in range(WARM_UP) for session in (plain, watched)]
    each = int(min(max(1e6 * AT_MOST_S / (2 * TURNS * np.median(warm)), 1), CALLS / TURNS))
    times = []
    for _ in range(TURNS):
        times += [call(plain) for _ in range(each)]
        for _ in range(each):
            call(watched)
    return times, each


def summarize(events: list[dict[str, Any]], layers: tuple[Weighted, ...], each: int) -> list[Operator]:
    """Each operator with its mean time over the calls after the warm-up, in the order they run in.

    `each`: calls in a turn. An operator that was not seen in every call has no times by turn.
    """
    times, kinds = defaultdict(list), {}
    for event in events:
        name = str(event.get("name", ""))
        if event.get("cat") == "Node" and name.endswith(KERNEL):
            node = name.removesuffix(KERNEL)
            times[node].append(float(event["dur"]))
            kinds[node] = str(event["args"]["op_name"])
    known = _layers(kinds, layers)
    found = []
    for node, spent in times.items():
        kept = spent[WARM_UP:] or spent
        turns = [kept[at : at + each] for at in range(0, len(kept), each)] if len(kept) == TURNS * each else []
        one = _operator(node, kinds[node], _typical_us(kept), known.get(node))
        found.append(one.with_(turns_us=tuple(map(_typical_us, turns))))
    return found


def _typical_us(spent: list[float]) -> float:
    """The mean of the middle half: a median would know whole microseconds only, a mean every disturbance.

    The profiler cuts off fractions of a microsecond; half of one is what is lost on average.
    """
    ordered = np.sort(spent)
    return float(ordered[len(spent) // 4 : max(3 * len(spent) // 4, 1)].mean()) + 0.5


def _operator(node: str, kind: str, us: float, layer: Weighted | None) -> Operator:
    if layer is None:
        return Operator(name=node, kind=kind, role=role_of(kind), us=us)
    return Operator(
        name=layer.layer, kind=kind, role="arithmetic", us=us, macs=layer.macs, inputs=layer.inputs,
        outputs=layer.outputs,
    )  # fmt: skip


def _layers(kinds: dict[str, str], layers: tuple[Weighted, ...]) -> dict[str, Weighted]:
    """Which layer each arithmetic operator is: ONNX Runtime renames what it fuses, and keeps an old name in the new."""
    found = {}
    for node, kind in kinds.items():
        if role_of(kind) == "arithmetic":
            near = [(len(name), one) for one in layers for name in one.names if name in node]
            if near:
                found[node] = max(near, key=lambda pair: pair[0])[1]
    return found
