"""Everything a user needs to run one model elsewhere, in one zip. Light: zipfile and text only."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from pathlib import Path

from . import catalog, disturbed, infer_image, infer_ranking, infer_text, judging, recipes, remarks, time_words, words
from .catalog import METRICS, Dataset
from .errors import StoreError
from .home import ASSETS
from .records import Run
from .results import Check, File, Latency

NOUNS = {"image": "An image classifier", "text": "A text classifier", "recommendation": "A recommender"}
OLDEST = 315532800
"""The first second a zip can tell, of 1980."""


def infer(run: Run) -> str:
    """The script that comes with the file, and runs; it is given images or users in a file, texts as they are."""
    data = catalog.dataset(run.recipe.dataset)
    if data.ranks:
        return infer_ranking.script(data)
    if data.kind == "text":
        return infer_text.script(data)
    return infer_image.script(data)


def file_name(run: Run, file: Path) -> str:
    """`digits-resnet8-run4.onnx`: tells what it is after it has left the folder; shipped ones are `example4`."""
    return f"{run.recipe.dataset}-{run.recipe.model}-{_whose(file)}{run.id}.onnx"


def zip_name(run: Run, file: Path) -> str:
    return file_name(run, file).removesuffix(".onnx") + ".zip"


def _whose(file: Path) -> str:
    return "example" if ASSETS in file.parents else "run"


def _made(run: Run) -> File:
    assert run.result is not None, "only a finished run has a file"
    return run.result.file


def headline(run: Run) -> str:
    """The Export page's title: whether the file may be trusted."""
    checks = checklist(run)
    passed = sum(check.passed for check in checks)
    if passed == len(checks):
        return f"This file has passed all {passed} checks" if passed > 1 else "This file has passed its check"
    return f"This file failed {words.plural(len(checks) - passed, 'check')}"


def line(run: Run) -> str:
    """What the file is, in one quiet line."""
    file = _made(run)
    made, kind = recipes.describe(run.recipe), remarks.precision(file)
    parts = [made, words.size(file.size_bytes), *([] if made.endswith(kind) else [kind]), f"opset {file.opset}"]
    return " · ".join(parts)


def checklist(run: Run) -> tuple[Check, ...]:
    """What the gate found, line by line."""
    return _made(run).checks


def capital(text: str) -> str:
    """A sentence begins large, whatever its first word.

    >>> capital("loads and answers")
    'Loads and answers'
    """
    return text[:1].upper() + text[1:]


def problem(run: Run, file: Path) -> str:
    """Why there is nothing to download; empty if there is."""
    if not all(check.passed for check in checklist(run)):
        return "It is not offered: a file must pass every check."
    try:
        onnx_bytes(run, file)
    except StoreError as error:
        return f"{error.what} {error.remedy}"
    return ""


def facts(run: Run) -> list[tuple[str, str]]:
    """Every measured fact with its unit, interval and n."""
    file, time, data = _made(run), run.latency, catalog.data_of(run)
    rows = [("Validation", words.score(file.score.validation, data)), *_further(run)]
    if file.score.test:
        rows.append(("Test", words.score(file.score.test, data)))
    if time:
        calls = f"{words.plural(time.calls, 'call')}, {words.plural(time.threads, 'thread')}, batch {time.batch}"
        rows.append(("Median time", f"{time_words.ms(time.p50_ms)} ({calls})"))
        told = {"p90": time.p90_ms} | ({"p99": time.p99_ms} if time.p99_known else {}) | {"mean": time.mean_ms}
        rows.append((", ".join(told), ", ".join(map(time_words.ms, told.values()))))
        rows.append(("Against the reference", words.ratio(judging.settled_ratio(time), "as fast")))
    return [*rows, (f"MACs for one {data.request}", words.count(file.macs)), ("SHA-256", f"{file.sha256[:16]} ...")]


def _further(run: Run) -> list[tuple[str, str]]:
    """Validation by the metrics that are told beside the data's own."""
    data, scores = catalog.data_of(run), _made(run).score.further
    return [(f"Validation {METRICS[s.metric].label}", words.score(s.validation, data)) for s in scores]


