"""Widgets drawn from the catalogue's rows. A new row appears here by being in the catalogue.

Every widget's key stands in the address, so that F5, a second tab and a shared link show the same recipe; rows of the
catalogue stand there by their names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import streamlit as st

from optim import catalog, drafts, jobs
from optim.catalog import Dataset, Knob, Model, Technique
from optim.errors import ParetoscopeError
from optim.jobs import Target
from optim.records import KnobValue, Recipe, Run

from . import address, state, widths
from .say import quiet

ON_AT_FIRST = ("prune-channels", "distill")
NUMBER_FROM = 100
"""Whole numbers with a range this wide are typed, not slid."""
LOADED, AGAIN, BEGAN = "_loaded", "_answer_last", "_began."
BOUND: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def ahead() -> Recipe | None:
    """The recipe that the widgets hold already, before they are drawn again: the answer need not wait for them."""
    load()
    held = st.session_state
    if held.pop(AGAIN, False):
        return None
    try:
        steps = {
            row.name: {knob.name: _rounded(held[f"{row.name}.{knob.name}"]) for knob in _useful(row, held["dataset"])}
            for row in _techniques(held["dataset"], held["model"])
            if held[f"use.{row.name}"]
        }
        width, start = held["width"], held["start"]
        return drafts.draft(held["dataset"], held["model"], width, start=start, steps=steps, seed=held["seed"])
    except (KeyError, ParetoscopeError):
        return None


def once_more(wrong: bool) -> None:
    """A widget took another value than it held: draw anew, and answer last."""
    if wrong:
        st.session_state[AGAIN] = True
        st.rerun()


def _rounded(value: KnobValue) -> KnobValue:
    """Without what adding up steps leaves at the end of a slider's value."""
    return round(value, 6) if isinstance(value, float) and abs(value) > 1e-3 else value


def model() -> tuple[str, str, float, str]:
    """Data set, model, width and start, in one row that wraps."""
    load()
    with st.container(horizontal=True, gap="medium"):
        dataset, name, width = _dense()
        start = st.segmented_control(
            "Start from", ["baseline", "scratch"], default="baseline", required=True, key="start",
            help="The trained dense network, or a fresh one that Fine-tune or Distil trains.", **BOUND,
        )  # fmt: skip
    _notice(width)
    return dataset, name, width, start


def dense() -> tuple[str, str, float]:
    """Data set, model and width alone: for who starts from the trained network anyway."""
    load()
    with st.container(horizontal=True, gap="medium"):
        dataset, name, width = _dense()
    _notice(width)
    return dataset, name, width


def _notice(width: float) -> None:
    """Another width is taken than was typed."""
    if told := catalog.width_notice(width):
        quiet(told)


def _dense() -> tuple[str, str, float]:
    dataset = _one_of("Data set", catalog.DATASETS, "dataset", "fashion-mnist", 170)
    kind = catalog.dataset(dataset).traits
    fitting = {row.name: row for row in catalog.models_for(kind.name)}
    name = _one_of("Model", fitting, "model", kind.begins, 150)
    # Without bounds of its own: the browser would keep a number that is out of range to itself, and Run would
    # run the old one. So the recipe is refused instead, in words.
    said, untold = st.query_params.get("width", ""), ""
    try:
        float(said or 1)
    except ValueError:
        untold = said
    width = st.number_input(
        f"Width, {catalog.WIDTH_LOW:g} to {catalog.WIDTH_HIGH:g}", None, None, 1.0, 0.25, key="width",
        help="Multiplies every layer's width: 1 = as usual.",
        width=150, **BOUND,
    )  # fmt: skip
    address.not_found("Width", "width", untold, width, f"{width:g}")
    return dataset, name, width


def _one_of(label: str, rows: Mapping[str, Dataset | Model], key: str, default: str, width: int) -> str:
    help_ = "\n\n".join(f"**{row.label}**: {row.help}" for row in rows.values())
    names = {name: row.label for name, row in rows.items()}
    return address.one_of(st.selectbox, label, names, key, default, help=help_, width=width)


def steps(dataset: str, model: str) -> dict[str, dict[str, KnobValue]]:
    """One card per technique that can be used here; the knobs of those that are switched on."""
    return {row.name: knobs for row in _techniques(dataset, model) if (knobs := _card(row, dataset)) is not None}


def _techniques(dataset: str, model: str) -> tuple[Technique, ...]:
    return catalog.techniques_for(catalog.dataset(dataset).kind, model)


def _card(row: Technique, dataset: str) -> dict[str, KnobValue] | None:
    with st.container(border=True):
        used = st.toggle(
            f"**{row.label}**", row.name in ON_AT_FIRST, f"use.{row.name}", help=f"{row.help}\n\n{row.paper}",
            **BOUND,
        )  # fmt: skip
        if not used:
            return None
        plain, advanced = (_widgets(row, dataset, advanced=flag) for flag in (False, True))
    return {**plain, **advanced}


