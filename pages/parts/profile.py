"""A model's profile on Design: have it measured, see how far that is, and what it says of the recipe."""

from __future__ import annotations

import streamlit as st

from optim import (
    catalog,
    estimates,
    figures_estimate,
    figures_profile,
    package,
    profile_jobs,
    recipes,
    time_words,
    words,
)
from optim.drafts import Preview
from optim.errors import ParetoscopeError
from optim.estimates import Estimate
from optim.profile_jobs import Standing
from optim.profiles import IMPORTANCES, Profile, ProfileAsk
from optim.records import Recipe, Run

from . import state
from .say import changed, quiet

FLAT = {"displayModeBar": False}
NEWEST = 60
"""Own runs that estimates are compared with."""
ESTIMATED = "An estimate from the measured profile, against the dense FP32 model. The run measures it."
SECTION = "**Measured profile of this model**"


def _ask(recipe: Recipe) -> ProfileAsk | None:
    """The request that fits the recipe and the target in the widgets."""
    method = next((str(s.knobs["importance"]) for s in recipe.steps if "importance" in s.knobs), IMPORTANCES[0])
    if method not in IMPORTANCES:
        method = IMPORTANCES[0]
    try:
        return profile_jobs.request(state.home(), recipe.dataset, recipe.model, recipe.width, state.target(), method)
    except ParetoscopeError:
        return None


def _guessed(recipe: Recipe, shown: Preview) -> tuple[Profile, Estimate, Run | None] | None:
    """The profile, what it says of the recipe, and the run that has measured it; None where nothing is said."""
    ask = _ask(recipe)
    profile = profile_jobs.complete(ask) if ask and shown.groups and not shown.refused else None
    if profile is None or estimates.refused(recipe):
        return None
    guess = estimates.of_recipe(profile, recipe, shown.groups, state.own()[:NEWEST])
    return profile, guess, estimates.measured(profile, recipe, state.same(recipe))


def estimate(recipe: Recipe, shown: Preview) -> None:
    """About how fast and how right the file will be, or what its run measured: where this model was profiled."""
    told = _guessed(recipe, shown)
    if told is None:
        if (why := estimates.refused(recipe)) and (ask := _ask(recipe)) and profile_jobs.complete(ask):
            quiet(why)
        return
    _, guess, run = told
    if run is None:
        _numbers(guess, guess.latency_ms.value, guess.accuracy.value if guess.accuracy else None, ", about", ESTIMATED)
        quiet(estimates.sentence(guess))
    elif run.latency and run.result:
        right = run.result.file.score.validation.value
        _numbers(guess, run.latency.p50_ms, right, ",", f"Measured by run {run.id}, against the dense FP32 model.")
        quiet(estimates.error_of(guess, run))


def place(recipe: Recipe, shown: Preview) -> None:
    """The recipe beside its reference: the estimate's dot, until the measured one stands there. After the numbers:
    what draws a figure keeps the browser from showing them.
    """
    if told := _guessed(recipe, shown):
        info = figures_estimate.place_info(*told)
        if info.title:
            _figure(info.title, figures_estimate.place_plot(info, state.theme()), info.alt,
                    figures_estimate.place_rows(info), "place")  # fmt: skip


def _numbers(guess: Estimate, ms: float, right: float | None, about: str, told: str) -> None:
    row = st.container(horizontal=True, wrap=False, gap="small")
    change = words.change(ms, guess.dense_ms)
    row.metric(f"Latency{about} ms", time_words.ms_alone(ms), help=told, **changed(change))
    if right is not None:
        change = words.points_change(right, guess.dense_accuracy)
        row.metric(
            f"{package.capital(guess.metric)}{about} %", f"{100 * right:.1f}", change, delta_color="off", help=told
        )


def section(recipe: Recipe, shown: Preview) -> None:
    """Ask for the profile, follow it, or read it."""
    ask = _ask(recipe)
    if ask is None or recipe.start == "scratch":
        return
    st.markdown(SECTION)
    standing = profile_jobs.find(ask)
    profile = profile_jobs.complete(ask)
    if standing is not None and standing.state != "failed":
        _live(ask)
    elif profile is None:
        _none(ask, standing)
    else:
        _disturbed(ask, profile.disturbed)
        if st.toggle("Show what each width costs", key="profile.shown", persist_state="session"):
            _figures(profile, recipe, shown, ask.importance)


