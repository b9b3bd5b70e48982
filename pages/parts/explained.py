"""Why: where the promised time went, which classes pay for it, and the items on which the runs disagree."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from optim import answers, catalog, compare, delivery, figures_compare, judging, remarks, who_pays, words
from optim.answers import Answers, Shown
from optim.catalog import Dataset
from optim.compare import Side
from optim.delivery import Delivery
from optim.who_pays import Paid

from . import state
from .say import quiet

QUIET = {"displayModeBar": False}
SHOWN, SIDE = 12, 112
"""Items of the gallery, and the size of a picture in pixels."""


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
            "The first factor is counted. The others have 95 % intervals: over the turns in which the operators were "
            "timed, the parts of a microsecond that the profiler does not tell, and other sessions; the last one that "
            "of the measured ratio too. What the profiler itself adds is taken from all operators alike."
        )


def _delivery(one: Side, base: Side) -> Delivery | None:
    if one is base or one.operators is None or base.operators is None or one.run.latency is None or not one.file.macs:
        return None
    if remarks.not_valid(one.run):
        return None
    alike = base.run.under(one.run.fingerprint.id) if one.run.fingerprint and not remarks.not_valid(base.run) else None
    return delivery.delivery(
        one.operators, base.operators, macs=one.file.macs, reference_macs=base.file.macs,
        measured=judging.settled_ratio(one.run.latency), int8=one.file.precision == "int8",
        ms=delivery.milliseconds(one.run.latency, alike.latency if alike else None),
    )  # fmt: skip


def payers(shown: Sequence[Side]) -> None:
    """The score per class, or per group of users, against the reference, paired on the same items."""
    st.subheader("Who pays", anchor=False)
    row = catalog.data_of(shown[0].run)
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
    others = {one.name: one.answers for one in shown if not one.is_reference and one.answers is not None}
    paid = {name: who_pays.each(known, base, row) for name, known in others.items()}
    if not paid:
        return
    for name, every in paid.items():
        st.markdown(f"**{name.capitalize()}**: {who_pays.headline(every, row, _whole(name, shown))}")
    info = figures_compare.classes_info(paid, row)
    figure = figures_compare.classes_plot(info, state.theme(), row)
    st.plotly_chart(figure, theme=None, key="classes", config=QUIET, alt=info.alt)
    many = row.traits.parts[1]
    quiet(f"Paired on the same validation {row.items[1]}; the intervals hold for all {many} at once, at 95 %.")
    with st.expander("As a table"):
        for name, every in paid.items():
            st.markdown(f"**{name.capitalize()}**")
            st.table([_row(one, row) for one in every], border="horizontal", hide_index=True)


def _whole(name: str, shown: Sequence[Side]) -> str:
    """What this run loses over all classes, if that can be told."""
    one = next(side for side in shown if side.name == name)
    base = next(side for side in shown if side.is_reference)
    loss = compare.loss(one, base)
    return compare.loss_words(one, base) if loss.told and loss.value > 0 else ""


def _row(one: Paid, row: Dataset) -> dict[str, str]:
    low, high = 100 * one.change.low, 100 * one.change.high
    return {
        row.traits.parts[0]: one.name,
        "reference": words.percent(one.before.value),
        "now": words.percent(one.after.value),
        "change, points": f"{100 * one.change.value:+.1f} ({low:+.1f} to {high:+.1f})".replace("-", words.MINUS),
        row.items[1]: f"{one.after.n:,}",
        "verdict": one.verdict,
    }


def gallery(shown: Sequence[Side]) -> None:
    """Validation items that the runs do not all answer alike, each with the truth and every answer."""
    row = catalog.dataset(shown[0].run.recipe.dataset)
    if not row.traits.shown:
        return
    one, many = row.items
    st.subheader("Where they disagree", anchor=False)
    known = [side for side in shown if isinstance(side.answers, Answers)]
    kept = answers.items(state.home(), row.name)
    if len(known) < 2 or kept is None:
        st.markdown(f"The {many} appear here after the next run, or when one of these is timed again.")
        return
    apart = who_pays.disagreements([side.answers for side in known if isinstance(side.answers, Answers)])
    n = len(kept.labels)
    if not len(apart):
        st.markdown(f"They give the same answer to all {n:,} validation {many}.")
        return
    quiet(f"On {len(apart):,} of {n:,} validation {many}; first those that the reference gets right.")
    with st.container(horizontal=True, gap="medium"):
        for index in apart[:SHOWN]:
            with st.container(width=SIDE + 48, gap="xxsmall"):
                _item(kept, int(index), f"Validation {one} {index}")
                _answers(known, int(index), row.classes)


def _item(kept: Shown, index: int, name: str) -> None:
    """As it can be shown: enlarged pixels, or the text itself."""
    if kept.images is None:
        st.markdown(f"#### {kept.texts[index]}" if kept.texts is not None else name)
        return
    large = kept.images[index].transpose(1, 2, 0)
    times = max(2 * SIDE // large.shape[0], 1)
    st.image(large.repeat(times, axis=0).repeat(times, axis=1).squeeze(), width=SIDE, alt=name)


def _answers(known: Sequence[Side], index: int, names: Sequence[str]) -> None:
    """The truth, and what each file answered."""
    found = {one.name: one.answers for one in known if isinstance(one.answers, Answers)}
    truth = next((names[int(told.labels[index])] for told in found.values()), "")
    st.markdown(f"**{truth}**")
    for name, told in found.items():
        answer = names[int(told.predicted[index])]
        mark = ":material/check:" if answer == truth else ":material/close:"
        quiet(f"{mark} {name.partition(' (')[0]}: {answer}")
