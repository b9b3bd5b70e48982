"""ONNX Runtime: open a file with fixed threads, ask it, score it, and say under which conditions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from . import conditions
from .conditions import OPTIONS, PROVIDERS
from .errors import RequestError
from .results import Fingerprint


def open_session(
    path: Path, *, threads: int = 1, device: str = "cpu", profile: Path | None = None
) -> onnxruntime.InferenceSession:
    """A session with all graph optimizations, `threads` for each operator, no spinning between calls.

    With `profile` it writes the time of each operator to a file that begins with this path.

    Raises `RequestError` if this ONNX Runtime cannot run on `device`.
    """
    provider = PROVIDERS.get(device, "")
    available = onnxruntime.get_available_providers()
    if provider not in available:
        raise RequestError(
            "The installed ONNX Runtime cannot time on this device.",
            given=device,
            allowed=", ".join(name for name, needed in PROVIDERS.items() if needed in available),
            remedy="Install onnxruntime-gpu in place of onnxruntime to time on a GPU.",
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    if profile is not None:
        options.enable_profiling, options.profile_file_prefix = True, str(profile)
    for key, value in OPTIONS.items():
        options.add_session_config_entry(key, value)
    return onnxruntime.InferenceSession(str(path), options, providers=[provider])


def logits(session: onnxruntime.InferenceSession, inputs: np.ndarray, batch: int = 250) -> np.ndarray:
    """Float32 (n, classes), asked in batches; the last one may be smaller."""
    starts = range(0, len(inputs), batch)
    return np.concatenate([np.asarray(session.run(["logits"], {"input": inputs[i : i + batch]})[0]) for i in starts])


def fingerprint(*, device: str, threads: int, batch: int, torch_version: str = "") -> Fingerprint:
    """The conditions of a measurement on this machine now."""
    told = conditions.here(device=device, threads=threads, batch=batch, torch_version=torch_version)
    return told.with_(onnxruntime=onnxruntime.__version__)