def model_card(run: Run, whose: str = "run", loss: str = "") -> str:
    """What the file is, how good and how fast it was measured, and what may be done with it.

    `whose` number it has; `loss`: what it loses against the reference, in words.
    """
    file, data, mark = _made(run), catalog.dataset(run.recipe.dataset), run.fingerprint
    lines = [
        f"# {recipes.describe(run.recipe)}",
        "",
        f"{NOUNS[data.kind]} for {data.label}, made and measured by Paretoscope ({whose} {run.id}).",
        "",
        "| | |",
        "|---|---|",
        *_score_lines(run, loss),
        *(_time_lines(run.latency, run.project.reference) if run.latency else []),
        f"| Parameters | {words.count(file.params)} |",
        f"| MACs for one {data.request} | {words.count(file.macs)} |",
        f"| File size | {words.size(file.size_bytes)} |",
        f"| Precision | {remarks.precision(file)}, opset {file.opset} |",
        f"| SHA-256 | `{file.sha256}` |",
        "",
        "## Use",
        f"Input `input`: {_input(data)}.",
        f"Output `logits`: float32, {_output(data)}.",
        "",
        "## Checks",
        *_check_lines(file),
        "",
        "## Data and limits",
        f"Trained on {data.label} ({data.source}; licence {data.licence}). It was scored on that data only:",
        f"on other {data.items[1]} it may be wrong without saying so.",
        *([f"The data's terms bind this file and what lies beside it: {data.terms}."] if data.terms else []),
        "",
        "## Made by",
        f"    {recipes.command(run.recipe, run.project)}",
        *([f"Timed on {mark.processor}, ONNX Runtime {mark.onnxruntime}, {mark.provider}."] if mark else []),
    ]
    return "\n".join(lines) + "\n"


def _score_lines(run: Run, loss: str) -> list[str]:
    score, data = _made(run).score, catalog.data_of(run)
    test = words.score(score.test, data) if score.test else "not opened"
    return [
        f"| Validation {data.goodness.label} | {words.score(score.validation, data)} |",
        f"| Test {data.goodness.label} | {test} |",
        *(f"| {name} | {told} |" for name, told in _further(run)),
        *([f"| Against the reference, {data.goodness.label} on validation | {loss} |"] if loss else []),
    ]


def _input(data: Dataset) -> str:
    """What goes in, type and shape first."""
    if data.kind == "text":
        return f"int64, (n, any length up to {infer_text.LONGEST}), tokens, 0 = padding; infer.py makes them of a text"
    sides = ", ".join(map(str, data.shape))
    if data.ranks:
        return f"int64, (n, {sides}), the user's number, then the ids of chosen items from 1, 0 = none"
    return f"float32, (n, {sides}), pixels from 0 to 1; normalized inside"


def _output(data: Dataset) -> str:
    if data.ranks:
        return f"(n, {data.outputs}), one score per item in the order of {infer_ranking.TITLES}"
    return f"(n, {len(data.classes)}), one per class: {', '.join(data.classes)}"


def _check_lines(file: File) -> list[str]:
    """The gate's lines; those on the FP32 file that an INT8 file was made of stand apart."""
    lines = []
    for whose, checks in remarks.checked(file):
        lines += ["", f"{whose}:", ""] if whose else []
        lines += [f"- {'passed' if check.passed else 'FAILED'}: {check.name}: {check.fact}" for check in checks]
    return lines


def _time_lines(time: Latency, reference: str) -> list[str]:
    told = "" if time.valid else f" (not valid. {disturbed.said([time])})"
    calls = f"{words.plural(time.calls, 'call')}, {words.plural(time.threads, 'thread')}, batch {time.batch}"
    return [
        f"| Latency, median | {time_words.ms(time.p50_ms)} ({calls}){told} |",
        f"| Latency, p90 and p99 | {time_words.ms(time.p90_ms)} and {time_words.ms(time.p99_ms)} |"
        if time.p99_known
        else f"| Latency, p90 | {time_words.ms(time.p90_ms)} |",
        f"| Against the reference, dense {reference} | {words.ratio(judging.settled_ratio(time), 'as fast')} |",
    ]


def onnx_bytes(run: Run, file: Path) -> bytes:
    """The very bytes that passed the checks; `StoreError` when the file is gone or is another one by now."""
    shipped = "Fetch the project's files again: git checkout assets." if ASSETS in file.parents else ""
    try:
        content = file.read_bytes()
    except OSError as error:
        remedy = shipped or f"Retry run {run.id} on the Runs page to make it again."
        raise StoreError("The model file is gone or cannot be read.", given=file, remedy=remedy) from error
    if hashlib.sha256(content).hexdigest() != _made(run).sha256:
        remedy = shipped or f"Retry run {run.id} on the Runs page to make it again."
        raise StoreError("The model file was changed since it was checked.", given=file, remedy=remedy)
    return content


def everything(run: Run, file: Path, loss: str = "") -> bytes:
    """The zip: model.onnx, MODEL_CARD.md, recipe.json, infer.py, what that reads, and the data's terms if they bind it.

    Equal content gives equal bytes.
    """
    data = catalog.data_of(run)
    parts = {
        "model.onnx": onnx_bytes(run, file),
        "MODEL_CARD.md": model_card(run, _whose(file), loss).encode(),
        "recipe.json": recipes.pretty(run.recipe).encode(),
        "infer.py": infer(run).encode(),
    }
    parts |= infer_ranking.extras(data) if data.ranks else {}
    parts |= {data.terms: (ASSETS / "data" / data.terms).read_bytes()} if data.terms else {}
    made = time.gmtime(max(run.ended_at or 0, OLDEST))[:6]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, made)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16  # readable by all, wherever it was zipped
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
