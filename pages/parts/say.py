"""How the app says things quietly."""

from __future__ import annotations

import streamlit as st


def quiet(text: str) -> None:
    """A small grey line. `st.caption` is fainter than 4.5 to 1 on white; the theme's grey is not."""
    st.markdown(f":small[:gray[{text}]]")
