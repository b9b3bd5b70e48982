"""What the Design page puts together: a recipe from its widgets, a sweep, and what the model will be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from . import baselines, catalog, findings, model_knobs, plan, recipes, remarks, speeds, teacher, words
from .cautions import cautions, counted, foreseen
from .errors import ParetoscopeError
from .file_size import size_bytes
from .jobs import ONE_CORE, Target
from .plan import Anatomy
from .records import KnobValue, Project, Recipe, Run, Step
from .results import Group

SWEEP_SPARSITY = (0.25, 0.4, 0.5, 0.6, 0.75, 0.85)
SWEEP_USUAL = (0.25, 0.5, 0.75)
SWEEP_TEMPERATURE = (1.0, 2.0, 4.0, 8.0, 16.0)
START = {"baseline": "starts from the trained baseline", "scratch": "trained from scratch"}
THREADS_HIGH, BATCH_HIGH = 64, 1024


class Preview(NamedTuple):
    """What the network will be, from the plan alone."""

    groups: tuple[Group, ...]
    """Empty as long as no baseline of this width exists: its anatomy is not known."""
    params: int
    params_before: int
    macs: int
    macs_before: int
    size_bytes: float
    """An estimate."""
    size_before: float
    warnings: tuple[str, ...]
    refused: str
    """Why the recipe cannot be run as it stands; empty if it can."""
    foreseen: bool = True
    """Whether the run will have exactly these widths."""
    counted: bool = True
    """Whether parameters, MACs and bytes are known at all; where not, they are those of the pruning alone."""


def draft(
    dataset: str,
    model: str,
    width: float,
    *,
    start: str,
    steps: Mapping[str, Mapping[str, KnobValue]],
    seed: int,
) -> Recipe:
    """The recipe of these choices, completed; steps stand in the order of the catalogue."""
    chosen = tuple(Step(technique=name, knobs=dict(steps[name])) for name in catalog.TECHNIQUES if name in steps)
    begin = "scratch" if start == "scratch" else "baseline"
    return recipes.complete(Recipe(dataset=dataset, model=model, width=width, start=begin, steps=chosen, seed=seed))


def choices(recipe: Recipe) -> dict[str, KnobValue]:
    """The widgets' values that give this recipe back, by the names Design uses: `distill.epochs`, `use.distill` ..."""
    values: dict[str, KnobValue] = {
        "dataset": recipe.dataset,
        "model": recipe.model,
        "width": recipe.width,
        "start": recipe.start,
        "seed": recipe.seed,
    }
    used = {step.technique: model_knobs.left_open(step, recipe.model) for step in recipe.steps}
    for name in catalog.TECHNIQUES:
        values[f"use.{name}"] = name in used
        if name in used:
            knobs = {
                knob.name: used[name].knobs.get(knob.name, knob.default) for knob in catalog.TECHNIQUES[name].knobs
            }
            values |= {f"{name}.{knob}": value for knob, value in knobs.items()}
    return values


def fits_design(recipe: Recipe) -> bool:
    """Whether the widgets can hold it: each technique at most once, in the catalogue's order."""
    names = [step.technique for step in recipe.steps]
    return names == [name for name in catalog.TECHNIQUES if name in names]


def target_choices(run: Run) -> dict[str, KnobValue]:
    """The same for where its file is timed, what it is compared with, and where it is trained."""
    there = run.project
    target: dict[str, KnobValue] = {"threads": there.threads, "batch": there.batch, "reference": there.reference}
    return {**target, "train-device": run.train_device}


def command(recipe: Recipe, project: Project, train_device: str = "auto") -> str:
    """The command line that makes the same run on the same training device."""
    told = recipes.command(recipe, project)
    return told if train_device == "auto" or "--train-device" in told else f"{told} --train-device {train_device}"


def unfit(run: Run) -> str:
    """Why Design cannot show how this run was made; empty if it can."""
    if not fits_design(run.recipe):
        return "Design holds each step once and in its own order; this recipe has them otherwise."
    there = run.project
    fits = there.device == "cpu" and there.threads <= THREADS_HIGH and there.batch <= BATCH_HIGH
    return "" if fits else f"Design cannot set where this file is timed: {words.target(there)}."


def sweep(
    recipe: Recipe, sparsities: Sequence[float], temperatures: Sequence[float], home: Path, target: Target = ONE_CORE
) -> tuple[Recipe, ...]:
    """The recipe at every pair of these that leaves no layer empty; a value it has no use for counts once."""
    made = {}
    for share in sparsities or (None,):
        for heat in temperatures or (None,):
            changed = {"prune-channels": {"sparsity": share}, "distill": {"temperature": heat}}
            steps = tuple(_changed(step, changed.get(step.technique, {})) for step in recipe.steps)
            one = recipes.complete(recipe.with_(steps=steps))
            if not preview(one, home, target).refused:
                made[one.id] = one
    return tuple(made.values())