def _disturbed(ask: ProfileAsk, sessions: int) -> None:
    """That some of its times are less sure, and the button that measures them anew; nothing where all were quiet."""
    if not sessions:
        return
    quiet(f"Other load disturbed {words.plural(sessions, 'session')} of its timing: what rests on them is less sure.")
    if st.button("Measure the profile again", icon=":material/refresh:", key="profile_again"):
        _submit(ask.with_(again=True))


def _none(ask: ProfileAsk, standing: Standing | None) -> None:
    if standing is not None and standing.failure is not None:
        st.error(f"{standing.failure.reason} {standing.failure.remedy}".rstrip(), icon=":material/error:")
    quiet(
        "Not measured here yet. It times this model at many widths of each layer group and scores it there; then the "
        f"sliders show an estimate of latency and {catalog.dataset(ask.dataset).goodness.label}."
    )
    if st.button("Measure the profile", icon=":material/stairs:", key="profile_it"):
        _submit(ask)


def _submit(ask: ProfileAsk) -> None:
    state.act(lambda: profile_jobs.submit(ask, start_driver=False))
    state.wake(anyway=True)
    st.rerun()


@st.fragment(run_every=1)
def _live(ask: ProfileAsk) -> None:
    """Drawn every second while it is measured; then the page is drawn again."""
    standing = profile_jobs.find(ask)
    if standing is None or standing.state == "failed":
        st.rerun()
    event = standing.event
    share = min(event.done / event.total, 1.0) if event and event.total else 0.0
    told = f"{event.stage}: {event.message}" if event and event.stage else "waiting for the worker"
    if event and (left_s := event.metrics.get("left_s")) is not None:
        told += f", about {words.duration(left_s)} left"
    left, right = st.columns([0.8, 0.2], vertical_alignment="center", wrap=False)
    left.progress(share, told)
    if right.button("Stop", icon=":material/stop:", key="profile_stop", width="stretch"):
        profile_jobs.cancel(ask)
    if state.trouble():
        st.error(state.trouble(), icon=":material/error:")


def _figures(profile: Profile, recipe: Recipe, shown: Preview, importance: str) -> None:
    names = {group.name: group.label for group in profile.groups}
    widths = {group.name: group.after for group in shown.groups}
    chosen = st.selectbox("Layer group", list(names), format_func=names.__getitem__, key="profile.group",
                          persist_state="session")  # fmt: skip
    precision = "int8" if recipes.precision(recipe) == "int8" else "fp32"
    stairs = figures_profile.staircase_info(profile, chosen, precision, widths.get(chosen, 0))
    _figure(stairs.title, figures_profile.staircase_plot(stairs, state.theme()), stairs.alt,
            figures_profile.staircase_rows(stairs), "staircase")  # fmt: skip
    curves = figures_profile.sensitivity_info(profile, importance)
    _figure(curves.title, figures_profile.sensitivity_plot(curves, state.theme()), curves.alt,
            figures_profile.sensitivity_rows(curves), "sensitivity")  # fmt: skip
    told = estimates.outcomes(profile, state.own()[:NEWEST])
    if told:
        info = figures_estimate.outcomes_info(told)
        _figure(info.title, figures_estimate.outcomes_plot(info, state.theme()), info.alt,
                figures_estimate.outcomes_rows(info), "outcomes")  # fmt: skip
    quiet(f"Measured {words.ago(profile.made_at)} in {words.duration(profile.seconds)}, scored on "
          f"{catalog.dataset(profile.dataset).count(profile.dense_accuracy.n)} of validation.")  # fmt: skip


def _figure(title: str, figure: object, alt: str, rows: list[dict[str, str]], key: str) -> None:
    st.markdown(f"**{title}**")
    st.plotly_chart(figure, theme=None, key=key, config=FLAT, alt=alt)
    with st.expander("As a table"):
        st.table(rows, border="horizontal", hide_index=True)
