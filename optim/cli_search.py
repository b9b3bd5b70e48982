"""`search`: the fastest model that loses at most so much, within a time budget."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .cli_parts import home_option, json_option, print_json, width_option
from .errors import RequestError
from .home import home_option as of_home

if TYPE_CHECKING:
    from .searches import Search

POLL_SECONDS = 0.5
CALM_LOOKS = 2
"""A wish that was just taken shows in the record a moment later."""


class Budget(click.ParamType):
    """`90s`, `10m`, `1.5h` in seconds."""

    name = "time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from .search_jobs import seconds_of

        try:
            return value if isinstance(value, float) else seconds_of(str(value))
        except RequestError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.option("--dataset", help="Data set: see `catalog`.")
@click.option("--model", help="Model: see `catalog`.")
@width_option
@click.option(
    "--max-loss",
    type=float,
    default=1.0,
    show_default=True,
    help="What it may lose of the data set's metric, in points: 1.0 = 0.01.",
)
@click.option(
    "--confidence",
    type=float,
    default=0.95,
    show_default=True,
    help="How sure it must be that the loss is below --max-loss: 0.5 to 0.999.",
)
@click.option("--budget", type=Budget(), default="10m", show_default=True, help="Wall-clock time: 90s, 10m, 1.5h.")
@click.option("--threads", type=int, default=1, show_default=True, help="Threads the files are timed with.")
@click.option("--batch", type=int, default=1, show_default=True, help="Items per call when files are timed.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sampler and of every run.")
@click.option(
    "--students/--no-students",
    default=True,
    show_default=True,
    help="Try trained networks of other models too, or smaller ones of this model alone.",
)
@click.option("--pause", type=int, metavar="SEARCH", help="Stop a search until it is resumed.")
@click.option(
    "--resume", type=int, metavar="SEARCH", help="Go on with a search, or follow it; one that has ended needs --extend."
)
@click.option("--extend", type=Budget(), metavar="TIME", help="Time to add, with --resume.")
@home_option
@json_option
def search(home: Path, as_json: bool, pause: int | None, resume: int | None, extend: float | None, **options) -> None:  # noqa: ANN003
    """Search for the fastest model that loses at most --max-loss points with the given confidence.

    Exit code 0: the budget was used (whether or not a model qualifies), 1: the search failed, 2: a wrong request.
    """
    from . import search_profile, searches
    from .jobs import ensure_driver
    from .search_jobs import search_for

    _refuse_together(pause, resume, extend)
    if pause is not None:
        searches.wish(home, pause, searches.Wish(state="paused"))
        ensure_driver(home)
        again = f"python -m optim search{of_home(home)} --resume {pause}"
        click.echo(f"Search {pause} is paused; its runs are kept. Go on: {again}")
        return
    if resume is not None:
        searches.wish(home, resume, searches.Wish(state="running", more_s=extend or 0.0))
        ensure_driver(home)
        number = resume
    else:
        for name in ("dataset", "model"):
            if not options[name]:
                raise click.UsageError(f"Missing option '--{name}'.")
        number = search_for(home, **{("budget_s" if k == "budget" else k): v for k, v in options.items()}).id
    if told := search_profile.unstrided(home, searches.load(home, number)):
        click.echo(told, err=True)
    ended = _follow(home, number)
    _tell(home, ended, as_json=as_json)
    if ended.failure is not None:
        sys.exit(1)


def _refuse_together(pause: int | None, resume: int | None, extend: float | None) -> None:
    """Options that contradict each other."""
    if pause is not None and resume is not None:
        raise click.UsageError("'--pause' and '--resume' cannot be given together: a search is paused or goes on.")
    if extend is not None and resume is None:
        raise click.UsageError("'--extend' needs '--resume SEARCH': it adds time to a search that is there.")


def _follow(home: Path, number: int) -> Search:
    """One line on stderr: what is being tried, what is best so far, time left. Ctrl-C leaves it running."""
    from . import search_told, searches
    from .cli_wait import Line, Watch
    from .store import opened

    line, watch, calm = Line(), Watch(home, f"search {number}"), 0
    store, seen, best = opened(home), (), ""
    try:
        while True:
            waits = searches.has_wish(home, number)
            now = searches.load(home, number)
            calm = calm + 1 if now.state != "running" and not waits else 0
            if calm == CALM_LOOKS:
                break
            if seen != (now_seen := (store.revision(), now.run_ids)):  # judging costs time that others may be measuring
                seen, best = now_seen, search_told.best_so_far(store, now)
            line.show(*_where(now, best))
            watch.look()
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        command = f"python -m optim search{of_home(home)}"
        click.echo(
            f"\nSearch {number} goes on without you. Follow it: {command} --resume {number}. "
            f"Pause it: {command} --pause {number}",
            err=True,
        )
        sys.exit(130)
    finally:
        line.end()
    return now


def _where(now: Search, best: str) -> tuple[str, str]:
    """The line, and what makes it worth printing anew."""
    from . import search_controls, words

    what = now.doing if now.state == "running" else now.state
    runs = words.plural(len(now.run_ids), "run")
    left = f"{'at most ' * now.hurried}{words.duration(search_controls.room_s(now))} left"
    text = ", ".join(filter(None, [f"search {now.id}: {what}", runs, left, best]))
    return text, f"{what} {len(now.run_ids)} {best}"


def _tell(home: Path, ended: Search, *, as_json: bool) -> None:
    from . import views
    from .store import opened

    told = views.search_object(opened(home), ended)
    if as_json:
        print_json(told)
    else:
        click.echo(told["sentence"] or f"Search {ended.id} is {ended.state}.")
