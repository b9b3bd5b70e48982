"""Rows for tables and names for choosers: what pages list, ready to be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from . import catalog, conditions, findings, recipes, remarks, time_words, words
from .findings import Findings
from .outcomes import Pairing
from .records import Project, Run, State
from .results import Fingerprint, Group


def project_name(project: Project) -> str:
    """A project in a chooser; of its target what is not usual.

    >>> project_name(Project(dataset="digits", reference="cnn:1")), project_name(
    ...     Project(dataset="digits", reference="resnet8:0.5", threads=4, batch=8)
    ... )
    ('Digits 8x8, reference cnn x1', 'Digits 8x8, reference resnet8 x0.5, 4 threads, batch 8')
    """
    parts = [catalog.dataset(project.dataset).label, f"reference {project.reference.replace(':', ' x')}"]
    parts += [project.device.upper()] * (project.device != "cpu")
    parts += [words.plural(project.threads, "thread")] * (project.threads != 1)
    parts += [f"batch {project.batch}"] * (project.batch != 1)
    return ", ".join(parts)


def project_word(project: Project) -> str:
    """The project in an address, the same on every machine; a target other than the usual one is told too.

    >>> project_word(Project(dataset="digits", reference="cnn:1")), project_word(
    ...     Project(dataset="digits", reference="resnet8:0.5", threads=4, batch=8)
    ... )
    ('digits-cnn-1', 'digits-resnet8-0.5-cpu-4-8')
    """
    usual = (project.device, project.threads, project.batch) == ("cpu", 1, 1)
    target = "" if usual else f"-{project.device}-{project.threads}-{project.batch}"
    return f"{project.dataset}-{project.reference.replace(':', '-')}{target}"


def target_key(project: Project) -> tuple:
    """What makes two projects of different stores the same."""
    return tuple(value for name, value in project if name != "id")


def same_target(one: Project, other: Project) -> bool:
    return target_key(one) == target_key(other)


def machine_names(prints: Mapping[str, Fingerprint]) -> dict[str, str]:
    """A name per set of conditions; where the processor alone does not tell two apart, the rest is said."""
    short = {key: mark.processor for key, mark in prints.items()}
    names = list(short.values())
    return {
        key: short[key]
        if names.count(short[key]) == 1
        else f"{short[key]}, {words.plural(mark.cores, 'core')}, ONNX Runtime {mark.onnxruntime} ({key[:4]})"
        for key, mark in prints.items()
    }


def circumstances(found: Findings, project: Project, machine: str) -> str:
    """The quiet line under the title: data, reference, target, how many runs and how well they can be told apart."""
    count = sum(len(fact.runs) for fact in found.facts)
    parts = [
        catalog.dataset(project.dataset).label,
        f"reference {project.reference.replace(':', ' at width ')}",
        words.target(project),
        f"{words.plural(count, 'run')} measured{f' on {machine}' if machine else ''}",
    ]
    near = found.count(findings.TIED)
    if near:
        parts.append(f"{near} tied with the front")
    if unsure := found.count(findings.UNSURE):
        parts.append(remarks.left_out(unsure))
    return " · ".join(parts)


def until(runs: Sequence[Run], moment: float) -> tuple[Run, ...]:
    """The runs that had ended by then."""
    return tuple(run for run in runs if (run.ended_at or 0.0) <= moment)


def newest(runs: Sequence[Run]) -> float:
    """When the last of them ended."""
    return max((run.ended_at or 0.0 for run in runs), default=0.0)


def run_rows(runs: Sequence[Run], curves: Mapping[int, Sequence[float]]) -> list[dict[str, object]]:
    """One row a run, for the list of runs; `curves`: validation accuracy per epoch in percent.

    A column for times that are not valid stands there only if one is not.
    """
    marked = any(remarks.not_valid(run) for run in runs)
    return [
        {
            "run": run.id,
            "recipe": recipes.brief(run.recipe, run.recipe.model_ref),
            "state": ", ".join(filter(None, [state_words(run), remarks.attempt(run).partition(":")[0]])),
            "latency": run.latency.p50_ms if run.latency else None,
            **({"time": remarks.NOT_VALID * remarks.not_valid(run)} if marked else {}),
            "accuracy": 100 * run.result.file.score.validation.value if run.result else None,
            "model": f"{run.recipe.model} x{run.recipe.width:g}",
            "data": catalog.dataset(run.recipe.dataset).label,
            "curve": list(curves.get(run.id, ())),
            "took": words.duration(run.ended_at - run.started_at) if run.ended_at and run.started_at else "",
            "when": words.ago(run.ended_at or run.created_at),
        }
        for run in runs
    ]


def score_head(runs: Sequence[Run]) -> str:
    """What the scores of these runs are called: by their metric where all have the same."""
    labels = {catalog.data_of(run).goodness.label for run in runs}
    return f"{labels.pop() if len(labels) == 1 else 'validation'}, %"


def score_help(runs: Sequence[Run]) -> str:
    """By which metric the runs of each data set are scored."""
    rows = {row.name: row for row in map(catalog.data_of, runs)}
    return "; ".join(f"{row.goodness.label} of {row.label}" for row in rows.values())


def state_words(run: Run) -> str:
    """`stopping` is a running run that was asked to stop; `timing again` one whose file is there already."""
    if run.state is State.RUNNING and run.cancel_requested:
        return "stopping"
    if run.again:
        waits = "waits to have its test set opened" if run.opening else "waits to be timed again"
        return run.errand if run.state is State.RUNNING else waits
    return str(run.state)


def outcome(run: Run) -> str:
    """One number or one reason for the list of last runs."""
    if run.result is not None and run.latency is not None:
        return f"{words.percent(run.result.file.score.validation.value)} at {remarks.ms(run)}"
    return run.failure.reason if run.failure else ""


LOG_BYTES = 20_000


def log_tail(folder: Path) -> str:
    """The end of a run's log; empty when it printed nothing."""
    try:
        return (folder / "log.txt").read_bytes()[-LOG_BYTES:].decode("utf-8", errors="replace").strip()
    except OSError:
        return ""


