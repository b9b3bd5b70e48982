"""Which operator of a file takes how long, from ONNX Runtime's own profiler, under the conditions of the project.

The profiler's own cost lies in the times that it tells. So two things are timed without it, in the same turns: the
whole call, and a call of a graph that computes nothing. Between them lies what operators take (`Operators.net`).
"""

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
from onnx import helper, numpy_helper

from . import cost, runtime
from .atomic import write_text
from .cache import sha256
from .cost import Weighted
from .operators import FILE, Operator, Operators, role_of
from .records import Task

__all__ = ["FILE", "profile"]

WARM_UP, CALLS, AT_MOST_S = 10, 120, 1.5
TURNS = 6
"""The profiled session, the plain one and the empty one are called in turns, so that a change of load hits all."""
KERNEL = "_kernel_time"


def profile(path: Path, task: Task, request: np.ndarray) -> None:
    """Write `operators.json` beside `path`, each time the file is timed. The caller holds the machine.

    `request`: what the file is called with, (batch, *shape of an item).
    """
    project, model = task.project, onnx.load(path)
    where = {"device": project.device, "threads": project.threads}
    with tempfile.TemporaryDirectory() as scratch:
        plain = runtime.open_session(path, **where)
        watched = runtime.open_session(path, **where, profile=Path(scratch) / "profile")
        nothing = Path(scratch) / "empty.onnx"
        onnx.save(empty(model, request, np.asarray(plain.run(["logits"], {"input": request})[0])), nothing)
        calls_us, empty_us = _take_turns(plain, watched, runtime.open_session(nothing, **where), request)
        events = json.loads(Path(watched.end_profiling()).read_text("utf-8"))
    mark = runtime.fingerprint(**where, batch=project.batch).id
    found = gathered(events, cost.weighted(model), calls_us, empty_us)
    write_text(path.parent / FILE, found.with_(file_sha256=sha256(path), fingerprint_id=mark).to_json())


def empty(model: onnx.ModelProto, request: np.ndarray, answer: np.ndarray) -> onnx.ModelProto:
    """A graph that takes what `model` takes, computes nothing, and answers zeros of the shape of `answer`."""
    given, told = (
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in (("input", request), ("logits", answer))
    )
    node = helper.make_node("Constant", [], ["logits"], value=numpy_helper.from_array(np.zeros_like(answer)))
    graph = helper.make_graph([node], "empty", [given], [told])
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _take_turns(
    plain: onnxruntime.InferenceSession,
    watched: onnxruntime.InferenceSession,
    nothing: onnxruntime.InferenceSession,
    item: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds of the plain and of the empty calls, (turns, calls in a turn) each."""

    def call(session: onnxruntime.InferenceSession) -> float:
        begun = time.perf_counter()
        session.run(["logits"], {"input": item})
        return 1e6 * (time.perf_counter() - begun)

    warm = [[call(session) for session in (plain, watched, nothing)] for _ in range(WARM_UP)]
    each = int(min(max(1e6 * AT_MOST_S / (2 * TURNS * np.median(warm, axis=0)[:2].mean()), 1), CALLS / TURNS))
    times, of_nothing = [], []
    for _ in range(TURNS):
        times.append([call(plain) for _ in range(each)])
        for _ in range(each):
            call(watched)
        of_nothing.append([call(nothing) for _ in range(each)])
    return np.array(times), np.array(of_nothing)


def gathered(
    events: list[dict[str, Any]], layers: tuple[Weighted, ...], calls_us: np.ndarray, empty_us: np.ndarray
) -> Operators:
    """The profile from what the profiler wrote and the times of the other calls, (turns, calls in a turn) each."""
    return Operators(
        file_sha256="", fingerprint_id="", calls=calls_us.size, call_us=float(np.median(calls_us)),
        operators=tuple(summarize(events, layers, calls_us.shape[1])),
        turns_us=tuple(np.median(calls_us, axis=1).tolist()),
        empty_us=float(np.median(empty_us)), empty_turns_us=tuple(np.median(empty_us, axis=1).tolist()),
    )  # fmt: skip


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
