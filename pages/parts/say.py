"""How the app says things quietly."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, Literal

import streamlit as st

from optim.records import Run
from optim.theme import colors

from . import state

LETTER, CELL_PADDING, ROW, LINE = 6.4, 18, 35, 19
"""Pixels: an average letter of a table, a cell's padding, a row of one line, and each further line."""
WRAPS = 66
"""Pixels: the browser's table wraps text in rows of this height or more."""
MOST_LINES = 4


def quiet(text: str) -> None:
    """A small grey line. `st.caption` is fainter than 4.5 to 1 on white; the theme's grey is not."""
    st.markdown(f":small[:gray[{text}]]")


def table_keys() -> None:
    """How a row is chosen without a mouse."""
    quiet("Keyboard: Tab into the table, arrow keys to a row, Shift and Space together choose it.")


def key_of(name: str, *runs: Run) -> str:
    """The key of a button that acts on these runs: a click on a page drawn earlier must not act on others."""
    return "_".join([name, *(str(run.id) for run in runs)])


def row_height(cells: Iterable[object], width: int) -> int | None:
    """Pixels in which the longest of these cells stands whole, in a column of `width`; None where one line will do.

    A table's rows are all of one height, and text wraps in those that are higher than a line.
    """
    per_line = (width - CELL_PADDING) / LETTER
    lines = math.ceil(max((len(str(cell)) for cell in cells), default=0) / per_line)
    return None if lines <= 1 else max(WRAPS, ROW + LINE * (min(lines, MOST_LINES) - 1))


def face(
    label: str, icon: str = "", kind: Literal["primary", "secondary"] = "primary", *, disabled: bool = False
) -> dict[str, Any]:
    """Label, icon and kind of a button, for `st.button` and `st.download_button`.

    Streamlit writes white on a primary button, whatever the theme: too faint on the light blue that can be read on
    dark. So there the label brings its own colour.
    """
    if kind == "secondary" or disabled or state.theme() == "light":
        return {"label": label, "type": kind, "icon": icon or None, "disabled": disabled}
    ink = colors(state.theme()).on_primary
    return {"label": f':color[{f"{icon} {label}".strip()}]{{foreground="{ink}"}}', "type": kind}


def changed(told: str | None, color: Literal["normal", "inverse", "off"] = "inverse") -> dict[str, Any]:
    """How far a number lies from its reference, for `st.metric`; no change is neither good nor bad, and has no arrow.

    `told`: as `words.change` says it; `inverse` where less is better.
    """
    still = told is None or told.startswith("0 ")
    return {"delta": told, "delta_color": "off" if still else color, "delta_arrow": "off" if still else "auto"}


def as_it_is(text: str) -> str:
    """Words that came from outside, with nothing in them taken for Markdown: no pictures, no links."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>$~:-])", r"\\\1", text)
