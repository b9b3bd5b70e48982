"""The kinds of data on the menu: one row each says what pages can show of an item and how files are asked about one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Kind:
    name: str
    shown: Literal["picture", "text", ""]
    """As what one item can be put on the screen; empty: it cannot, so where runs disagree is not shown item by item."""
    asked: Literal["typed", "numbered", ""]
    """How a user names the item that files are asked about; empty: they are not asked."""
    begins: str
    """The model that Design begins with."""
    alone: bool = False
    """Whether a file is scored one item a call, as such requests come: a file that scales its activations at each call
    answers a few items otherwise in company."""
    parts: tuple[str, str] = ("class", "classes")
    """What one part of the data is called that a score is told of, and several."""
    told: str = "first three answers"
    """What a file that is asked tells; `{cut}`: how many answers the metric looks at."""
    taught: str = ""
    """What to know of what a teacher says of one; `{one}`: what an item is called."""
    note: str = ""
    """A sentence under its answers; `{one}`: what an item is called."""


KINDS: Mapping[str, Kind] = {
    row.name: row
    for row in (
        Kind("image", "picture", "", "resnet8"),
        Kind("text", "text", "typed", "lstm", alone=True),
        Kind(
            "recommendation",
            "",
            "numbered",
            "matrix-factorization",
            alone=True,
            parts=("group", "groups"),
            told="first {cut} recommendations",
            taught="What this {one} had chosen already is among them: a student learns from all answers.",
            note="The probabilities are over what this {one} had not chosen yet.",
        ),
    )
}
