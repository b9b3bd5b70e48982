"""`baseline`: train a dense baseline here and now, or write its anatomy anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .cli_parts import home_option, json_option, print_json, width_option

if TYPE_CHECKING:
    from .context import Context


@click.command()
@click.option("--dataset", required=True, help="Data set: see `catalog`.")
@click.option("--model", required=True, help="Model: see `catalog`.")
@width_option
@click.option("--epochs", type=click.IntRange(1, 1000), help="How often all items are seen; default: enough.")
@click.option("--teacher", metavar="MODEL:WIDTH", default="", help="A baseline that it learns from too; default: none.")
@click.option("--train-device", default="auto", show_default=True, help="auto, cpu, cuda.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder; default: in the data folder.")
@click.option("--refresh", is_flag=True, help="Train nothing: write the anatomy of the one that is there anew.")
@home_option
@json_option
def baseline(
    dataset: str, model: str, width: float, epochs: int | None, teacher: str, train_device: str, out: Path | None,
    refresh: bool, home: Path, as_json: bool,
) -> None:  # fmt: skip
    """Train a dense baseline and keep it: weights, anatomy, samples and a card with its score."""
    from . import baselines, catalog
    from .cli_wait import Line

    if refresh and (teacher or epochs):
        _refuse_training(teacher, epochs)
    row, width = catalog.dataset(dataset), catalog.check_width(width)
    name = catalog.check_takes(model, row).name
    if teacher:
        catalog.check_takes(catalog.check_model_ref(teacher).partition(":")[0], row)
    if out is not None:
        baselines.refuse_foreign(out)
    from . import baseline_training
    from .context import Context, read_splits, training_device
    from .locks import training_lock
    from .store_moves import check_train_device

    check_train_device(train_device)
    target = out or baselines.own_folder(row.name, name, width, home)
    line = Line()
    ctx = Context(row, read_splits(row.name), home, 0, training_device(train_device), report=line.event)
    ctx.stage = "Baseline"
    if refresh:
        _refresh(ctx, name, width, out)
        return
    with training_lock() as ctx.give_way:
        card = baseline_training.make(name, width, ctx, target, epochs or row.epochs, teacher)
    line.end()
    if as_json:
        print_json({**card, "folder": str(target.absolute())})
    else:
        share = card["score"]["validation"]
        told = f"{row.goodness.label} {100 * share['value']:.2f} % on {share['n']:,} validation {row.items[1]}"
        click.echo(f"{name} x{width:g} on {row.name}: {told}")
        click.echo(str(target.absolute()))


def _refuse_training(teacher: str, epochs: int | None) -> None:
    """--refresh beside what only training could heed."""
    from .errors import RequestError

    given = [f"--teacher {teacher}"] * bool(teacher) + [f"--epochs {epochs}"] * bool(epochs)
    raise RequestError(
        "--refresh trains nothing, so it cannot heed how to train.", given=" ".join(["--refresh", *given]),
        allowed="--refresh without --teacher and --epochs",
        remedy="Leave --refresh out to train the baseline anew, or leave these out to write its anatomy anew.",
    )  # fmt: skip


def _refresh(ctx: Context, model: str, width: float, out: Path | None) -> None:
    """Write the anatomy anew, in `out` or wherever the baseline lies."""
    from . import baseline_training, baselines
    from .errors import RequestError

    folder = out or baselines.folder(ctx.row.name, model, width, ctx.home)
    if folder is None or not (folder / "card.json").is_file():
        raise RequestError(
            "There is no baseline to refresh.", given=folder or f"{model}:{width:g}", remedy="Leave --refresh out."
        )
    body = baseline_training.refresh(model, width, ctx, folder)
    click.echo(f"{folder / 'anatomy.json'}: {', '.join(body.groups[0].importance)}")
