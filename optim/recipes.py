"""Recipes from words and back: parse what a user typed, complete it, check it, describe it."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from . import catalog, model_knobs, recipe_words
from .errors import KnobError, RecipeError, RequestError
from .records import KnobValue, Project, Recipe, Step

SEED_HIGH = 2**31 - 1
STEPS_HIGH = 20
describe, brief = recipe_words.describe, recipe_words.brief


def parse_step(text: str) -> Step:
    """`prune-channels:sparsity=0.5,importance=l2` as a step: complete but for what the data settles.

    >>> parse_step("quantize-int8").knobs["calibration_items"]
    256
    """
    name, _, settings = text.partition(":")
    knobs: dict[str, KnobValue] = {}
    for setting in filter(None, settings.split(",")):
        knob, equals, value = setting.partition("=")
        if not equals:
            raise RecipeError("A knob needs a value.", given=setting, allowed="NAME=VALUE, separated by commas")
        if knob.strip() in knobs:
            raise RecipeError("A knob is given twice.", given=text, allowed=f"{knob.strip()} once")
        knobs[knob.strip()] = _literal(value.strip())
    return model_knobs.left_to_data(complete_step(Step(technique=name.strip(), knobs=knobs)), knobs)


def complete_step(step: Step, begins: Mapping[str, KnobValue] | None = None) -> Step:
    """Every knob that means something beside the others, in catalogue order, checked and in its own type.

    One that was not given stands where the data's row has it (`begins`), else at its default. One that means nothing
    there is left out; `KnobError` if it was given another value than its default.
    """
    row = catalog.technique(step.technique)
    for name in step.knobs:
        row.knob(name)
    given = {**(begins or {}), **step.knobs}
    knobs = {knob.name: knob.check(given.get(knob.name, knob.default)) for knob in row.knobs}
    useful = row.useful(knobs)
    for knob in row.knobs:
        if knob not in useful and knobs[knob.name] != knob.default:
            raise _idle(knob, knobs)
    return Step(technique=row.name, knobs={knob.name: knobs[knob.name] for knob in useful})


def _idle(knob: catalog.Knob, knobs: Mapping[str, KnobValue]) -> KnobError:
    other, *choices = knob.only
    wanted = " or ".join(f"{other}={choice}" for choice in choices)
    return KnobError(
        f"{knob.name} means nothing with {other}={knobs[other]}.",
        given=f"{knob.name}={_plain(knobs[knob.name])}",
        allowed=f"{knob.name} together with {wanted}",
        remedy=f"Add {wanted}, or leave {knob.name} out.",
    )


def complete(recipe: Recipe) -> Recipe:
    """The canonical form: equal wishes give equal recipes, and so equal ids.

    Raises `RequestError` for an unknown name, a value outside its range, or steps that do not fit together.
    """
    row = catalog.dataset(recipe.dataset)
    catalog.check_takes(recipe.model, row)
    if not 0 <= recipe.seed <= SEED_HIGH:
        raise RecipeError("The seed is out of range.", given=recipe.seed, allowed=f"0 to {SEED_HIGH}")
    if len(recipe.steps) > STEPS_HIGH:
        raise RecipeError("The recipe has too many steps.", given=len(recipe.steps), allowed=f"0 to {STEPS_HIGH}")
    whole = recipe.with_(width=catalog.check_width(recipe.width))
    steps = tuple(
        model_knobs.own_teacher(
            model_knobs.named(_fitting(complete_step(step, row.begins), recipe.model, row), recipe.model), whole
        )
        for step in recipe.steps
    )
    _check_order(recipe.start, steps)
    return whole.with_(steps=steps)


def _fitting(step: Step, model: str, row: catalog.Dataset) -> Step:
    """The step without the knobs that mean nothing for this data; `RequestError` if it does not apply at all."""
    technique = catalog.technique(step.technique)
    if not technique.applies(row.kind, model):
        others = [other.name for other in catalog.techniques_for(row.kind, model)]
        raise RecipeError(
            f"{technique.name} cannot be used on {model} with {row.kind} data.",
            given=f"{technique.name} on {model}, {row.name}",
            allowed=", ".join(others),
        )
    if "teacher" in step.knobs and step.knobs["teacher"] != "dense":
        catalog.check_takes(str(step.knobs["teacher"]).partition(":")[0], row, "teacher")
    useful = {knob.name for knob in technique.useful(step.knobs, row.kind)}
    for name, value in step.knobs.items():
        if name not in useful and value != (knob := technique.knob(name)).default:
            raise KnobError(
                f"{name} means nothing for {row.kind} data.",
                given=f"{name}={_plain(value)}",
                allowed=f"{name} with data of the kind {' or '.join(knob.kinds)}",
                remedy=f"Leave {name} out.",
            )
    return step.with_(knobs={name: value for name, value in step.knobs.items() if name in useful})


def _check_order(start: str, steps: tuple[Step, ...]) -> None:
    rows = [catalog.technique(step.technique) for step in steps]
    stages = [row.stage for row in rows]
    if stages != sorted(stages, key=["network", "file"].index):
        raise RecipeError(
            "A step that changes the network stands after one that changes the file.",
            given=" > ".join(row.name for row in rows),
            remedy=f"Put {next(row.name for row in rows if row.stage == 'file')} last.",
        )
    if sum(row.stage == "file" for row in rows) > 1:
        raise RecipeError("A file can be quantized once.", given=" > ".join(row.name for row in rows))
    if start == "scratch" and not any(row.trains for row in rows):
        raise RecipeError(
            "A network from scratch must be trained.",
            given=" > ".join(row.name for row in rows) or "no step",
            remedy="Add a fine-tune or distill step, or start from the baseline.",
        )


def from_json(text: str | bytes) -> Recipe:
    """A recipe from untrusted JSON (or its `recipe`, as `run --json` prints it), completed; else `RecipeError`."""
    try:
        return complete(Recipe.from_json(_unwrapped(text)))
    except ValidationError as error:
        raise _not_a_recipe(error.errors()[0]) from None


def _unwrapped(text: str | bytes) -> str | bytes:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    inner = found.get("recipe") if isinstance(found, dict) else None
    return json.dumps(inner) if isinstance(inner, dict) else text


def _not_a_recipe(first: Mapping[str, Any]) -> RecipeError:
    where, what = [str(part) for part in first["loc"]], first["msg"]
    if where[:1] == ["steps"] and where[2:3] == ["knobs"] and len(where) > 3:
        where, what = where[:4], "a knob is a finite number, a word, true or false"
    value = f" = {_short(first['input'])}" if where and first["type"] != "missing" else ""
    return RecipeError(
        "This is not a recipe.",
        given=f"{'.'.join(where) or 'the whole text'}{value}: {what}",
        allowed="JSON with dataset, model, width, start, steps (technique, knobs) and seed",
        remedy="Save one in Design, or see 'python -m optim catalog --json' for the names.",
    )


def _short(value: object) -> str:
    """As JSON spells it, where it is short."""
    try:
        text = json.dumps(value)
    except (ValueError, TypeError, RecursionError):
        return "something else"
    return text if len(text) <= 40 else f"{text[:40]}..."


def read(path: Path) -> Recipe:
    """A recipe file; `RequestError` if there is none or it is no recipe."""
    try:
        return from_json(path.read_bytes())
    except OSError as error:
        raise RequestError("The recipe file cannot be read.", given=path, remedy=f"{error.strerror}.") from None


def pretty(recipe: Recipe) -> str:
    """The recipe as the file a user saves and edits."""
    return json.dumps(recipe.model_dump(mode="json"), indent=2) + "\n"


def step_text(step: Step) -> str:
    """The step as `--step` takes it: its main knobs, and of the advanced ones those that differ from their defaults.

    >>> step_text(parse_step("prune-channels:round_to=8"))
    'prune-channels:sparsity=0.5,importance=l2,round_to=8'
    """
    row, knobs = catalog.technique(step.technique), complete_step(step).knobs
    told = [
        f"{knob.name}={_plain(knobs[knob.name])}"
        for knob in row.knobs
        if knob.name in knobs and (not knob.advanced or knobs[knob.name] != knob.default)
    ]
    return step.technique + (":" + ",".join(told) if told else "")


def command(recipe: Recipe, project: Project | None = None) -> str:
    """The command line that makes the same run."""
    words = ["python", "-m", "optim", "run", "--dataset", recipe.dataset, "--model", recipe.model]
    words += ["--width", f"{recipe.width:g}", "--start", recipe.start]
    for step in recipe.steps:
        words += ["--step", step_text(model_knobs.left_open(step, recipe.model))]
    words += ["--seed", str(recipe.seed)]
    if project is not None:
        words += ["--device", project.device, "--threads", str(project.threads), "--batch", str(project.batch)]
        words += ["--reference", project.reference]
    return shlex.join(words)


def sparsity(recipe: Recipe) -> float:
    """Share of channels the recipe asks to remove; 0 if it does not prune, or not by a share."""
    shares = [float(s.knobs.get("sparsity", 0)) for s in recipe.steps if s.technique == "prune-channels"]
    return 1 - math.prod(1 - share for share in shares)


def names_widths(recipe: Recipe) -> bool:
    """Whether a pruning step says what stays rather than which share goes."""
    return any(s.technique == "prune-channels" and "sparsity" not in s.knobs for s in recipe.steps)


def strides(recipe: Recipe) -> bool:
    """Whether its network skips pixels from the first layer on."""
    return any(s.technique == "early-stride" for s in recipe.steps)


def precision(recipe: Recipe) -> Literal["fp32", "int8"]:
    return "int8" if any(catalog.technique(s.technique).precision for s in recipe.steps) else "fp32"


def _plain(value: KnobValue) -> str:
    """The shortest text that reads back as the same value."""
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _literal(value: str) -> KnobValue:
    """A typed value where the text is one; the knob's own check has the last word."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    plain = isinstance(found, bool | int | str) or (isinstance(found, float) and math.isfinite(found))
    return found if plain else value
