"""What all commands share: the two common options, and errors as one line with the right exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from .home import home_dir


class Commands(click.Group):
    """An error of the engine is one line on stderr, never a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        from .errors import ParetoscopeError

        try:
            return super().invoke(ctx)
        except ParetoscopeError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)


def _home(ctx: click.Context, option: click.Parameter, value: str | None) -> Path:
    if value is not None and not value.strip():
        from .errors import RequestError

        remedy = "Name a folder, or leave --home out to use PARETOSCOPE_HOME or ~/.paretoscope."
        raise RequestError("--home names no folder.", given="an empty text", remedy=remedy)
    return home_dir(value)


def _home_there(ctx: click.Context, option: click.Parameter, value: str | None) -> Path:
    """Of a command that looks at runs: a folder that was named must be there, and is not made."""
    home = _home(ctx, option, value)
    if value is not None and nothing_there(home):
        from .errors import RequestError

        remedy = "Runs make one: python -m optim run --help."
        raise RequestError("There is no data folder of this name.", given=home, remedy=remedy)
    return home


def nothing_there(home: Path) -> bool:
    """Whether no store can be there yet: one on a server needs no folder."""
    return not home.exists() and not os.environ.get("PARETOSCOPE_STORE_URL")


def _width(ctx: click.Context, option: click.Parameter, value: float) -> float:
    """As it was given; whoever takes another one instead hears of it."""
    from .catalog import width_notice

    if notice := width_notice(value):
        click.echo(f"note: {notice}", err=True)
    return value


width_option = click.option(
    "--width", type=float, default=1.0, show_default=True, callback=_width,
    help="Multiplies every layer's width; 1.0: as usual.",
)  # fmt: skip
_HOME_HELP = "Data folder; else PARETOSCOPE_HOME, else ~/.paretoscope."
home_option = click.option("--home", metavar="DIR", callback=_home, help=_HOME_HELP)
there_option = click.option("--home", metavar="DIR", callback=_home_there, help=_HOME_HELP)
json_option = click.option("--json", "as_json", is_flag=True, help="Print facts as JSON.")


def print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, allow_nan=False))