def _useful(row: Technique, dataset: str) -> tuple[Knob, ...]:
    """The knobs that mean something for this data, beside what the widgets hold; each stands where the data has it."""
    held = {knob.name: st.session_state.get(f"{row.name}.{knob.name}", knob.default) for knob in row.knobs}
    data = catalog.dataset(dataset)
    return tuple(
        dataclasses.replace(knob, default=data.begins.get(knob.name, knob.default))
        for knob in row.useful(held, data.kind)
    )


def _widgets(row: Technique, dataset: str, *, advanced: bool) -> dict[str, KnobValue]:
    knobs = [knob for knob in _useful(row, dataset) if knob.advanced is advanced]
    if not knobs:
        return {}
    with st.expander("Advanced") if advanced else st.container():
        return {knob.name: _widget(knob, f"{row.name}.{knob.name}", dataset) for knob in knobs}


def _widget(knob: Knob, key: str, dataset: str) -> KnobValue:
    _follow(knob, key)
    common: dict[str, Any] = {"key": key, "help": knob.help, **BOUND}
    if knob.kind == "flag":
        return st.toggle(knob.label, bool(knob.default), **common)
    if knob.kind == "choice":
        return st.segmented_control(knob.label, knob.choices, default=str(knob.default), required=True, **common)
    if knob.kind == "teacher":
        return _teacher(knob, common, dataset)
    if knob.kind == "widths":
        return widths.widget(knob, dataset, common)
    return _number(knob, common)


def _follow(knob: Knob, key: str) -> None:
    """Other data, another beginning: a widget that still stands at the former one goes along."""
    held, memory = st.session_state, f"{BEGAN}{key}"
    if memory in held and held.get(key) == held[memory] != knob.default:
        held[key] = knob.default
    held[memory] = knob.default


def _number(knob: Knob, common: dict[str, Any]) -> KnobValue:
    """Slid, or typed where the range is wide; what is typed out of range is refused in words, as a width is."""
    kind = int if knob.kind == "int" else float
    low, high, default, step = kind(knob.low), kind(knob.high), kind(knob.default), kind(knob.step)
    label = f"{knob.label}, {knob.unit}" if knob.unit else knob.label
    if (knob.kind == "float" and knob.low > 0 and knob.high / knob.low > NUMBER_FROM) or knob.step < 0.001:
        return st.number_input(label, None, None, default, step, format="%.5g", **common)
    if knob.kind == "int" and knob.high - knob.low >= NUMBER_FROM - 1:
        return st.number_input(label, None, None, default, step, **common)
    value = st.slider(label, low, high, default, _reaching(knob, step), format=_format(knob), **common)
    return value if kind is int else _rounded(float(value))


def _reaching(knob: Knob, step: float) -> float:
    """The knob's step, or a hundredth where steps would end short of the highest value, which the slider names."""
    whole = round((knob.high - knob.low) / knob.step, 6).is_integer()
    return step if whole or knob.kind == "int" else 0.01


def _format(knob: Knob) -> str | None:
    """A share of one moves in whole percents and is shown so; a learning rate is a plain number."""
    if knob.kind == "int":
        return None
    whole = round(100 * knob.step, 6).is_integer()
    return "percent" if whole and 0 <= knob.low < knob.high <= 1 else "%.5g"


def _teacher(knob: Knob, common: dict[str, Any], dataset: str) -> str:
    """The dense baseline, or any model whose baseline can be had."""
    names = [str(knob.default), *drafts.model_refs(dataset, state.home())]
    asked = st.session_state.get(common["key"])
    if asked and asked not in names:
        if drafts.can_teach(str(asked), dataset):
            names.append(str(asked))
        else:  # it was chosen with other data
            st.session_state[common["key"]] = names[0]
    return st.selectbox(knob.label, names, **common)


def more(many: str, model: str) -> tuple[int, Target, str]:
    """Seed, where files are timed, and the training device: rarely touched. `many`: what the items are called."""
    with st.expander("Timing, reference, seed"):
        threads = st.number_input(
            "Threads", 1, drafts.THREADS_HIGH, 1, key="threads", help="Of one ONNX Runtime session.", **BOUND
        )
        if told := jobs.too_many_threads(threads):
            st.warning(told, icon=":material/info:")
        batch = st.number_input(f"{many.capitalize()} per call", 1, drafts.BATCH_HIGH, 1, key="batch", **BOUND)
        reference = st.text_input(
            "Reference", "", key="reference", placeholder="as in the project",
            help=f"MODEL:WIDTH of the dense baseline that ratios and losses mean, such as {model}:2.", **BOUND,
        )  # fmt: skip
        device = st.selectbox("Train on", ["auto", "cpu", "cuda"], key="train-device", **BOUND)
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", **BOUND)
    return seed, Target("cpu", threads, batch, reference.strip() or None), device


def ask(recipe: Recipe, run: Run | None = None) -> None:
    """Have the widgets show this recipe on the next drawing, and where `run` was trained and timed."""
    st.session_state[LOADED] = {**drafts.choices(recipe), **(drafts.target_choices(run) if run else {})}


def load() -> None:
    """Widgets cannot be set once they are drawn; so the page begins with this."""
    held = st.session_state
    for key, value in held.pop(LOADED, {}).items():
        held[key] = value
        held.pop(f"{BEGAN}{key}", None)