LISTED = 200


def listed(ended: Sequence[Run], asked: int | None) -> list[Run]:
    """The newest runs, and the one that was asked for, however old."""
    return [run for place, run in enumerate(ended) if place < LISTED or run.id == asked]


def queue_title(runs: Sequence[Run]) -> str:
    """The Runs page's title: what is going on."""
    live = [run for run in runs if run.state.live]
    failed = [run for run in runs if run.state is State.FAILED]
    if live:
        running = next((run for run in live if run.state is State.RUNNING), None)
        doing = f"Run {running.id} is running" if running else "Waiting for the worker"
        return f"{doing}, {words.plural(len(live) - bool(running), 'more run')} to come" if len(live) > 1 else doing
    if not runs:
        return "No runs yet"
    if runs[0].state is State.FAILED:
        return f"Run {runs[0].id} failed"
    told = f", {len(failed)} failed" if failed else ""
    none = ", no time is valid" if remarks.nothing_valid(runs) else ""
    who = f"Run {runs[0].id} has" if len(runs) == 1 else f"All {len(runs):,} runs have"
    return f"{who} ended{told}{none}"


def ended(runs: Sequence[Run]) -> list[Run]:
    """The runs that nothing will happen to any more."""
    return [run for run in runs if not run.state.live]


def queue_line(runs: Sequence[Run]) -> str:
    """The quiet line of the Runs page: how the runs stand."""
    counts = {state: sum(run.state is state for run in runs) for state in State}
    told = [f"{count} {state}" for state, count in counts.items() if count]
    doubtful = sum(map(remarks.not_valid, runs))
    return ", ".join([*told, *([f"{doubtful} without a valid time"] if doubtful else [])])


def file_name(run: Run, *, shipped: bool) -> str:
    """A finished run in a chooser: its number, what it is, how good and how fast."""
    kind = "Example" if shipped else "Run"
    data = catalog.dataset(run.recipe.dataset).label
    return f"{kind} {run.id} · {data} · {recipes.describe(run.recipe)} · {outcome(run)}"


QUESTION = "What is the fastest model that is still accurate enough?"


class Best(NamedTuple):
    title: str
    circumstances: str
    sentence: str
    left_out: int = 0
    """Runs of that plot whose times are not valid, and that do not wait to be timed again yet."""
    project: str = ""
    """Its word in an address."""


def best_so_far(runs: Sequence[Run], pairing: Pairing | None = None, test: Pairing | None = None) -> Best:
    """Start's title and what stands under it: the newest project with a valid time, on the machine most of its runs
    were timed on.
    """
    done = findings.measured(runs)
    if not done:
        return Best(QUESTION, "Prune, distil and quantize; every point is measured on the file that you take away.", "")
    project = next((run.project for run in done if not remarks.not_valid(run)), done[0].project)
    mine = [run for run in done if run.project == project]
    key = next(iter(conditions.machines(mine)))
    found = findings.find(conditions.under(mine, key), pairing=pairing, test=test)
    where = f"{catalog.dataset(project.dataset).label} · reference {project.reference} · {words.target(project)}"
    unsure = found.count(findings.UNSURE)
    told = " · ".join(filter(None, [where, remarks.left_out(unsure)]))
    again = remarks.to_time(fact.run for fact in found.facts if fact.verdict == findings.UNSURE)
    return Best(found.title, told, found.sentence, len(again), project_word(project))


def elsewhere_line(run: Run) -> str:
    """The run's newest times under other conditions than the ones shown."""
    told = [f"{time_words.ms(one.latency.p50_ms)} on {one.fingerprint.processor}" for one in run.earlier]
    return f"Also timed under other conditions: {', '.join(told)}."


def group_rows(groups: Sequence[Group]) -> list[dict[str, str]]:
    """Widths before and after, for the table under the bars."""
    return [
        {
            "group": group.label,
            "before": str(group.before),
            "after": str(group.after),
            "kept": words.percent(group.after / group.before, 0),
        }
        for group in groups
    ]
