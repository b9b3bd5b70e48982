"""Small pieces that several pages show: an empty page's next step, a failed run, a run's numbers."""

from __future__ import annotations

import streamlit as st

from optim import catalog, examples, findings, jobs, outcomes, recipes, remarks, tables, time_words, words
from optim.errors import StoreError
from optim.findings import Fact, Findings
from optim.hardware import processor_name
from optim.records import Run

from . import compared, doubt, gains, state, twins
from .say import changed, face, key_of, quiet


def empty(what: str, button: str, page: str, icon: str = ":material/arrow_forward:", **query: object) -> None:
    """What will appear here, and the one button that makes it appear."""
    with st.container(border=True):
        st.markdown(what)
        if st.button(**face(button, icon)):
            state.go(page, **query)


def failed(run: Run) -> None:
    """What happened, why, and what to do; a run that is done failed only in what came after."""
    if run.failure is not None:
        again = f"{run.errand.capitalize()} failed: " if run.result is not None else ""
        st.error(f"{again}{run.failure.reason}", icon=":material/error:")
        if run.failure.remedy:
            st.markdown(f"**What to do:** {run.failure.remedy}")


SIDE_BY_SIDE = (
    "The change is that of the ratio: both files were timed in turns in one session. The reference's own milliseconds "
    "are of a session of its own, and may differ from it by a few percent."
)


def numbers(run: Run, reference: Run | None) -> None:
    """Four numbers, each beside the reference's; times only where both were taken under the same conditions."""
    if run.result is None or run.latency is None:
        return
    other = reference if reference is not None and reference is not run else None
    file, base = run.result.file, other.result.file if other and other.result else None
    alike = other.under(run.fingerprint.id) if other and run.fingerprint else None
    time, told = (
        run.latency,
        bool(alike and alike.latency and not remarks.not_valid(alike) and not remarks.not_valid(run)),
    )
    share = file.score.validation
    loss = outcomes.loss(state.home(), other, run) if other else None
    with st.container(horizontal=True, wrap=False, gap="small"):
        beside = time.p50_ms * time.ratio.value if told else None  # the reference's time in the same session
        _smaller("Latency, ms", time_words.ms_alone(time.p50_ms), time.p50_ms, beside, SIDE_BY_SIDE if told else None)
        st.metric(
            f"{catalog.data_of(run).goodness.axis}, %",
            f"{100 * share.value:.1f}",
            **changed(
                findings.change(loss) if loss is not None else None,
                "normal" if loss is not None and loss.told else "off",
            ),
        )
    with st.container(horizontal=True, wrap=False, gap="small"):
        size, params = words.three(file.size_bytes / 1e3), words.count(file.params)
        _smaller("Size, kB", size, file.size_bytes, base.size_bytes if base else None)
        _smaller("Parameters", params, file.params, base.params if base else None)


def _smaller(label: str, shown: str, new: float, old: float | None, help_: str | None = None) -> None:
    """A number that is better when it is smaller."""
    st.metric(label, shown, help=help_, **changed(words.change(new, old) if old else None))


def answer(found: Findings, focused: list[int], *, shipped: bool) -> None:
    """Beside the plot: the fastest within the accepted loss, or the run the reader chose."""
    chosen = found.fact(focused[-1]) if focused else None
    fact = chosen or found.best
    run = _member(fact, focused) if fact else None
    with st.container(border=True):
        why = found.nothing_valid and not chosen
        title = "Why no time is valid" if why else _question(found) if fact is found.best else f"Run {focused[-1]}"
        st.subheader(title, anchor=False)
        if why:
            doubt.nothing_valid(found.unsure)
            return
        if fact is None or run is None or (fact is found.reference and not chosen):
            st.markdown(found.sentence)
            st.page_link("pages/design.py", label="Design a run", icon=":material/tune:")
            return
        _against(found, fact)
        _seeds(fact, run)
        reference = found.reference.run if found.reference else None
        numbers(run, reference)
        _small_print(run, reference, shipped=shipped)
        gains.show(run)
        twins.show(found, run, shipped=shipped)
        query = {"example" if shipped else "run": run.id}
        export, other = st.columns(2, gap="small") if not shipped else (st.container(), None)
        if export.button(**face("Export", ":material/download:"), width="stretch", key=key_of("to_export", run)):
            state.go("pages/export.py", **query)
        if other is not None:
            with other:
                compared.button(run, f"to_compare_{run.id}", width="stretch")
    if chosen and chosen is not found.best:
        quiet(f"{_question(found)}: {found.sentence}")


def _question(found: Findings) -> str:
    accept = f"{words.three(found.accept)} point{'s' * (found.accept != 1)}{found.metric.of}"
    return f"{found.cost.best} within {accept}" if found.accept else f"{found.cost.best} that loses nothing"


def _member(fact: Fact, focused: list[int]) -> Run:
    """Of several seeds the one that was asked for, else the first."""
    return next((run for run in fact.runs if run.id in focused[-1:]), fact.run)


