"""`ask`: what a run's file, and the reference of its project, say of a text or recommend to a user."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .cli_parts import json_option, print_json, there_option

if TYPE_CHECKING:
    from .asked import Answer, Asked


@click.command()
@click.argument("run_id", metavar="RUN", type=int)
@click.argument("item")
@there_option
@json_option
def ask(run_id: int, item: str, home: Path, as_json: bool) -> None:
    """Ask a run's file about ITEM, beside the reference of its project.

    ITEM is a text that you type, or the number of a user, who is then recommended what was not chosen yet.
    """
    from .asking import ask as asked

    found = asked(home, run_id, item)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    _known(found)
    _tell("this file", found.file, found)
    if found.reference is not None:
        _tell("reference", found.reference, found)


def _known(found: Asked) -> None:
    """What is known of the item beforehand."""
    if found.cut:
        click.echo(f"Read up to here, and not the last {found.cut}: {found.item}")
    if found.unknown:
        click.echo(f"Unknown to the model, and read as such: {' '.join(found.unknown)}")
    if found.chosen:
        click.echo(f"Chosen last     {'; '.join(found.chosen)}")
    if found.later:
        click.echo(f"Chosen next (*) {'; '.join(found.later)}")


def _tell(name: str, answer: Answer, found: Asked) -> None:
    """Classes on one line, a ranking on a line each."""
    shares = [
        (one + " *" * (one in found.later), f"{100 * share:.1f} %")
        for one, share in zip(answer.first, answer.probabilities, strict=True)
    ]
    head = f"{name:<10} run {answer.run}:"
    if not found.chosen and not found.later:
        click.echo(f"{head} " + ", ".join(" ".join(pair) for pair in shares))
        return
    click.echo(head)
    for place, (one, share) in enumerate(shares, start=1):
        click.echo(f"  {place:>2}  {share:>6}  {one}")
