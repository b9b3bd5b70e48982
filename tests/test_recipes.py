"""Recipes from words and back: every parser has its inverse, and forged values are refused in words."""

from __future__ import annotations

import contextlib
import json
import math
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim import catalog, model_knobs, recipes
from optim.catalog_knobs import join_widths
from optim.errors import KnobError, ParetoscopeError, RecipeError, RequestError, UnknownName
from optim.records import Project, Recipe, Step

MODEL_REFS = st.builds(
    lambda model, sixteenths: f"{model}:{sixteenths / 16:g}", st.sampled_from(list(catalog.MODELS)), st.integers(4, 64)
)
PAIRS = [(data, model.name) for data in catalog.DATASETS.values() for model in catalog.models_for(data.kind)]


def values(knob: catalog.Knob, kind: str = "") -> st.SearchStrategy:
    """Everything the knob allows, for data of this kind."""
    taught = MODEL_REFS if not kind else MODEL_REFS.filter(
        lambda ref: kind in catalog.model(ref.partition(":")[0]).dataset_kinds
    )  # fmt: skip
    return {
        "widths": st.dictionaries(
            st.from_regex(r"[a-z][a-z0-9.]{0,9}", fullmatch=True), st.integers(0, 99999), max_size=5
        ).map(join_widths),
        "flag": st.booleans(),
        "choice": st.sampled_from(knob.choices or ("",)),
        "teacher": st.just("dense") | taught,
        "int": st.integers(int(max(knob.low, -1e9)), int(min(knob.high, 1e9))),
        "float": st.floats(max(knob.low, -1e9), min(knob.high, 1e9)),
    }[knob.kind]


@st.composite
def steps(draw, names: tuple[str, ...] = tuple(catalog.TECHNIQUES), kind: str = "") -> Step:
    row = catalog.technique(draw(st.sampled_from(names)))
    chosen = draw(st.sets(st.sampled_from(row.knobs)) if row.knobs else st.just(set()))
    knobs = {knob.name: draw(values(knob, kind)) for knob in chosen}
    useful = {knob.name for knob in row.useful(knobs, kind)}
    return Step(technique=row.name, knobs={name: value for name, value in knobs.items() if name in useful})


def named(stage: str, kind: str, model: str) -> tuple[str, ...]:
    return tuple(row.name for row in catalog.techniques_for(kind, model) if row.stage == stage)


@st.composite
def wishes(draw) -> Recipe:
    """Any recipe that fits together, not completed yet."""
    data, model = draw(st.sampled_from(PAIRS))
    network, file = (named(stage, data.kind, model) for stage in ("network", "file"))
    network = draw(st.lists(steps(network, data.kind), max_size=3))
    trains = any(catalog.technique(step.technique).trains for step in network)
    return Recipe(
        dataset=data.name,
        model=model,
        width=draw(st.floats(catalog.WIDTH_LOW, catalog.WIDTH_HIGH)),
        start=draw(st.sampled_from(["baseline", "scratch"] if trains else ["baseline"])),
        steps=(*network, *(draw(st.lists(steps(file, data.kind), max_size=1)) if file else ())),
        seed=draw(st.integers(0, recipes.SEED_HIGH)),
    )


@given(wishes())
def test_completing_twice_is_completing_once(wish):
    recipe = recipes.complete(wish)
    assert recipes.complete(recipe) == recipe
    assert recipes.complete(recipe).id == recipe.id


@given(wishes())
def test_json_round_trip(wish):
    recipe = recipes.complete(wish)
    assert recipes.from_json(recipe.to_json()) == recipe
    assert recipes.from_json(recipes.pretty(recipe)).id == recipe.id


@given(steps())
def test_the_step_as_text_names_the_same_step(wish):
    step = recipes.complete_step(wish)
    assert recipes.parse_step(recipes.step_text(step)) == step


@given(wishes())
def test_the_copied_command_makes_the_same_recipe(wish):
    recipe = recipes.complete(wish)
    words = shlex.split(recipes.command(recipe))
    options = {}
    for name, value in zip(words[4::2], words[5::2], strict=True):
        options.setdefault(name.removeprefix("--"), []).append(value)
    texts = options.pop("step", [])
    again = Recipe.model_validate({name: value for name, (value,) in options.items()})
    again = again.with_(steps=tuple(map(recipes.parse_step, texts)))
    assert recipes.complete(again).id == recipe.id


