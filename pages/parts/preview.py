"""What the model will be, drawn while the sliders move: numbers, warnings, layers, and what the student is shown."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from optim import catalog, drafts, figures_small, tables, teacher, words
from optim.drafts import Preview
from optim.records import Recipe

from . import address, profile, state
from .frame import headline
from .say import changed, quiet

QUIET = {"displayModeBar": False, "staticPlot": True}
EXACT = "From the plan that the pruner executes: exact."
UNCOUNTED = (
    "Parameters, MACs and the file's size are not known beforehand with low-rank matrices: the run counts and "
    "measures them."
)
SIZE = "An estimate; the run measures it."
ABOUT = "From the baseline's importances, which the steps before the pruning change: the run counts it."


def answer(head: DeltaGenerator, right: DeltaGenerator, recipe: Recipe) -> None:
    """What the recipe comes to: the numbers, and the title over the page."""
    shown = drafts.preview(recipe, state.home(), state.target())
    with right:
        numbers(shown)
        profile.estimate(recipe, shown)
    with head:
        headline(drafts.headline(shown), drafts.describe(recipe, shown))


def numbers(shown: Preview) -> None:
    """Parameters, MACs, and about how large the file will be."""
    if not shown.groups:
        return
    if not shown.counted:
        quiet(UNCOUNTED)
        return
    row = st.container(horizontal=True, wrap=False, gap="small")
    about, why = ("", EXACT) if shown.foreseen else (", about", ABOUT)
    told = [
        (f"MACs{about}", words.count(shown.macs), words.change(shown.macs, shown.macs_before), why),
        (f"Parameters{about}", words.count(shown.params), words.change(shown.params, shown.params_before), why),
    ]
    size, dense = shown.size_bytes / 1e3, shown.size_before / 1e3
    told.append(("File, about kB", words.three(size), words.change(size, dense), SIZE))
    for label, value, change, help_ in told:
        row.metric(label, value, help=help_, **changed(change))


def rest(shown: Preview, recipe: Recipe) -> None:
    """Below the numbers: warnings, layers, and what the student is shown."""
    profile.place(recipe, shown)
    warnings(shown, drafts.known(state.made(recipe), recipe))
    layers(shown)
    table(shown)
    profile.section(recipe, shown)
    soft(recipe)


def warnings(shown: Preview, known: str) -> None:
    """Each a sentence: why it cannot run, what to expect, what is known already."""
    if shown.refused:
        st.error(shown.refused, icon=":material/error:")
    for sentence in shown.warnings:
        st.warning(sentence, icon=":material/info:")
    if known:
        st.info(known, icon=":material/history:")


def layers(shown: Preview) -> None:
    """The width of each group before and after."""
    if shown.groups:
        info = figures_small.layers_info(shown.groups)
        st.markdown("**Width of each layer group**")
        figure = figures_small.layers_plot(info, state.theme())
        st.plotly_chart(figure, theme=None, key="layers", config=QUIET, alt=info.alt)


def soft(recipe: Recipe) -> None:
    """The teacher's probabilities of one real item as the temperature moves."""
    distil = next((step for step in recipe.steps if step.technique == "distill"), None)
    samples = teacher.samples(recipe, state.home()) if distil else ()
    if distil is None or not samples:
        return
    row = catalog.data_of(recipe)
    st.markdown(f"**What the teacher says of one {row.items[0]}**")
    names = [sample.name for sample in samples]
    left, right = st.container(), st.container()
    if row.traits.shown == "picture":
        left, right = st.columns([0.25, 0.75], wrap=False, vertical_alignment="center")
    picked = address.one_of(left.selectbox, row.items[0].capitalize(), dict(zip(names, names, strict=True)), "item")
    chosen = samples[names.index(picked)]
    if chosen.pixels is not None:
        left.image(chosen.pixels, width=112, clamp=True, alt=f"A validation image of class {chosen.name}")
    info = figures_small.soft_info(chosen.logits, catalog.answers(row), float(distil.knobs["temperature"]))
    figure = figures_small.soft_plot(info, state.theme())
    right.plotly_chart(figure, theme=None, key="soft", config=QUIET, alt=info.alt)
    quiet(f"{info.alt} {row.traits.taught.format(one=row.items[0])}".strip())
    with st.expander("As a table"):
        st.table(figures_small.soft_rows(info), border="horizontal", hide_index=True)


def table(shown: Preview) -> None:
    """The same facts as the bars, for those who read rather than look."""
    if shown.groups:
        with st.expander("As a table"):
            st.table(tables.group_rows(shown.groups), border="horizontal", hide_index=True)
