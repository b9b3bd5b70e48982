"""`profile`: how long a model takes, and how right it is, at each width of each channel group."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .cli_parts import home_option, json_option, print_json, width_option

if TYPE_CHECKING:
    from .profiles import Profile, ProfileAsk
    from .results import Failure

POLL_SECONDS, DRIVER_LOOK_SECONDS = 0.2, 2.0
INTERRUPTED = 130
NOTHING_NEW = (
    "The measuring ended without a new profile: it was stopped, or the model was trained anew meanwhile. Ask again."
)


@click.command()
@click.option("--dataset", required=True, help="Data set: see `catalog`.")
@click.option("--model", required=True, help="Model: see `catalog`.")
@width_option
@click.option("--device", default="cpu", show_default=True, help="Where files are timed.")
@click.option("--threads", type=int, default=1, show_default=True, help="Threads files are timed with.")
@click.option("--batch", type=int, default=1, show_default=True, help="Items per call when files are timed.")
@click.option("--importance", default="l2", show_default=True, help="What goes first: l2, l1 or taylor.")
@click.option("--again", is_flag=True, help="Measure anew what is known already.")
@click.option("--stop", is_flag=True, help="Stop the measuring that is under way instead.")
@home_option
@json_option
def profile(
    dataset: str, model: str, width: float, device: str, threads: int, batch: int, importance: str, again: bool,
    stop: bool, home: Path, as_json: bool,
) -> None:  # fmt: skip
    """Measure time and score over the width of each layer group, once per model and machine; then show them.

    From then on Design estimates latency and score while its sliders move. Exit code 0: measured, or known already;
    1: failed or cancelled; 2: a wrong request.
    """
    from . import profile_jobs
    from .jobs import Target
    from .store import opened

    ask = profile_jobs.request(home, dataset, model, width, Target(device, threads, batch), importance)
    if stop:
        stopped = profile_jobs.cancel(ask)
        told = "The measuring is asked to stop." if stopped else "Nothing is being measured."
        return print_json({"stopped": stopped}) if as_json else click.echo(told)
    opened(home)
    found = None if again else profile_jobs.complete(ask)
    if found is None:
        before = profile_jobs.complete(ask)
        profile_jobs.submit(ask.with_(again=again))
        found = _wait(ask, before)
    from . import profile_text

    return print_json(profile_text.profile_object(found, home)) if as_json else click.echo(profile_text.text(found))


def _wait(ask: ProfileAsk, before: Profile | None) -> Profile:
    """Follow the measuring to its end; exits when it failed or was stopped. Ctrl-C leaves it going."""
    from . import profile_jobs

    try:
        failure = _follow(ask)
    except KeyboardInterrupt:
        click.echo("\nThe measuring goes on without you. Ask again to follow it, or stop it with --stop.", err=True)
        sys.exit(INTERRUPTED)
    found = profile_jobs.complete(ask)
    if failure is not None or found is None or found == before:
        reason = f"{failure.reason} {failure.remedy}".rstrip() if failure else NOTHING_NEW
        click.echo(f"error: {reason}", err=True)
        sys.exit(1)
    return found


def _follow(ask: ProfileAsk) -> Failure | None:
    from . import profile_jobs
    from .cli_wait import Line
    from .driver_process import driver_status, ensure_driver

    line, looked = Line(), time.monotonic()
    try:
        while (standing := profile_jobs.find(ask)) is not None:
            if standing.state == "failed":
                return standing.failure
            if standing.event is not None and standing.event.stage:
                line.event(standing.event)
            if time.monotonic() - looked > DRIVER_LOOK_SECONDS:
                looked = time.monotonic()
                if not driver_status(Path(ask.home)).alive:
                    ensure_driver(Path(ask.home))
            time.sleep(POLL_SECONDS)
    finally:
        line.end()
    return None
