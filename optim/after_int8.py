"""What quantizing lost: the INT8 file's validation answers item by item with those of the file it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import collapse, findings, gate, paired, scoring
from .context import Context
from .cures import LEAVE_INT8
from .errors import GateFailed
from .results import Check, Parity

MUCH = 0.03
"""Of the metric. A loss below it is a price that INT8 may have, and the screen tells it as such: goals of a search are
0.5 to 2 points. Above it the scales no longer fit what they scale; no speed is worth that unasked."""


def inspect(before: Path, worth: np.ndarray, ctx: Context) -> None:
    """Warn of what the INT8 file lost to the file `before`; `worth` (n,) is what its answers on validation are."""
    if (found := trouble(answers(before, ctx), worth, ctx)) is not None:
        ctx.alarm(found.sentence)
        ctx.warnings.append(found.sentence)
        ctx.cures.append(found.cure)


def check(made: Path, parent: Path, ctx: Context) -> tuple[Parity, tuple[Check, ...]]:
    """The gate of an INT8 file. Raises its `GateFailed` with what was lost and the cure, where anything was."""
    gate.check_structure(made)  # a file that cannot be opened has no answers to compare
    try:
        return gate.check_int8(made, parent, ctx.splits)
    except GateFailed as error:
        found = trouble(answers(parent, ctx), answers(made, ctx), ctx)
        what = f"{found.sentence} {error.what}" if found else error.what
        remedy = "Leave out INT8, or quantize it another way." if found else error.remedy
        raise GateFailed(
            what, given=error.given, allowed=error.allowed, remedy=remedy, cure=LEAVE_INT8
        ) from error  # fmt: skip


def trouble(before: np.ndarray, after: np.ndarray, ctx: Context) -> collapse.Trouble | None:
    """Both (n,), what each validation item's answer is worth: whether much was lost for sure, or all but chance."""
    lost, row = paired.paired_loss(paired.pair(before, after)), ctx.row
    if not lost.told or lost.value <= 0:
        return None
    items = ctx.validation_items
    fell = collapse.at_chance(after, items, ctx) is not None and collapse.at_chance(before, items, ctx) is None
    if lost.value <= MUCH and not fell:
        return None
    told = findings.loss_words(lost, row).removeprefix("loses ")
    means = f"{100 * before.mean():.1f} % before, {100 * after.mean():.1f} % after"
    chance = ", which is chance" if fell else ""
    sentence = f"Quantizing to INT8 lost {told}: {means}{chance}, on {len(after):,} validation {row.items[1]}."
    return collapse.Trouble(sentence, LEAVE_INT8)


def answers(path: Path, ctx: Context) -> np.ndarray:
    """What the file's answer to each validation item is worth by the metric of the data set, (n,)."""
    return scoring.score(path, ctx.row, ctx.splits, ["validation"]).worth["validation"][ctx.row.metric]
