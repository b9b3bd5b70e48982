"""`run` and `measure`: the commands that wait for a driver's work to be done."""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .cli_parts import home_option, json_option, print_json, there_option, width_option
from .home import home_option as there

if TYPE_CHECKING:
    from .jobs import Target
    from .records import Recipe, Run

INTERRUPTED = 130
"""What a shell expects of a program that was ended by Ctrl-C."""
REFERENCE = "Dense baseline that ratios mean; default: the project's, which its first run's model made it."
RECIPE_OPTIONS = ("dataset", "model", "width", "start", "step", "seed")


@click.command()
@click.argument("recipe_file", required=False, metavar="[recipe.json]", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dataset", help="Data set: see `catalog`.")
@click.option("--model", help="Model: see `catalog`.")
@width_option
@click.option("--start", default="baseline", show_default=True, help="baseline, or scratch: an untrained network.")
@click.option("--step", multiple=True, metavar="NAME:KNOB=VALUE,...", help="A technique; repeat it, in order.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of everything random.")
@click.option("--seeds", type=click.IntRange(1, 100), default=1, show_default=True, help="Repeat it with so many.")
@click.option("--device", default="cpu", show_default=True, help="Where the file is timed.")
@click.option("--train-device", default="auto", show_default=True, help="Where training runs: auto, cpu, cuda.")
@click.option("--threads", type=int, default=1, show_default=True, help="Threads the file is timed with.")
@click.option("--batch", type=int, default=1, show_default=True, help="Items per call when the file is timed.")
@click.option("--reference", metavar="MODEL:WIDTH", help=REFERENCE)
@click.option("--detach", is_flag=True, help="Queue it and return at once.")
@home_option
@json_option
@click.pass_context
def run(ctx: click.Context, recipe_file: Path | None, home: Path, as_json: bool, detach: bool, **options) -> None:  # noqa: ANN003
    """Optimize a model: train, prune, distil, quantize, export, check, score, time.

    The recipe comes from the options, or from a file that Design or --json wrote. An equal recipe opens the existing
    run. With --seeds the same recipe is run with that many seeds, from its own on, and --json prints a list of runs.
    Exit code 0: done (also when the time is not valid), 1: failed, 2: a wrong request.
    """
    from . import families
    from .jobs import Target, submit

    recipe = _recipe(ctx, recipe_file, options)
    target = Target(options["device"], options["threads"], options["batch"], options["reference"])
    asked = {"train_device": options["train_device"], "start_driver": detach}
    submitted = [submit(home, one, target, **asked) for one in families.seeds(recipe, options["seeds"])]
    for known in [one for one, new in submitted if not new]:
        click.echo(_opens(known), err=True)
    if submitted[0][1]:
        _warn(home, recipe, target)
    if told := _another_reference(submitted[0][0], options["reference"]):
        click.echo(told, err=True)
    ended = [one if detach else _wait(home, one) for one, _ in submitted]
    if len(ended) == 1:
        _tell(home, ended[0], as_json=as_json, detach=detach)
    else:
        _tell_all(home, ended, as_json=as_json, detach=detach)
    sys.exit(0 if detach or all(one.state == "done" for one in ended) else 1)


def _warn(home: Path, recipe: Recipe, target: Target) -> None:
    """What Design says of such a recipe before it is run."""
    from .drafts import preview

    for told in preview(recipe, home, target).warnings:
        click.echo(f"warning: {told}", err=True)


def _another_reference(run: Run, asked: str | None) -> str:
    """That ratios mean another model than the run's own, where nobody asked for that; else empty."""
    known, own = run.project.reference, run.recipe.model_ref
    if asked or known == own:
        return ""
    return f"Compared with {known}, the reference of this project; for another: --reference {own}."


@click.command()
@click.argument("run_ids", metavar="RUN...", type=int, nargs=-1, required=True)
@click.option("--detach", is_flag=True, help="Queue it and return at once.")
@there_option
@json_option
def measure(run_ids: tuple[int, ...], detach: bool, home: Path, as_json: bool) -> None:
    """Time the file of a done run again, here and now. What is known of the run stays.

    Several runs of one project are timed together: in turns, in one process, beside their reference.

    Exit code 0: timed (also when the time is not valid), 1: failed or cancelled, 2: a wrong request.
    """
    from . import disturbed
    from .jobs import measure_again
    from .jobs_together import measure_together
    from .store import opened

    store = opened(home)
    before = {number: len(store.measurements(number)) for number in run_ids}
    if len(run_ids) > 1:
        waiting = measure_together(home, run_ids, start_driver=detach)
    else:
        waiting = measure_again(home, run_ids[0], start_driver=detach)
    ended = waiting if detach else _wait(home, waiting)
    known = store.measurements(ended.id)
    timed = ended.failure is None and len(known) > before[ended.id]
    if not detach and not timed and ended.failure is None:
        click.echo(f"error: Timing run {ended.id} again was cancelled; its earlier time stands.", err=True)
    elif timed and known[-1] != ended.measurement:
        why = disturbed.said([known[-1].latency])
        click.echo(f"warning: The new time is not valid. {why} The earlier, valid time stands.", err=True)
    _tell(home, ended, as_json=as_json, detach=detach)
    if timed and not as_json and not detach:
        _tell_pairs(home, ended, run_ids)
    sys.exit(0 if detach or timed else 1)


def _opens(run: Run) -> str:
    """That an equal recipe makes no second run."""
    if run.state == "done":
        return f"Run {run.id} has made exactly this already."
    return f"Run {run.id} is making exactly this already: it is {run.state}."


def _tell_pairs(home: Path, leader: Run, run_ids: tuple[int, ...]) -> None:
    """The ratio of every two runs that were timed together."""
    from .compare import speed_words
    from .sessions import newest
    from .store import opened

    joint = newest({number: opened(home).measurements(number) for number in {leader.id, *run_ids}})
    if joint is None:
        return
    for one, other in combinations(joint.times, 2):
        ratio = joint.ratio(one, other)
        if ratio is not None:
            click.echo(f"run {one} against run {other}: {speed_words(ratio)}")


def _recipe(ctx: click.Context, recipe_file: Path | None, options: dict) -> Recipe:
    """From the file or from the options, never a mixture."""
    from pydantic import ValidationError

    from . import catalog, recipes
    from .errors import RecipeError
    from .records import Recipe

    given = [
        name for name in RECIPE_OPTIONS if ctx.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE
    ]
    if recipe_file is not None:
        if given:
            raise click.UsageError(f"--{given[0]} is already said by {recipe_file.name}. Change it there.")
        return recipes.read(recipe_file)
    for name in ("dataset", "model"):
        if not options[name]:
            raise click.UsageError(f"Missing option '--{name}'; or give a recipe file.")
    steps = tuple(recipes.parse_step(text) for text in options["step"])
    catalog.check_width(options["width"])
    try:
        return Recipe(steps=steps, **{name: options[name] for name in RECIPE_OPTIONS if name != "step"})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        allowed = {"start": "baseline, scratch", "seed": f"0 to {recipes.SEED_HIGH}"}.get(name, first["msg"])
        raise RecipeError(f"{name} cannot take this value.", given=first["input"], allowed=allowed) from None


def _wait(home: Path, run: Run) -> Run:
    """Follow the run to its end. Ctrl-C leaves it running."""
    from .cli_wait import follow
    from .jobs import ensure_driver

    try:
        if run.state.live:
            ensure_driver(home)
        return follow(home, run.id)
    except KeyboardInterrupt:
        click.echo(
            f"\nRun {run.id} goes on without you. Follow it: python -m optim show {run.id} --follow{there(home)}. "
            f"Stop it: python -m optim cancel {run.id}{there(home)}",
            err=True,
        )
        sys.exit(INTERRUPTED)


def _tell(home: Path, run: Run, *, as_json: bool, detach: bool) -> None:
    from . import cli_text, views
    from .store import opened

    store = opened(home)
    if run.failure:
        again = f"{run.errand.capitalize()} failed: " if run.result else ""
        click.echo(f"error: {again}{run.failure.reason} {run.failure.remedy}".rstrip(), err=True)
    elif run.state == "cancelled":
        click.echo(f"error: Run {run.id} was cancelled.", err=True)
    if as_json:
        print_json(views.run_objects(store, [run])[0])
    elif detach and run.state.live:
        click.echo(f"Run {run.id} is {run.state}. Follow it: python -m optim show {run.id} --follow{there(home)}")
    elif run.state == "done":
        click.echo(cli_text.run_text(run, store))


def _tell_all(home: Path, runs: list[Run], *, as_json: bool, detach: bool) -> None:
    """The runs of several seeds, and their mean."""
    from . import cli_text, views
    from .store import opened

    for run in runs:
        if run.failure or run.state == "cancelled":
            why = f"failed: {run.failure.reason} {run.failure.remedy}" if run.failure else "was cancelled."
            click.echo(f"error: Run {run.id} {why}".rstrip(), err=True)
    if as_json:
        print_json(views.run_objects(opened(home), runs))
        return
    click.echo(cli_text.runs_text(runs))
    if not detach:
        click.echo(cli_text.seeds_text(runs, opened(home)))
