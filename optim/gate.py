"""The gate: a file that does not pass is never offered."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import torch

from .data.splits import Splits
from .errors import GateFailed
from .models.network import Network
from .results import Check, Parity
from .runtime import logits, open_session
from .texts import LONGEST

ITEMS, SINGLE_ITEMS = 1000, 128
TOLERANCE = 1e-3
"""Largest allowed difference of an FP32 file's logits, as a share of the largest logit."""
AGREEMENT = 0.9
"""An INT8 file must give its parent's label more often than this."""
FIRST = 10
"""Of a ranking, what must agree."""
CHUNK = 100


def real_images(splits: Splits) -> np.ndarray:
    """1,000 real items, validation first, then train; never test. Of a ranking the users of validation: train has the
    same.
    """
    if _ranks(splits):
        return splits.validation.inputs[:ITEMS]
    return np.concatenate([splits.validation.inputs, splits.train.inputs])[:ITEMS]


def check_fp32(path: Path, network: Network, splits: Splits) -> tuple[Parity, tuple[Check, ...]]:
    """Structure, parity with torch at several batch sizes, reload. Raises `GateFailed` at the first that fails."""
    images = real_images(splits)
    expected = _told(network, images)
    structure = check_structure(path)
    found = answers(path, images)
    worst = max(difference(actual, expected[: len(actual)]) for actual in found)
    agreement = agreeing(found[0], expected, splits)
    fact = f"largest difference {worst:.1e} of the largest logit on {_many(images, splits)}, at most {TOLERANCE:g}"
    parity_line = passed(Check(name="same answers as the network", passed=bool(worst <= TOLERANCE), fact=fact))
    parity = Parity(passed=True, max_rel_diff=worst, label_agreement=agreement, n=len(images))
    return parity, (structure, parity_line, check_reload(path, images[:2]))


def check_int8(path: Path, parent: Path, splits: Splits) -> tuple[Parity, tuple[Check, ...]]:
    """Structure, agreement with the FP32 parent (which has passed its own gate), reload. Raises `GateFailed`."""
    images = real_images(splits)
    expected = logits(open_session(parent), images)
    structure = check_structure(path)
    found = answers(path, images)
    agreement = min(agreeing(part, expected[: len(part)], splits) for part in found)
    fact = f"same label on {100 * agreement:.1f} % of {_many(images, splits)}, more than {100 * AGREEMENT:g} %"
    if _ranks(splits):
        fact = f"{100 * agreement:.1f} % of the first {FIRST} of {len(images):,} users, more than {100 * AGREEMENT:g} %"
    name = f"same first {FIRST} as its FP32 parent" if _ranks(splits) else "same labels as its FP32 parent"
    line = passed(Check(name=name, passed=agreement > AGREEMENT, fact=fact))
    worst = max(difference(part, expected[: len(part)]) for part in found)
    parity = Parity(passed=True, max_rel_diff=worst, label_agreement=agreement, n=len(images))
    return parity, (structure, line, check_reload(path, images[:2]))


def agreeing(found: np.ndarray, expected: np.ndarray, splits: Splits) -> float:
    """Share of equal labels; of rankings, how many of the first `FIRST` of `expected` are among those of `found`."""
    if not _ranks(splits):
        return float((found.argmax(1) == expected.argmax(1)).mean())
    first = [np.argpartition(-scores, FIRST, axis=1)[:, :FIRST] for scores in (found, expected)]
    return float(np.mean([len(np.intersect1d(ours, theirs)) / FIRST for ours, theirs in zip(*first, strict=True)]))


def _ranks(splits: Splits) -> bool:
    return splits.validation.labels.ndim == 2


@torch.no_grad()
def _told(network: Network, inputs: np.ndarray) -> np.ndarray:
    """Logits of the network, asked in parts: scores of all pairs of user and item take room."""
    return torch.cat([network(part) for part in torch.from_numpy(inputs).split(CHUNK)]).numpy()


def answers(path: Path, images: np.ndarray) -> list[np.ndarray]:
    """Logits at batch 7 for all images, and at batch 1 and 2 for the first 128.

    Of texts, where the file takes any length up to the longest: also without padding one by one, and in threes
    without what is padding in all three.
    """
    session = open_session(path)
    few = images[:SINGLE_ITEMS]
    found = [logits(session, images, 7), logits(session, few, 1), logits(session, few, 2)]
    if _takes_any_length(onnx.load(path, load_external_data=False)):
        for size in (1, 3):
            parts = [few[start : start + size] for start in range(0, len(few), size)]
            shorter = [part[:, : max(int((part != 0).sum(1).max()), 1)] for part in parts]
            found.append(np.concatenate([logits(session, part, size) for part in shorter]))
    return found


