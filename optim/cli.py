"""The command line: the same engine as the pages. Other programs call it, so names and JSON stay as they are.

Exit code 0: done; 1: the run failed, or the machine is not ready; 2: a wrong request. Heavy packages, and the store
too, are loaded only by the commands that need them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from . import __version__
from .cli_ask import ask
from .cli_baseline import baseline
from .cli_bench import bench
from .cli_parts import Commands, home_option, json_option, nothing_there, print_json, there_option
from .cli_profile import profile
from .cli_run import measure, run
from .cli_search import search


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="paretoscope")
def main() -> None:
    """Paretoscope: the fastest model that is still accurate enough, on this machine."""


for command in (run, search, measure, profile, ask, baseline, bench):
    main.add_command(command)


@main.command()
@home_option
@json_option
def doctor(home: Path, as_json: bool) -> None:
    """Tell whether this machine is ready, each line with a remedy. Exit code 1 if it is not."""
    from .doctor import check

    lines = check(home)
    if as_json:
        print_json([line._asdict() for line in lines])
    for line in lines if not as_json else []:
        click.echo(f"{'ok ' if line.ok else 'NO '} {line.name}: {line.fact}")
        if line.remedy:
            click.echo(f"    {line.remedy}")
    sys.exit(0 if all(line.ok for line in lines) else 1)


@main.command()
@home_option
@json_option
def catalog(home: Path, as_json: bool) -> None:
    """List data sets, models, and techniques with their knobs."""
    from . import cli_text

    if as_json:
        print_json(cli_text.catalog_object())
    else:
        click.echo(cli_text.catalog_text())


@main.command(name="list")
@click.option("--dataset", help="Only runs on this data set.")
@click.option("--state", help="Only runs in this state: queued, running, done, failed or cancelled.")
@click.option("--limit", type=click.IntRange(1), help="At most this many, newest first.")
@there_option
@json_option
def list_runs(dataset: str | None, state: str | None, limit: int | None, home: Path, as_json: bool) -> None:
    """List runs, newest first."""
    from . import catalog as menu
    from . import cli_text, views
    from .errors import UnknownName
    from .records import State
    from .store import Store

    if dataset is not None:
        menu.dataset(dataset)
    if state is not None and state not in set(State):
        raise UnknownName.of("state", state, State)
    store = None if nothing_there(home) else Store(home)
    found = store.runs(states=None if state is None else [State(state)]) if store else []
    found = [one for one in found if dataset in {None, one.recipe.dataset}][:limit]
    if as_json:
        print_json(views.run_objects(store, found) if store else [])
    else:
        click.echo(cli_text.runs_text(found, dataset))


@main.command()
@click.argument("run_id", metavar="RUN", type=int)
@click.option("--follow", is_flag=True, help="Wait until the run has ended.")
@there_option
@json_option
def show(run_id: int, follow: bool, home: Path, as_json: bool) -> None:
    """Show one run: its recipe, its numbers, how far it is, or why it failed."""
    from . import cli_text, views
    from .errors import UnknownName
    from .store import Store

    if nothing_there(home):
        raise UnknownName("There is no run of this number.", given=run_id, remedy="There are no runs yet.")
    store = Store(home)
    found = store.run(run_id)
    if follow and found.state.live:
        from .cli_wait import follow as wait

        found = wait(home, run_id)
    if as_json:
        print_json(views.run_objects(store, [found])[0])
        return
    click.echo(cli_text.run_text(found, store))
    if found.state.live:
        from .cli_wait import where
        from .records import State

        click.echo(where(store, found, store.runs(states=[State.DONE], limit=20))[0])


@main.command()
@click.option("--dataset", help="Only projects on this data set.")
@click.option("--reference", metavar="MODEL:WIDTH", help="Only projects with this reference.")
@there_option
@json_option
def pareto(dataset: str | None, reference: str | None, home: Path, as_json: bool) -> None:
    """Print the front: the runs that no other beats in both latency and score on validation.

    There is one front per project and machine; the one with the newest run comes first, the rest under `others`.
    """
    from . import catalog as menu
    from . import cli_text, views
    from .store import Store

    store = None if nothing_there(home) else Store(home)
    wanted = None if reference is None else menu.check_model_ref(reference)
    if dataset is not None:
        menu.dataset(dataset)
    known = store.projects() if store else []
    projects = [one for one in known if dataset in {None, one.dataset} and wanted in {None, one.reference}]
    fronts = views.front_objects(store, projects) if store else []
    if as_json:
        print_json(views.fronts_object(fronts))
    else:
        click.echo(cli_text.fronts_text(fronts, dataset))


@main.command()
@click.argument("run_id", metavar="RUN", type=int)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where the file goes.  [required]")
@there_option
@json_option
def export(run_id: int, out: Path | None, home: Path, as_json: bool) -> None:
    """Copy the ONNX file of a done run that passed its checks."""
    if out is None:
        example = f"python -m optim export {run_id} --out run-{run_id}.onnx"
        raise click.UsageError(f"Missing option '--out': the file to write to. For example: {example}")
    from .jobs import export_file

    told = export_file(home, run_id, out)
    if as_json:
        print_json(told)
    else:
        click.echo(f"{told['onnx']}  {told['size_bytes']:,} bytes  sha256 {told['sha256']}")


@main.command()
@click.argument("run_id", metavar="RUN", type=int)
@there_option
@json_option
def cancel(run_id: int, home: Path, as_json: bool) -> None:
    """Stop a queued or running run."""
    from .jobs import cancel as ask

    _tell(run_id, home, as_json, f"Run {{}} is {'asked to stop' if ask(home, run_id).state.live else 'cancelled'}.")


@main.command()
@click.argument("run_id", metavar="RUN", type=int)
@there_option
@json_option
def retry(run_id: int, home: Path, as_json: bool) -> None:
    """Queue a failed or cancelled run again."""
    from .jobs import retry as ask

    _tell(ask(home, run_id).id, home, as_json, "Run {} is queued again.")


@main.command()
@click.argument("run_id", metavar="RUN", type=int)
@there_option
@json_option
def delete(run_id: int, home: Path, as_json: bool) -> None:
    """Forget a run that is not live, and its files."""
    from .jobs import delete as ask

    ask(home, run_id)
    if as_json:
        print_json({"deleted": run_id})
    else:
        click.echo(f"Run {run_id} is deleted.")


@main.command()
@click.option("--ended", is_flag=True, help="Delete failed and cancelled runs too.")
@home_option
@json_option
def clean(ended: bool, home: Path, as_json: bool) -> None:
    """Empty the cache and remove leftovers. Done runs and baselines stay."""
    from . import jobs, words

    freed = jobs.clean(home, ended=ended)
    if as_json:
        print_json({"freed_bytes": freed, "left_bytes": jobs.disk_usage(home)})
    else:
        click.echo(f"Freed {words.size(freed)}.")


@main.command()
@click.option("--stop", is_flag=True, help="Stop the driver instead; what it was running is queued again.")
@click.option("--idle-minutes", type=click.FloatRange(0), default=30.0, show_default=True, help="Leave after so long.")
@home_option
@json_option
def serve(stop: bool, idle_minutes: float, home: Path, as_json: bool) -> None:
    """Work through the queue: the driver, in the foreground. The app and `run` start one by themselves."""
    if stop:
        from .cli_wait import stop as leave

        return leave(home, as_json=as_json)
    from .driver import serve as drive
    from .driver_process import driver_status

    if not drive(home, 60 * idle_minutes, click.echo):
        pid = driver_status(home).pid
        if as_json:
            print_json({"alive": True, "pid": pid, "started": False})
        else:
            click.echo(f"A driver is already at work here: process {pid}.")
    return None


def _tell(run_id: int, home: Path, as_json: bool, text: str) -> None:
    from . import views
    from .store import Store

    store = Store(home)
    if as_json:
        print_json(views.run_objects(store, [store.run(run_id)])[0])
    else:
        click.echo(text.format(run_id))
