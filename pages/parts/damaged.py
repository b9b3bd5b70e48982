"""Searches whose record cannot be read: named, with what can be done. The others are shown as ever."""

from __future__ import annotations

import streamlit as st

from optim import searches

from . import say, state


def searches_that_cannot_be_read() -> None:
    """One warning for each."""
    for told in searches.damaged(state.home()).values():
        st.warning(say.as_it_is(told), icon=":material/broken_image:")
