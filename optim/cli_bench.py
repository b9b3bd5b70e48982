"""`bench X`: each benchmark's options are the keyword arguments of its `main`, read without importing it."""

from __future__ import annotations

import ast
import os
from importlib import import_module
from pathlib import Path

import click

from .cli_parts import Commands, home_option, json_option

NAMES = ("train", "latency", "gate", "ui", "first-front", "front", "estimate", "names", "tasks")
FOLDER = Path(__file__).with_name("bench")


class Benches(Commands):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return _command(cmd_name) if cmd_name in NAMES else None


@click.group(cls=Benches)
def bench() -> None:
    """Measure Paretoscope itself, in a folder of its own; each prints machine, versions, median and spread."""


def _command(name: str) -> click.Command:
    module = name.replace("-", "_")
    tree = ast.parse((FOLDER / f"{module}.py").read_text("utf-8")) if (FOLDER / f"{module}.py").exists() else None
    mains = [node for node in (tree.body if tree else ()) if isinstance(node, ast.FunctionDef) and node.name == "main"]

    @home_option
    @json_option
    def call(home: Path, as_json: bool, **options: object) -> None:
        os.environ["PARETOSCOPE_HOME"] = str(home)
        import_module(f"optim.bench.{module}").main(as_json, **options)

    for argument, default in reversed(_settings(tree, mains[0]) if tree and mains else []):
        shown = f"--{argument.replace('_', '-')}"
        call = click.option(shown, argument, default=default, show_default=True, type=type(default))(call)
    text = (ast.get_docstring(mains[0]) if mains else None) or f"The {name} benchmark."
    return click.command(name, help=text)(call)


def _settings(tree: ast.Module, main: ast.FunctionDef) -> list[tuple[str, object]]:
    """Keyword-only arguments with their defaults: a plain value, or a constant of the module."""
    plain = [node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)]
    constants = {ast.unparse(node.targets[0]): ast.literal_eval(node.value) for node in plain}
    found = []
    for argument, default in zip(main.args.kwonlyargs, main.args.kw_defaults, strict=True):
        value = default.value if isinstance(default, ast.Constant) else constants.get(ast.unparse(default or argument))
        if value is not None:
            found.append((argument.arg, value))
    return found
