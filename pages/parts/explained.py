"""Why: where the promised time went, which classes pay for it, and the images on which the runs disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from optim import answers, catalog, delivery, figures_compare, remarks, who_pays, words
from optim.compare import Side
from optim.delivery import Delivery
from optim.who_pays import Paid

from . import state
from .say import quiet

QUIET = {"displayModeBar": False}
SHOWN, SIDE = 12, 112
"""Images of the gallery, and their size in pixels."""


def delivered(shown: Sequence[Side]) -> None:
    """From the ratio of multiply-accumulates to the measured one, each lost factor named."""
    st.subheader("Promise against delivery", anchor=False)
    base = next((one for one in shown if one.is_reference), None)
    found = {one.name: known for one in shown if base is not None and (known := _delivery(one, base)) is not None}
    missing = [one for one in shown if one.operators is None]
    if missing:
        names = " and ".join(one.name for one in missing)
        st.markdown(
            f"No operator of {names} was timed yet: press **Time again** on the Runs page, or measure together."
        )
    for one in shown:
        if not one.is_reference and remarks.not_valid(one.run):
            st.markdown(
                f"**{one.name.capitalize()}**: its time is not valid, so nothing is told of what was delivered."
            )
    if not found:
        return
    for name, one in found.items():
        st.markdown(f"**{name.capitalize()}**: {delivery.sentence(one)}")
    info = figures_compare.delivery_info(found)
    figure = figures_compare.delivery_plot(info, state.theme())
    st.plotly_chart(figure, theme=None, key="delivery", config=QUIET, alt=info.alt)
    with st.expander("Each factor, and why"):
        for name, one in found.items():
            st.markdown(f"**{name.capitalize()}**: the factors' product is the measured {words.ratio(one.measured)}.")
            rows = [{"what": f.name, "factor": f.told, "why": f.why} for f in one.factors]
            st.table(rows, border="horizontal", hide_index=True)
        quiet(
            "The first factor is counted. The others have 95 % intervals over the turns in which the operators were "
            "timed, the last one that of the measured ratio too."
        )


def _delivery(one: Side, base: Side) -> Delivery | None:
    if one is base or one.operators is None or base.operators is None or one.run.latency is None or not one.file.macs:
        return None
    if remarks.not_valid(one.run):
        return None
    alike = base.run.under(one.run.fingerprint.id) if one.run.fingerprint and not remarks.not_valid(base.run) else None
    return delivery.delivery(
        one.operators, base.operators, macs=one.file.macs, reference_macs=base.file.macs,
        measured=one.run.latency.ratio, int8=one.file.precision == "int8",
        ms=delivery.milliseconds(one.run.latency, alike.latency if alike else None),
    )  # fmt: skip


def payers(shown: Sequence[Side]) -> None:
    """Accuracy per class against the reference, paired on the same images."""
    st.subheader("Who pays", anchor=False)
    names = catalog.dataset(shown[0].run.recipe.dataset).classes
    base = next((one.answers for one in shown if one.is_reference), None)
    told = [one for one in shown if one.answers is None and not one.foreign]
    if told:
        who = " and ".join(one.name for one in told)
        st.markdown(f"The true labels of what {who} answered are not kept: press **Time again** on the Runs page.")
    for one in shown:
        if one.foreign:
            st.markdown(f"What is kept as the answers of {one.name} does not give its recorded score: make it again.")
    if base is None:
        return
    paid = {
        one.name: who_pays.classes(one.answers, base, names)
        for one in shown
        if not one.is_reference and one.answers is not None
    }
    if not paid:
        return
    for name, every in paid.items():
        st.markdown(f"**{name.capitalize()}**: {who_pays.headline(every)}")
    info = figures_compare.classes_info(paid)
    figure = figures_compare.classes_plot(info, state.theme())
    st.plotly_chart(figure, theme=None, key="classes", config=QUIET, alt=info.alt)
    quiet("Paired on the same validation images; the intervals hold for all classes at once, at 95 %.")
    with st.expander("As a table"):
        for name, every in paid.items():
            st.markdown(f"**{name.capitalize()}**")
            st.table([_row(one) for one in every], border="horizontal", hide_index=True)


def _row(one: Paid) -> dict[str, str]:
    low, high = 100 * one.change.low, 100 * one.change.high
    return {
        "class": one.name,
        "reference": words.percent(one.before.value),
        "now": words.percent(one.after.value),
        "change, points": f"{100 * one.change.value:+.1f} ({low:+.1f} to {high:+.1f})".replace("-", words.MINUS),
        "images": f"{one.after.n:,}",
        "verdict": one.verdict,
    }


def gallery(shown: Sequence[Side]) -> None:
    """Validation images that the runs do not all answer alike, each with the truth and every answer."""
    st.subheader("Where they disagree", anchor=False)
    known = [one for one in shown if one.answers is not None]
    pictures = answers.pictures(state.home(), shown[0].run.recipe.dataset)
    if len(known) < 2 or pictures is None:
        st.markdown("The images appear here after the next run, or when one of these is timed again.")
        return
    apart = who_pays.disagreements([one.answers for one in known if one.answers is not None])
    n = len(pictures.labels)
    if not len(apart):
        st.markdown(f"They give the same answer to all {n:,} validation images.")
        return
    quiet(f"On {len(apart):,} of {n:,} validation images; first those that the reference gets right.")
    names = catalog.dataset(shown[0].run.recipe.dataset).classes
    with st.container(horizontal=True, gap="medium"):
        for index in apart[:SHOWN]:
            _image(int(index), known, pictures.images[index], names)


def _image(index: int, known: Sequence[Side], pixels: np.ndarray, names: Sequence[str]) -> None:
    truth = names[int(known[0].answers.labels[index])] if known[0].answers else ""
    large = pixels.transpose(1, 2, 0)
    times = max(2 * SIDE // large.shape[0], 1)
    large = large.repeat(times, axis=0).repeat(times, axis=1).squeeze()
    with st.container(width=SIDE + 48, gap="xxsmall"):
        st.image(large, width=SIDE, alt=f"Validation image {index} of class {truth}")
        st.markdown(f"**{truth}**")
        for one in known:
            answer = names[int(one.answers.predicted[index])] if one.answers else ""
            mark = ":material/check:" if answer == truth else ":material/close:"
            quiet(f"{mark} {one.name.partition(' (')[0]}: {answer}")
