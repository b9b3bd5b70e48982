"""Recipes in a few words: for a table cell, and for a column narrower still."""

from __future__ import annotations

from collections.abc import Mapping

from . import catalog
from .catalog_knobs import Knob, parse_widths
from .records import KnobValue, Recipe, Step

MANY_GROUPS = 6
"""So many widths can be read in a row."""

TOLD = frozenset({"sparsity", "temperature", "alpha", "teacher", "widths", "latency_target", "allocation"})
"""Knobs that the words of a step tell anyway."""


def describe(recipe: Recipe) -> str:
    """A few words for a table cell.

    >>> from optim.recipes import complete, parse_step
    >>> describe(complete(Recipe(dataset="digits", model="cnn", steps=(parse_step("prune-channels:sparsity=0.5"),))))
    'cnn x1 · prune 50 %'
    """
    words = [f"{recipe.model} x{recipe.width:g}"]
    if recipe.start == "scratch":
        words.append("from scratch")
    words += [_words(step) for step in recipe.steps]
    return " · ".join(words if recipe.steps else [*words, "dense"])


def _words(step: Step) -> str:
    k = step.knobs
    if step.technique == "prune-channels":
        if "latency_target" in k:
            return f"prune to {_percent(k['latency_target'])} of the time"
        return f"widths {_by_hand(k)}" if "widths" in k else f"prune {_percent(k['sparsity'])}"
    if step.technique == "prune-weights":
        return f"{_percent(k['sparsity'])} zeros"
    if step.technique == "fine-tune":
        return f"tune {k['epochs']} ep"
    if step.technique == "distill":
        teacher = "" if k["teacher"] == "dense" else f" from {k['teacher']}"
        return f"distil {k['epochs']} ep T={float(k['temperature']):g} α={float(k['alpha']):g}{teacher}"
    return {"quantize-int8": "INT8", "early-stride": "early stride"}.get(step.technique, step.technique)


def step_words(step: Step) -> str:
    """One step in words, with every setting that is not the usual one: so two steps that differ read differently.

    >>> from optim.recipes import complete_step, parse_step
    >>> step_words(parse_step("prune-channels:sparsity=0.5,importance=taylor"))
    'prune 50 %, importance taylor'
    >>> step_words(complete_step(parse_step("distill")))
    'distil 3 ep T=4 α=0.7'
    """
    row = catalog.technique(step.technique)
    told = TOLD | ({"epochs"} if row.trains else set())
    more = [
        _setting(knob, step.knobs[knob.name])
        for knob in row.knobs
        if knob.name not in told and step.knobs.get(knob.name, knob.default) != knob.default
    ]
    return ", ".join([_words(step), *more])


def _setting(knob: Knob, value: KnobValue) -> str:
    name = knob.label[:1].lower() + knob.label[1:]
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"


def brief(recipe: Recipe, model_ref: str = "") -> str:
    """Fewer words still, for a narrow column: a model that goes without saying and usual knobs are left out.

    >>> from optim.recipes import complete, parse_step
    >>> steps = (parse_step("prune-channels:sparsity=0.5"), parse_step("distill"), parse_step("quantize-int8"))
    >>> brief(complete(Recipe(dataset="digits", model="cnn", steps=steps)), "cnn:1")
    '50 % pruned, distil 3 ep, INT8'
    """
    named = [] if recipe.model_ref == model_ref else [f"{recipe.model} x{recipe.width:g}"]
    start = ["scratch"] if recipe.start == "scratch" else []
    return ", ".join([*named, *start, *(_brief(step) for step in recipe.steps)] + ["dense"] * (not recipe.steps))


def _brief(step: Step) -> str:
    k = step.knobs
    if step.technique == "prune-channels":
        if "latency_target" in k:
            return f"{_percent(k['latency_target'])} of the time"
        return _by_hand(k) if "widths" in k else f"{_percent(k['sparsity'])} pruned"
    if step.technique == "distill":
        row = catalog.technique(step.technique)
        told = {"temperature": " T", "alpha": " α"}
        unusual = [f"{sign}={float(k[n]):g}" for n, sign in told.items() if k[n] != row.knob(n).default]
        teacher = "" if k["teacher"] == "dense" else f" from {k['teacher']}"
        return f"distil {k['epochs']} ep{''.join(unusual)}{teacher}"
    if step.technique == "fine-tune":
        return f"tuned {k['epochs']} ep"
    return "strided" if step.technique == "early-stride" else _words(step)


def _by_hand(knobs: Mapping[str, KnobValue]) -> str:
    """8-8-16: the named groups' widths in the order of their names; one or two with their names."""
    widths = parse_widths(str(knobs["widths"]))
    if len(widths) <= 2:
        return " ".join(f"{name}:{width}" for name, width in widths.items()) or "by hand"
    return "-".join(map(str, widths.values())) if len(widths) <= MANY_GROUPS else "by hand"


def _percent(share: KnobValue) -> str:
    return f"{100 * float(share):.3g} %"
