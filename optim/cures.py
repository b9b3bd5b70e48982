"""What cures a run that collapsed: the reason's name in, a changed recipe out. Light: pages offer it as one click."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from . import catalog, recipes
from .catalog_knobs import join_widths, parse_widths
from .errors import ParetoscopeError
from .records import KnobValue, Recipe, Run, Step

RECALIBRATE, LOWER_RATE, FLOOR, RECOVER = "recalibrate", "lower-rate", "floor", "recover"
LEAVE_INT8, CALIBRATE = "leave-int8", "calibrate"
TENTH, LOWEST = 0.1, 1e-5
EPOCHS = 3


class Cure(NamedTuple):
    """One button: what it says, why it helps, and the recipe it runs."""

    name: str
    label: str
    why: str
    recipe: Recipe


def cures(run: Run) -> tuple[Cure, ...]:
    """What the run's failure or its warnings ask for; none for a recipe that cannot be changed that way."""
    asked = [run.failure.cure] if run.failure else []
    asked += run.result.cures if run.result else ()
    asked += [CALIBRATE] if LEAVE_INT8 in asked else []
    sizes = {group.name: group.before for group in run.result.groups} if run.result else {}
    rows = {**_ROWS, FLOOR: lambda recipe: floored(recipe, sizes)}
    found = [rows[name](run.recipe) for name in dict.fromkeys(asked) if name in rows]
    return tuple(cure for cure in found if cure is not None and cure.recipe.id != run.recipe.id)


def lower_rate(recipe: Recipe) -> Cure | None:
    """A tenth of the learning rate in every step that trains; one that was automatic is named first."""
    model = catalog.model(recipe.model)
    automatic, steps, rates = model.rate(from_scratch=recipe.start == "scratch"), [], []
    for step in recipe.steps:
        changed = step
        if catalog.technique(step.technique).trains:
            rate = float(step.knobs.get("learning_rate", 0.0)) or automatic
            highest = catalog.technique(step.technique).knob("learning_rate").high
            rates.append(min(max(float(f"{TENTH * rate:.3g}"), LOWEST), highest))
            changed, automatic = _set(step, learning_rate=rates[-1]), model.recovery_rate
        steps.append(changed)
    if not rates:
        return None
    label = f"Lower the learning rate to {rates[-1]:g}"
    return _cure(
        LOWER_RATE, label, "A rate this high throws the weights about instead of settling them.", recipe, steps
    )


def recalibrated(recipe: Recipe) -> Cure | None:
    """Batch-norm statistics estimated anew after everything that changes the network."""
    network = [step for step in recipe.steps if catalog.technique(step.technique).stage == "network"]
    file = [step for step in recipe.steps if step not in network]
    steps = [*network, Step(technique="recalibrate"), *file]
    if network and network[-1].technique == "recalibrate":
        return None
    why = "The kept means and variances no longer fit what arrives; measuring them anew costs seconds."
    return _cure(RECALIBRATE, "Recalibrate batch norm", why, recipe, steps)


def floored(recipe: Recipe, sizes: Mapping[str, int] = MappingProxyType({})) -> Cure | None:
    """Gentler pruning: a floor per layer, then half the sparsity; half of what a time or widths by hand took away.

    `sizes`: channels of the dense model's groups. Where nothing can be pruned less, a lower learning rate.
    """
    steps, label = list(recipe.steps), ""
    why = "Less is pruned, so that no layer is left too narrow to tell one answer from another."
    pruning = [place for place, step in enumerate(steps) if step.technique == "prune-channels"]
    for place in pruning:
        knobs, said = _gentler(steps[place], sizes if len(pruning) == 1 else {})
        steps[place], label = _set(steps[place], **knobs), said or label
        if knobs.get("allocation") == "global":
            why = "Global allocation takes the weakest anywhere and leaves every layer a tenth of its width: none dies."
    return _cure(FLOOR, label, why, recipe, steps) if label else lower_rate(recipe)


def _gentler(step: Step, sizes: Mapping[str, int]) -> tuple[dict[str, KnobValue], str]:
    """What to set, and what the button says; nothing where the step cannot take less."""
    knobs = step.knobs
    if knobs.get("allocation") == "manual":
        named = parse_widths(str(knobs.get("widths", "")))
        wider = {name: width + (sizes.get(name, width) - width + 1) // 2 for name, width in named.items()}
        return ({"widths": join_widths(wider)}, "Give back half of what went") if wider != named else ({}, "")
    if knobs.get("allocation") == "latency":
        now = float(knobs["latency_target"])
        target = round((1 + now) / 2, 4)
        return ({"latency_target": target}, f"Raise the target time to {100 * target:g} %") if now < 1 else ({}, "")
    if knobs.get("allocation") == "global":
        half = round(0.5 * float(knobs["sparsity"]), 4)
        return {"sparsity": half}, f"Halve the sparsity to {100 * half:g} %"
    return {"allocation": "global"}, "Keep a floor in every layer"


def recovered(recipe: Recipe) -> Cure | None:
    """Training after the last change; where there is training already, twice the epochs."""
    trains = [place for place, step in enumerate(recipe.steps) if catalog.technique(step.technique).trains]
    steps = list(recipe.steps)
    if trains:
        epochs = min(2 * int(steps[trains[-1]].knobs["epochs"]), 200)
        steps[trains[-1]] = _set(steps[trains[-1]], epochs=epochs)
        return _cure(RECOVER, f"Train for {epochs} epochs", "It had learned too little yet.", recipe, steps)
    before = [step for step in steps if catalog.technique(step.technique).stage == "network"]
    after = [step for step in steps if step not in before]
    steps = [*before, Step(technique="fine-tune", knobs={"epochs": EPOCHS}), *after]
    why = "Nothing trains after the pruning, so the rest of the network never adapts to what is gone."
    return _cure(RECOVER, f"Fine-tune for {EPOCHS} epochs", why, recipe, steps)


def without_int8(recipe: Recipe) -> Cure | None:
    """The file as it was before: 32-bit floats."""
    steps = [step for step in recipe.steps if catalog.technique(step.technique).precision != "int8"]
    why = "The network itself is sound; what it answers does not survive 8 bits."
    return _cure(LEAVE_INT8, "Leave out INT8", why, recipe, steps) if len(steps) < len(recipe.steps) else None


def calibrated(recipe: Recipe) -> Cure | None:
    """Four times the items, where ranges are measured on some; None where they cannot be more."""
    steps, count = list(recipe.steps), 0
    for place, step in enumerate(steps):
        if "calibration_items" in step.knobs:
            high = int(catalog.technique(step.technique).knob("calibration_items").high)
            count = min(4 * int(step.knobs["calibration_items"]), high)
            steps[place] = _set(step, calibration_items=count)
    why = "The ranges that 8 bits divide may have missed what few items show."
    return _cure(CALIBRATE, f"Calibrate with {count:,} items", why, recipe, steps) if count else None


def _set(step: Step, **knobs: KnobValue) -> Step:
    return step.with_(knobs={**step.knobs, **knobs})


def _cure(name: str, label: str, why: str, recipe: Recipe, steps: list[Step]) -> Cure | None:
    """The completed recipe; None if the change does not fit it."""
    try:
        return Cure(name, label, why, recipes.complete(recipe.with_(steps=tuple(steps))))
    except ParetoscopeError:
        return None


_ROWS: Mapping[str, Callable[[Recipe], Cure | None]] = {
    LOWER_RATE: lower_rate,
    RECALIBRATE: recalibrated,
    FLOOR: floored,
    RECOVER: recovered,
    LEAVE_INT8: without_int8,
    CALIBRATE: calibrated,
}