def test_the_command_names_the_target_too():
    project = Project(dataset="digits", threads=2, batch=8, reference="cnn:1")
    text = recipes.command(Recipe(dataset="digits", model="cnn"), project)
    assert text.endswith("--seed 0 --device cpu --threads 2 --batch 8 --reference cnn:1")


@given(wishes())
def test_describe_is_short_and_names_the_model(wish):
    recipe = recipes.complete(wish)
    assert recipes.describe(recipe).startswith(f"{recipe.model} x")
    assert len(recipes.brief(recipe)) <= len(recipes.describe(recipe))
    assert not recipes.brief(recipe, recipe.model_ref).startswith(recipe.model)
    assert 0 <= recipes.sparsity(recipe) < 1
    assert recipes.precision(recipe) == (
        "int8" if recipe.steps and catalog.technique(recipe.steps[-1].technique).stage == "file" else "fp32"
    )


def test_what_is_not_given_of_training_stands_where_the_data_has_it():
    def trained(dataset, model, step):
        steps = (recipes.parse_step(step),)
        return recipes.complete(Recipe(dataset=dataset, model=model, steps=steps)).steps[0].knobs

    assert {"epochs": 10, "temperature": 2.0, "alpha": 0.5}.items() <= trained("names", "gru", "distill").items()
    assert {"epochs": 4, "temperature": 4.0, "alpha": 0.9}.items() <= trained(
        "movielens-small", "neumf", "distill"
    ).items()
    assert {"epochs": 3, "temperature": 4.0, "alpha": 0.7}.items() <= trained("digits", "cnn", "distill").items()
    assert trained("names", "gru", "fine-tune:epochs=3")["epochs"] == 3
    assert trained("names", "gru", "fine-tune")["epochs"] == 10


def test_the_teacher_is_named_where_it_takes_no_such_data():
    steps = (recipes.parse_step("distill:teacher=resnet8:2"),)
    with pytest.raises(RequestError, match="The teacher resnet8 does not take text data"):
        recipes.complete(Recipe(dataset="names", model="lstm", steps=steps))


def test_two_prunings_multiply():
    half = recipes.parse_step("prune-channels:sparsity=0.5")
    assert math.isclose(recipes.sparsity(Recipe(dataset="digits", model="cnn", steps=(half, half))), 0.75)


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("distill:temperature=0", KnobError, "from 1 to 20"),
        ("prune-channels:widths=stage1:8", KnobError, "allocation=manual"),
        ("prune-channels:allocation=manual,sparsity=0.3", KnobError, "means nothing with allocation=manual"),
        ("prune-channels:allocation=manual,widths=stage1", KnobError, "GROUP:WIDTH"),
        ("prune-channels:allocation=manual,widths=stage1:8+stage1:9", KnobError, "each group once"),
        ("prune-channels:allocation=manual,widths=stage1:-8", KnobError, "GROUP:WIDTH"),
        ("distill:temperature=NaN", KnobError, "from 1 to 20"),
        ("distill:temperature=nan", KnobError, "from 1 to 20"),
        ("distill:temperature=Infinity", KnobError, "from 1 to 20"),
        ("distill:temperature=1e999", KnobError, "from 1 to 20"),
        ("distill:temperature=", KnobError, "from 1 to 20"),
        ("distill:temperature=true", KnobError, "from 1 to 20"),
        ("distill:temperature=[4]", KnobError, "from 1 to 20"),
        ("distill:temperature=" + "[" * 9999, KnobError, "from 1 to 20"),
        ("distill:epochs=1" + "0" * 400, KnobError, "from 1 to 200"),
        ("distill:temperature=null", KnobError, "from 1 to 20"),
        ("distill:epochs=2.5", KnobError, "whole number"),
        ("distill:teacher=gpt:1", UnknownName, "resnet8"),
        ("distill:teacher=cnn:99", KnobError, "0.25 to 4"),
        ("prune-channels:sparsity=1", KnobError, "from 0 to 0.99"),
        ("prune-channels:importance=taste", KnobError, "l1, l2, taylor, random"),
        ("prune-channels:sparsty=0.5", UnknownName, "Did you mean sparsity?"),
        ("prune-channels:sparsity", RecipeError, "NAME=VALUE"),
        ("prune-chanels", UnknownName, "Did you mean prune-channels?"),
        ("", UnknownName, "prune-channels"),
    ],
)
def test_refused_with_a_sentence_that_says_what_is_allowed(text, kind, says):
    with pytest.raises(kind) as refusal:
        recipes.parse_step(text)
    assert says in str(refusal.value)
    assert refusal.value.exit_code == 2


