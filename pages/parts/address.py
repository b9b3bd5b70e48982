"""Choices that stand in the address by short, stable names, while the widgets show labels.

Streamlit's own binding writes the label into the address: a better wording would break every link. A choice that is the
default is left out, and a name nobody knows is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import streamlit as st


class Kept(NamedTuple):
    """What was drawn last."""

    said: str | None
    """What the address said then."""
    value: str
    default: str


def one_of(
    draw: Callable[..., str | None], label: str, names: Mapping[str, str], key: str, default: str = "", **look: object
) -> str:
    """The name chosen among `names` (name: label) in the widget that `draw` makes; without a default, the first."""
    default = default or next(iter(names))
    wanted = _wanted(names, key, default)
    if st.session_state.get(key) != wanted:
        st.session_state[key] = wanted
    chosen = draw(label, list(names), format_func=names.__getitem__, key=key, **look) or default
    _say(key, chosen, default)
    return chosen


def _wanted(names: Mapping[str, str], key: str, default: str) -> str:
    """An address that is news wins, then the widget, then what was chosen on an earlier visit of the page."""
    kept: Kept | None = st.session_state.get(_memory(key))
    now = st.session_state.get(key)
    said = st.query_params.get(key)
    asked = said if said in names else next((name for name, label in names.items() if label == said), None)
    untouched = now is None or (kept is not None and now == kept.value)
    if asked is not None and untouched and (now is None or kept is None or said != kept.said):
        return asked
    if now is None and kept is not None and kept.value != kept.default:
        now = kept.value
    return now if now in names else default


def _say(key: str, chosen: str, default: str) -> None:
    said = None if chosen == default else chosen
    if st.query_params.get(key) != said:
        if said is None:
            del st.query_params[key]
        else:
            st.query_params[key] = said
    st.session_state[_memory(key)] = Kept(said, chosen, default)


def _memory(key: str) -> str:
    return f"_address.{key}"
