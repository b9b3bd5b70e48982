"""Widths by hand on Design: the text that the address holds, and the same as a table to edit."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import streamlit as st

from optim import baselines
from optim.catalog import Knob
from optim.catalog_knobs import join_widths, parse_widths
from optim.errors import KnobError, StoreError
from optim.plan import Anatomy

from . import state


def widget(knob: Knob, dataset: str, common: dict[str, Any]) -> str:
    """The text box, and below it one row per layer group where the model's baseline is known.

    Of a baseline that is damaged the preview on the same page says so.
    """
    held = st.session_state
    body = None
    with suppress(StoreError):
        body = baselines.anatomy(dataset, held["model"], held["width"], state.home())
    text = st.text_input(knob.label, str(knob.default), placeholder=_form(body), **common)
    if body is not None:
        _table(body, text, common["key"])
    return text


def _form(body: Anatomy | None) -> str:
    """What such a text looks like: half of the model's first groups, where they are known."""
    halves = {group.name: max(group.size // 2, 1) for group in body.groups[:2]} if body else {"stage1": 8, "stage2": 16}
    return join_widths(halves)


def _table(body: Anatomy, text: str, key: str) -> None:
    """A new table for each text, so that what was edited in one never covers the next."""
    try:
        named = parse_widths(text)
    except KnobError:
        return
    rows = [{"group": g.label, "of": g.size, "width": named.get(g.name, g.size)} for g in body.groups]
    table = f"{key}.table.{text}"
    widest = max(group.size for group in body.groups)
    st.data_editor(
        rows, key=table, on_change=_edited, args=(body, named, key, table), disabled=["group", "of"], hide_index=True,
        column_config={"width": st.column_config.NumberColumn(min_value=1, max_value=widest, step=1, required=True)},
    )  # fmt: skip


def _edited(body: Anatomy, named: dict[str, int], key: str, table: str) -> None:
    """Write the table's change into the text; a group at its own size need not be named."""
    sizes = body.sizes()
    for row, changed in st.session_state[table]["edited_rows"].items():
        if changed.get("width") is not None:
            group = body.groups[int(row)]
            named = {**named, group.name: min(int(changed["width"]), group.size)}
    st.session_state[key] = join_widths({name: width for name, width in named.items() if width != sizes.get(name)})