def _changed(step: Step, knobs: Mapping[str, KnobValue | None]) -> Step:
    """The step with these knobs where it uses them."""
    used = {name: value for name, value in knobs.items() if value is not None and name in step.knobs}
    return step.with_(knobs={**step.knobs, **used})


def preview(recipe: Recipe, home: Path, target: Target = ONE_CORE) -> Preview:
    """Widths, parameters, MACs and about how many bytes. Never raises for a recipe that is complete.

    `target` is where files are timed: its profile decides, where widths follow a latency.
    """
    try:
        found = baselines.anatomy(recipe.dataset, recipe.model, recipe.width, home)
    except ParetoscopeError as error:
        return Preview((), 0, 0, 0, 0, 0.0, 0.0, (), str(error))
    teachers = teacher.untrained(recipe, home)
    if found is None:
        return Preview((), 0, 0, 0, 0, 0.0, 0.0, (*cautions(recipe, None), *teachers), "")
    before = plan.cost(found, {})
    left, refused = found, ""
    try:
        left = _left(recipe, found, home, target)
    except ParetoscopeError as error:
        refused = str(error)
    (params, macs), widths = plan.cost(left, {}), left.sizes()
    groups = tuple(Group(name=g.name, label=g.label, before=g.size, after=widths[g.name]) for g in found.groups)
    size, dense = size_bytes(left, recipe.steps), size_bytes(found, ())
    return Preview(
        groups, params, before[0], macs, before[1], size, dense, (*cautions(recipe, groups), *teachers), refused,
        foreseen(recipe), counted(recipe),
    )  # fmt: skip


def _left(recipe: Recipe, found: Anatomy, home: Path, target: Target) -> Anatomy:
    speed = speeds.of_recipe(recipe, home, device=target.device, threads=target.threads, batch=target.batch)
    return plan.after(found, recipe.steps, recipe.seed, speed)


def headline(shown: Preview) -> str:
    """What the recipe will do to the network, as the page's title."""
    if shown.refused:
        return "This recipe cannot be run as it stands"
    if not shown.groups:
        return "A model that was not trained here yet"
    if not shown.counted:
        return "Two thin matrices for each large one"
    if shown.macs == shown.macs_before and shown.size_bytes == shown.size_before:
        return "The dense model, as it is"
    less = shown.macs_before / max(shown.macs, 1)
    arithmetic = f"{words.times(less)} less arithmetic" if shown.macs < shown.macs_before else "The same arithmetic"
    return f"{arithmetic}, a file about {words.times(shown.size_before / shown.size_bytes)} smaller"


def known(runs: Sequence[Run], recipe: Recipe) -> str:
    """That an equal recipe was measured already, as a sentence; empty if none was."""
    for run in findings.measured(runs):
        if run.recipe == recipe and run.result and run.latency:
            told = f"{words.percent(run.result.file.score.validation.value)} at {remarks.ms(run)}"
            return f"Run {run.id} has made exactly this: {told}. Run opens it."
    return ""


def reference_of(projects: Sequence[Project], recipe: Recipe, threads: int, batch: int) -> str:
    """The reference such a run would be compared with when none is asked for."""
    for project in projects:
        if (project.dataset, project.threads, project.batch) == (recipe.dataset, threads, batch):
            return project.reference
    return recipe.model_ref


def project_of(projects: Sequence[Project], recipe: Recipe, target: Target) -> Project:
    """The project such a run will belong to, without making it: for the command line that is shown."""
    known = reference_of(projects, recipe, target.threads, target.batch)
    reference = catalog.check_model_ref(target.reference) if target.reference else known
    return Project(dataset=recipe.dataset, threads=target.threads, batch=target.batch, reference=reference)


def model_refs(dataset: str, home: Path) -> list[str]:
    """Models whose baseline lies ready, as `MODEL:WIDTH`, and each model at its usual width."""
    return [
        f"{row.name}:{width:g}"
        for row in catalog.models_for(catalog.dataset(dataset).kind)
        for width in sorted({1.0, *baselines.widths(dataset, row.name, home)})
    ]


def can_teach(ref: str, dataset: str) -> bool:
    """Whether this data can have such a baseline, `MODEL:WIDTH`, trained or not."""
    try:
        catalog.check_takes(catalog.check_model_ref(ref).partition(":")[0], catalog.dataset(dataset))
    except ParetoscopeError:
        return False
    return True


def describe(recipe: Recipe, shown: Preview | None = None) -> str:
    """The quiet line under the title; `shown` knows whether there is a baseline yet."""
    missing = shown is not None and not (shown.groups or shown.refused) and recipe.start == "baseline"
    begins = "the first run trains its baseline" if missing else START[recipe.start]
    return f"{catalog.dataset(recipe.dataset).label} · {recipes.describe(recipe)} · {begins}"
