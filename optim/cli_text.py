"""Runs, fronts and the catalogue as plain text for a terminal."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

from . import catalog, disturbed, findings, gains, outcomes, paired, recipes, remarks, stats, tables, time_words, words
from .records import Run
from .results import Score
from .store_read import StoreReader
from .views import Json, onnx_path


def catalog_object() -> Json:
    """The menu as JSON; an open end of a range is null."""
    rows = {"datasets": catalog.DATASETS, "models": catalog.MODELS, "techniques": catalog.TECHNIQUES}
    return {name: [_plain(dataclasses.asdict(row)) for row in table.values()] for name, table in rows.items()}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def catalog_text() -> str:
    lines = ["Data sets"]
    lines += [f"  {row.name:<16} {row.help}" for row in catalog.DATASETS.values()]
    lines += ["", "Models (--width 0.25 to 4)"]
    lines += [f"  {row.name:<16} {row.help}" for row in catalog.MODELS.values()]
    lines += ["", "Techniques (--step NAME:KNOB=VALUE,...)"]
    for row in catalog.TECHNIQUES.values():
        lines.append(f"  {row.name:<16} {row.help}")
        for knob in row.knobs:
            default = str(knob.default).lower() if isinstance(knob.default, bool) else knob.default
            default = "none" if default == "" else default
            elsewhere = "".join(f", {row.name} {row.begins[knob.name]:g}" for row in _with_own(knob.name))
            lines.append(f"    {knob.name:<18} {knob.allowed}; default {default}{elsewhere}. {knob.help}")
    return "\n".join(lines)


def _with_own(knob: str) -> list[catalog.Dataset]:
    """The data with which a knob does not stand at its default."""
    return [row for row in catalog.DATASETS.values() if knob in row.begins]


def make_one(dataset: str | None) -> str:
    """What to do where there is nothing, on this data set.

    >>> make_one("names")
    'Make one: python -m optim run --dataset names --model lstm'
    """
    row = catalog.dataset(dataset or "digits")
    return f"Make one: python -m optim run --dataset {row.name} --model {catalog.models_for(row.kind)[0].name}"


def runs_text(runs: Sequence[Run], dataset: str | None = None) -> str:
    if not runs:
        return f"No runs yet. {make_one(dataset)}"
    table = _table(("run", "state", "data", "recipe", "validation", "p50 ms", "faster", "kB"), map(_row, runs))
    doubtful = any(map(remarks.not_valid, runs))
    return (
        table
        + "\n? The time is not valid: something disturbed it. Time it again: python -m optim measure RUN" * doubtful
    )


def _row(run: Run) -> tuple[str, ...]:
    state = ", ".join(filter(None, [str(run.state), remarks.attempt(run) if run.state.live else ""]))
    words_of = (str(run.id), state, run.recipe.dataset, recipes.describe(run.recipe))
    if run.result is None or run.latency is None:
        return (*words_of, "", "", "", "")
    score, latency = run.result.file.score.validation, run.latency
    doubt = "" if latency.valid else " ?"
    return (
        *words_of,
        words.percent(score.value),
        time_words.ms_alone(latency.p50_ms) + doubt,
        words.times(latency.ratio.value),
        words.three(run.result.file.size_bytes / 1000),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [tuple(head), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def run_text(run: Run, store: StoreReader) -> str:
    lines = [f"Run {run.id} is {run.state}: {recipes.describe(run.recipe)} on {run.recipe.dataset}"]
    if again := remarks.attempt(run):
        lines.append(again[:1].upper() + again[1:] + ".")
    if run.failure:
        again = f"{run.errand.capitalize()} failed: " if run.result else ""
        lines += [again + run.failure.reason, run.failure.remedy]
    if run.result is not None and run.latency is not None:
        lines += _numbers(run, store)
    lines.append(f"again       {recipes.command(run.recipe, run.project)}")
    return "\n".join(line for line in lines if line)


def _numbers(run: Run, store: StoreReader) -> list[str]:
    assert run.result is not None and run.latency is not None
    file, time, base = run.result.file, run.latency, store.reference_run(run.project)
    median_ms, p90_ms = map(time_words.ms, (time.p50_ms, time.p90_ms))
    test = [f"test        {_score(file.score, 'test', run)}"] if file.score.test else []
    again = f"Time it again while nothing else runs: python -m optim measure {run.id}"
    doubt = [] if time.valid else [f"not valid   {disturbed.said([time])} {again}"]
    elsewhere = [f"            {tables.elsewhere_line(run)}"] if run.earlier else []
    return [
        f"validation  {_score(file.score, 'validation', run)}",
        *(_loss_lines(run, base, store) if base is not None and base.id != run.id else []),
        *test,
        f"latency     {median_ms} median, {p90_ms} p90, {words.target(run.project)}",
        f"speed       {words.ratio(time.ratio)} of {run.project.reference}, the reference",
        *doubt,
        *elsewhere,
        f"size        {words.size(file.size_bytes)}, {file.params:,} parameters, {file.macs:,} MACs",
        f"precision   {remarks.precision(file)}",
        f"file        {onnx_path(run, store.home)}",
        *gains.lines(run.result.groups),
        *(f"warning     {warning}" for warning in run.result.warnings),
    ]


def _score(score: Score, split: str, run: Run) -> str:
    """`90.7 % (89.8 to 91.6, on 4,000 images)`, by each metric; its name where it does not go without saying."""
    row = catalog.data_of(run)
    told = words.score(getattr(score, split), row)
    more = [(catalog.METRICS[one.metric], getattr(one, split)) for one in score.further]
    extra = "".join(f"; {metric.label}: {words.score(share, row)}" for metric, share in more if share is not None)
    return f"{row.goodness.label}: {told}{extra}" if row.goodness.of else told


def _loss_lines(run: Run, reference: Run, store: StoreReader) -> list[str]:
    """The loss on validation, and on test where both were opened."""
    lines, row = [], catalog.data_of(run)
    for split in ("validation", "test"):
        loss = outcomes.loss(store.home, reference, run, split)
        if loss is not None:
            name = "loss" if split == "validation" else "on test"
            told = f"{findings.loss_words(loss, row)} against the reference{findings.evidence(loss, row)}"
            lines.append(f"{name:<11} {told}")
    return lines


def seeds_text(runs: Sequence[Run], store: StoreReader) -> str:
    """What the seeds of one recipe come to: the mean accuracy, and what it loses, over seeds and items."""
    done = [run for run in runs if run.result is not None]
    if len(done) < 2:
        return "A mean needs two seeds that are done."
    scores = stats.mean_over_seeds([run.result.file.score.validation for run in done if run.result])
    low, high = 100 * scores.low, 100 * scores.high
    told = f"mean of {len(done)} seeds: validation {words.percent(scores.value)} ({low:.1f} to {high:.1f})"
    reference = store.reference_run(done[0].project)
    losses = [outcomes.loss(store.home, reference, run) for run in done] if reference is not None else []
    known = [loss for loss in losses if loss is not None]
    if len(known) < len(done) or any(run == reference for run in done):
        return told
    return f"{told}, {findings.loss_words(paired.mean_loss(known), catalog.data_of(done[0]))} against the reference"


def fronts_text(fronts: Sequence[Json], dataset: str | None = None) -> str:
    if not fronts:
        return f"No run is measured yet. {make_one(dataset)}"
    return "\n\n".join(_front_text(front) for front in fronts)


def _front_text(front: Json) -> str:
    project, mark = front["project"], front["fingerprint"]
    threads = words.plural(project["threads"], "thread")
    where = f"{project['dataset']} on {mark['processor']}, {threads}, batch {project['batch']}"
    shipped = "Shipped examples timed here: " if front["origin"] == "example" else ""
    opened = f"The test set was opened {words.times_said(front['openings'])}."
    why = [f"{front['disturbed']} python -m optim measure RUN"] if front["disturbed"] else []
    head = (f"{shipped}{where}, reference {project['reference']}", front["finding"], *why, opened)
    parts = (("front", findings.FRONT), ("dominated", findings.DOMINATED), ("not_valid", findings.UNSURE))
    verdicts = dict.fromkeys(front["tied"], findings.TIED)
    if front["reference"] and front["reference"]["id"] not in {run["id"] for run in front["not_valid"]}:
        verdicts[front["reference"]["id"]] = findings.REFERENCE
    rows = [_front_row(run, verdicts.get(run["id"], note)) for part, note in parts for run in front[part]]
    return "\n".join([*head, _table(("run", "recipe", "validation", "points lost", "p50 ms", "faster", ""), rows)])


def _front_row(run: Json, note: str) -> tuple[str, ...]:
    from .records import Recipe

    return (
        str(run["id"]),
        recipes.describe(Recipe.model_validate(run["recipe"])),
        words.percent(run["score"]["validation"]["value"]),
        _points_lost(run["loss"]),
        time_words.ms_alone(run["latency"]["p50_ms"]),
        words.times(run["latency"]["ratio"]["value"]),
        note,
    )


def _points_lost(loss: Json | None) -> str:
    if loss is None:
        return ""
    value, low, high = (f"{100 * loss[name]:z.1f}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high}{'' if loss['paired'] else ', unpaired'})".replace("-", words.MINUS)