def _seeds(fact: Fact, shown: Run) -> None:
    """Each seed of a mean with its own numbers, and the way to it."""
    if not fact.members:
        return
    for run in fact.members:
        label = f"Run {run.id} · seed {run.recipe.seed} · {tables.outcome(run)}"
        st.page_link("pages/runs.py", label=label, query_params={"run": str(run.id)})
    quiet(f"The mean of {len(fact.members)} seeds stands in the plot; the numbers below are those of run {shown.id}.")


def _against(found: Findings, fact: Fact) -> None:
    reference = found.reference
    if reference is None:
        return
    if fact is reference:
        st.markdown("The reference: gains and losses mean this run.")
    else:
        st.markdown(found.sentence if fact is found.best else findings.compare(found, fact))


def _small_print(run: Run, reference: Run | None, *, shipped: bool) -> None:
    quiet(recipes.describe(run.recipe))
    told_by(run, reference)
    if run.latency is not None:
        quiet(remarks.time_line(run.latency))
    if run.earlier:
        quiet(tables.elsewhere_line(run))
    doubt.not_valid(run, shipped=shipped)


def told_by(run: Run, reference: Run | None) -> None:
    """What the loss rests on, and the score on test, if that was opened for this run."""
    other = reference if reference is not None and reference is not run else None
    loss, row = outcomes.loss(state.home(), other, run) if other else None, catalog.data_of(run)
    if loss is not None:
        quiet(f"Validation: {findings.loss_words(loss, row)}{findings.evidence(loss, row)}.")
    if run.result is None:
        return
    if (test := run.result.file.score.test) is None:
        quiet("Test: not opened for this run.")
        return
    gap = outcomes.loss(state.home(), other, run, "test") if other else None
    beside = f", {findings.loss_words(gap, row)}" if gap else ""
    quiet(f"Test, opened once for this run: {words.score(test, row)}{beside}.")


def nothing_measured() -> None:
    """The Pareto page without a single point."""
    live = state.live_runs()
    if live:
        worker()
        empty(
            f"The first point appears when the first of {words.plural(len(live), 'run')} is done.",
            "Watch them",
            "pages/runs.py",
        )
    elif examples.runs():
        empty("Make runs of your own, or look at the plot that is shipped.", "Design a run", "pages/design.py")
    else:
        empty("Each finished run becomes a point here.", "Try it now: 8 runs in a minute", "app.py")


def provenance(machine: str, *, measured_here: bool) -> None:
    """Where the shipped examples come from, and the button that times the same files on this machine."""
    if measured_here:
        quiet(f"Shipped files, timed on this machine: {machine}.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":blue-badge[Example] {examples.measured_on(machine, processor_name())}", width="content")
        with st.popover("Measure these here", icon=":material/timer:"):
            st.markdown(examples.measuring(examples.runs()))
            if st.button(**face("Measure now", ":material/timer:"), key="measure_here"):
                made = state.act(lambda: jobs.measure_here(state.home(), examples.runs()))
                if made:
                    state.go("pages/runs.py")


def shipped() -> tuple[Run, ...]:
    """The shipped runs; a damaged list is told, and counts as none."""
    try:
        return examples.runs()
    except StoreError as error:
        st.error(str(error), icon=":material/error:")
        return ()


def listed(runs: list[Run]) -> None:
    """Runs with their state and one number each, each a link to itself."""
    for run in runs:
        name, told = st.columns([0.5, 0.5], vertical_alignment="center", gap="small")
        page = "pages/pareto.py" if run.result else "pages/runs.py"
        name.page_link(page, label=f"Run {run.id} · {recipes.brief(run.recipe)}", query_params={"run": str(run.id)})
        told.markdown(f"{badge(run)} {tables.outcome(run)}")


def badge(run: Run) -> str:
    """The state as a word in a colour; the word says it all."""
    tones = {"done": "green", "failed": "red", "running": "blue", "stopping": "orange", "queued": "gray"}
    words_ = tables.state_words(run)
    return f":{tones.get(words_, 'gray')}-badge[{words_}]"


def worker(*, anyway: bool = False) -> None:
    """Work waits and nobody does it yet: why, and the button that starts a worker unless one is starting.

    `anyway`: the work is no run.
    """
    doing = state.worker()
    if doing == state.READY:
        return
    if doing == state.STARTING:
        st.info("The worker is starting; the first run begins in a few seconds.", icon=":material/hourglass_empty:")
        return
    if trouble := state.trouble():
        st.error(trouble, icon=":material/error:", title="The worker did not start")
    else:
        st.info("The worker is not running, so nothing begins.", icon=":material/hourglass_empty:")
    if st.button("Start the worker", icon=":material/power_settings_new:", key="wake"):
        state.wake(anyway=anyway)


def to_the_plot(newest: Run, *, first: bool) -> None:
    """The next step after the work is done; not the main one where a cure comes first."""
    look = face("See the plot", ":material/scatter_plot:", "primary" if first else "secondary")
    if st.button(**look, key=key_of("see_plot", newest)):
        state.go("pages/pareto.py", project=tables.project_word(newest.project))
