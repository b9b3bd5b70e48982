"""What all commands share: the two common options, and errors as one line with the right exit code."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .home import home_dir


class Refusal(click.ClickException):
    """An error of the engine, as the command line says it."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code

    def show(self, file: object = None) -> None:  # noqa: ARG002
        click.echo(f"error: {self.message}", err=True)


class Commands(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        from .errors import ParetoscopeError

        try:
            return super().invoke(ctx)
        except ParetoscopeError as error:
            raise Refusal(str(error), error.exit_code) from error


def _home(ctx: click.Context, option: click.Parameter, value: str | None) -> Path:
    return home_dir(value)


home_option = click.option(
    "--home", metavar="DIR", callback=_home, help="Data folder; else PARETOSCOPE_HOME, else ~/.paretoscope."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print facts as JSON.")


def print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, allow_nan=False))
