"""Choices that stand in the address by short, stable names, while the widgets show labels.

Streamlit's own binding writes the label into the address: a better wording would break every link. A choice that is the
default is left out, and a name nobody knows is dropped and told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import streamlit as st

LONGEST = 40
"""Characters of an address that are repeated."""


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
    missing = _missing(names, key)
    chosen = draw(label, list(names), format_func=names.__getitem__, key=key, **look) or default
    _say(key, chosen, default)
    not_found(label, key, missing, chosen, names[chosen])
    return chosen


def _missing(names: Mapping[str, str], key: str) -> str:
    """What the address newly asks for that is not there; empty if it is, or was said before."""
    said, kept = st.query_params.get(key), st.session_state.get(_memory(key))
    news = said and (kept is None or said != kept.said)
    return said if news and said not in names and said not in names.values() else ""


def not_found(label: str, key: str, missing: str, chosen: object, shown: str) -> None:
    """Say what the address asked for in vain and what stands there instead, until something else is chosen."""
    held, note = st.session_state, f"_missing.{key}"
    if missing:
        held[note] = (missing, chosen)
    known = held.get(note)
    if known is None or known[1] != chosen:
        held.pop(note, None)
        return
    what = known[0] if len(known[0]) <= LONGEST else f"{known[0][:LONGEST]}..."
    st.warning(f"{label}: the address asks for `{what.replace('`', '')}`, which is not there. {shown} is shown.")


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