def _many(items: np.ndarray, splits: Splits) -> str:
    words = "users" if _ranks(splits) else "images" if items.dtype == np.float32 else "texts"
    return f"{len(items):,} {words}"


def difference(actual: np.ndarray, expected: np.ndarray) -> float:
    """Largest absolute difference over the largest absolute logit; infinite when something is not finite."""
    if not np.isfinite(actual).all():
        return float("inf")
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


def check_structure(path: Path) -> Check:
    """ONNX checker with full shape inference, one file, the promised names, a dynamic batch."""
    model = onnx.load(path, load_external_data=False)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        line = f"the ONNX checker refused it: {str(error).splitlines()[0]}"
        raise GateFailed(line, remedy="Report this with the run's log.") from error
    names = ([i.name for i in model.graph.input], [o.name for o in model.graph.output])
    external = any(t.data_location == onnx.TensorProto.EXTERNAL for t in model.graph.initializer)
    facts = {
        "input 'input', output 'logits'": (names == (["input"], ["logits"]), f"input {names[0]}, output {names[1]}"),
        "any batch size": (_any_batch(model), "a fixed batch size"),
        **({f"any length up to {LONGEST}": (_any_length(model), "a fixed length")} if _takes_any_length(model) else {}),
        "one file": (not external, "weights outside the file"),
    }
    wrong = [found for good, found in facts.values() if not good]
    fact = f"opset {model.opset_import[0].version}, {len(model.graph.node)} operators, {', '.join(list(facts)[1:])}"
    if wrong:
        fact = f"found {'; '.join(wrong)}, needed {'; '.join(n for n, (good, _) in facts.items() if not good)}"
    return passed(Check(name="valid ONNX with inferred shapes", passed=not wrong, fact=fact))


def _any_batch(model: onnx.ModelProto) -> bool:
    shapes = [value.type.tensor_type.shape.dim for value in model.graph.input[:1]]
    return all(len(dims) > 0 and bool(dims[0].dim_param) for dims in shapes)


def _takes_any_length(model: onnx.ModelProto) -> bool:
    """Whether the file says that it takes texts of any length, up to `LONGEST`."""
    return any(fact.key == "input" and fact.value.endswith("length)") for fact in model.metadata_props)


def _any_length(model: onnx.ModelProto) -> bool:
    return bool(model.graph.input[0].type.tensor_type.shape.dim[1].dim_param)


_RELOAD = """
import json, sys, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
images = numpy.array(json.load(sys.stdin), dtype=sys.argv[2])
print(json.dumps(session.run(["logits"], {"input": images})[0].tolist()))
"""


def check_reload(path: Path, images: np.ndarray) -> Check:
    """A fresh process that knows nothing but the file gives the same answers, with one thread as here.

    With more, sums come in another order, and where 8 bits are rounded on the way, the last of them flips now and then.
    """
    process = subprocess.run(
        [sys.executable, "-c", _RELOAD, str(path), str(images.dtype)],
        input=json.dumps(images.tolist()), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if process.returncode:
        tail = process.stderr.strip().splitlines()[-1:] or ["no message"]
        raise GateFailed(f"A fresh process could not load the file: {tail[0]}", remedy="Report this with the log.")
    again = np.array(json.loads(process.stdout), dtype=np.float32)
    apart = difference(again, logits(open_session(path), images))
    told = (
        "same answers" if apart <= TOLERANCE else f"answers differ by {apart:.1e} of the largest, at most {TOLERANCE:g}"
    )
    fact = f"{path.stat().st_size:,} bytes, {told}"
    return passed(Check(name="reloads in a fresh process", passed=apart <= TOLERANCE, fact=fact))


def passed(check: Check) -> Check:
    """The check itself, or `GateFailed` with its fact."""
    if not check.passed:
        raise GateFailed(
            f"The exported file failed a check: {check.name}.",
            given=check.fact,
            remedy="The file is not offered. Retry the run; if it fails again, report it with the log.",
        )
    return check