TUNE, PRUNE, INT8 = (Step(technique=name) for name in ("fine-tune", "prune-channels", "quantize-int8"))


@pytest.mark.parametrize(
    "change",
    [
        {"steps": (INT8, PRUNE)},
        {"steps": (PRUNE, INT8, TUNE)},
        {"steps": (INT8, INT8)},
        {"start": "scratch", "steps": ()},
        {"start": "scratch", "steps": (PRUNE, INT8)},
        {"seed": -1},
        {"seed": 2**31},
        {"width": 0.1},
        {"width": 5},
        {"dataset": "mnist"},
        {"model": "vgg"},
    ],
)
def test_a_recipe_that_does_not_fit_together_is_refused(change):
    wish = Recipe(dataset="digits", model="cnn").with_(**change)
    with pytest.raises(RequestError) as refusal:
        recipes.complete(wish)
    assert str(refusal.value).endswith((".", "?"))


GOOD = {"dataset": "digits", "model": "cnn", "steps": [{"technique": "fine-tune", "knobs": {"epochs": 2}}]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        "{}",
        "\x00",
        json.dumps({**GOOD, "extra": 1}),
        json.dumps({**GOOD, "start": "middle"}),
        json.dumps({**GOOD, "width": "NaN"}),
        json.dumps({**GOOD, "steps": [{"technique": "fine-tune", "knobs": {"epochs": None}}]}),
        json.dumps({**GOOD, "steps": [{"technique": "fine-tune", "knobs": {"epochs": [2]}}]}),
        json.dumps({**GOOD, "steps": [{"technique": "fine-tune", "knobs": {"learning_rate": 1e400}}]}),
        json.dumps({**GOOD, "steps": [{"technique": "os.system", "knobs": {}}]}),
        json.dumps({**GOOD, "width": 1e400}),
        json.dumps({**GOOD, "seed": 1.5}),
    ],
)
def test_forged_json_is_refused(text):
    with pytest.raises(RequestError):
        recipes.from_json(text)


@pytest.mark.parametrize(("value", "shown"), [("null", "null"), ("NaN", "NaN"), ("1e400", "Infinity"), ("[2]", "[2]")])
def test_a_knob_that_is_no_value_is_named(value, shown):
    text = json.dumps(GOOD).replace('"epochs": 2', f'"epochs": {value}')
    with pytest.raises(RequestError) as refused:
        recipes.from_json(text)
    assert f"steps.0.knobs.epochs = {shown}: a knob is a finite number" in str(refused.value)


def test_what_run_prints_is_a_recipe_too():
    wrapped = json.dumps({"id": 7, "state": "done", "recipe": GOOD})
    assert recipes.from_json(wrapped) == recipes.from_json(json.dumps(GOOD))


def test_the_own_baseline_as_teacher_is_dense():
    steps = [recipes.parse_step(text) for text in ("distill", "distill:teacher=cnn:2.0", "distill:teacher=cnn:1")]
    made = [recipes.complete(Recipe(dataset="digits", model="cnn", width=2, steps=(step,))) for step in steps]
    assert made[0].id == made[1].id != made[2].id


def test_no_more_than_twenty_steps():
    wish = Recipe(dataset="digits", model="cnn", steps=(PRUNE,) * 20)
    assert len(recipes.complete(wish).steps) == 20
    with pytest.raises(RecipeError, match="too many steps"):
        recipes.complete(wish.with_(steps=(PRUNE,) * 21))


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_is_a_recipe_or_a_refusal(text):
    with contextlib.suppress(RequestError):
        assert isinstance(recipes.from_json(text), Recipe)


@given(st.sampled_from(list(catalog.TECHNIQUES)), st.text(max_size=40))
def test_any_step_text_is_a_step_or_a_refusal(name, settings):
    try:
        step = recipes.parse_step(f"{name}:{settings}")
    except ParetoscopeError:
        return
    whole = recipes.complete_step(step)
    assert recipes.complete_step(whole) == whole
    assert set(whole.knobs) - set(step.knobs) <= model_knobs.BY_DATA


def test_a_file_that_is_not_there_is_a_refusal(tmp_path):
    with pytest.raises(RequestError, match="cannot be read"):
        recipes.read(tmp_path / "none.json")
    (tmp_path / "recipe.json").write_text(json.dumps(GOOD))
    assert recipes.read(tmp_path / "recipe.json") == recipes.from_json(json.dumps(GOOD))
