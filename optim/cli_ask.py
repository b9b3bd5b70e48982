"""`ask`: what a run's file, and the reference of its project, say of a text."""

from __future__ import annotations

from pathlib import Path

import click

from .cli_parts import json_option, print_json, there_option


@click.command()
@click.argument("run_id", metavar="RUN", type=int)
@click.argument("text")
@there_option
@json_option
def ask(run_id: int, text: str, home: Path, as_json: bool) -> None:
    """Ask a run's file about a text, beside the reference of its project."""
    from .asking import Answer
    from .asking import ask as asked

    found = asked(home, run_id, text)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    if found.unknown:
        click.echo(f"Unknown to the model, and read as such: {' '.join(found.unknown)}")

    def tell(name: str, answer: Answer) -> None:
        shares = zip(answer.classes, answer.probabilities, strict=True)
        click.echo(f"{name:<10} run {answer.run}: " + ", ".join(f"{one} {100 * share:.1f} %" for one, share in shares))

    tell("this file", found.file)
    if found.reference is not None:
        tell("reference", found.reference)
