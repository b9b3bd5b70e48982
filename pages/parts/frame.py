"""The frame of every page: title, menu, what the worker is doing, and the headline."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from optim.home import ASSETS
from optim.theme import colors

from . import goingon, state
from .say import quiet


class Item(NamedTuple):
    """One line of the menu."""

    page: str
    title: str
    icon: str


MENU: dict[str, tuple[Item, ...]] = {
    "Work": (
        Item("app.py", "Start", ":material/home:"),
        Item("pages/design.py", "Design", ":material/tune:"),
        Item("pages/runs.py", "Runs", ":material/list_alt:"),
        Item("pages/pareto.py", "Pareto", ":material/scatter_plot:"),
        Item("pages/compare.py", "Compare", ":material/compare_arrows:"),
        Item("pages/export.py", "Export", ":material/download:"),
    ),
    "Know": (Item("pages/system.py", "System", ":material/memory:"),),
}
SIDEBAR = 220
"""Pixels; leaves the plot room on a small laptop."""
LOGO = ASSETS / "logo.svg"
FOCUS = (
    '<style>a[data-testid="stPageLink-NavLink"]:focus-visible {{outline: 2px solid {0}; outline-offset: -2px}}</style>'
)
"""The app's only CSS: Streamlit shows a link that has the keyboard's focus exactly like that of the active page."""
ABOUT = "**Paretoscope**: the fastest model that is still accurate enough, measured on this machine."


def frame(title: str) -> None:
    """Call it first on every page."""
    icon = str(LOGO) if LOGO.exists() else None
    st.set_page_config(
        f"{title} · Paretoscope", icon, layout="wide", initial_sidebar_state=SIDEBAR, menu_items={"About": ABOUT}
    )
    st.html(FOCUS.format(colors(state.theme()).primary))
    with st.sidebar:
        _brand()
        for part, items in MENU.items():
            quiet(part)
            for item in items:
                st.page_link(item.page, label=item.title, icon=item.icon, width="stretch")
        st.divider()
        goingon.line()
    state.answers()


def headline(finding: str, circumstances: str = "") -> None:
    """The page's answer as its title, and one quiet line of circumstances."""
    st.title(finding, anchor=False)
    if circumstances:
        quiet(circumstances)


def _brand() -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.image(LOGO, width=26)
        st.markdown("**Paretoscope**")
