"""What is left to the model: one meaning in Design, on the command line, in a run and in a search."""

from dataclasses import fields

import pytest

from optim import catalog, drafts, model_knobs, presets, provenance, recipes, search_space
from optim.records import Recipe, Step
from tests import factories

MODELS = [
    (row, next(d for d in catalog.DATASETS.values() if d.kind in row.dataset_kinds)) for row in catalog.MODELS.values()
]
TRAINING = [row for row in catalog.TECHNIQUES.values() if row.trains]


def asked(model: str, data: str, *texts: str) -> Recipe:
    return recipes.complete(Recipe(dataset=data, model=model, steps=tuple(map(recipes.parse_step, texts))))


def decay(recipe: Recipe) -> object:
    return recipe.steps[0].knobs["weight_decay"]


@pytest.mark.parametrize("technique", TRAINING, ids=lambda row: row.name)
@pytest.mark.parametrize(("model", "data"), MODELS, ids=lambda row: row.name)
def test_weight_decay_left_open_is_the_models_own_through_every_door(technique, model, data):
    typed = asked(model.name, data.name, technique.name)
    assert decay(typed) == model.weight_decay
    assert decay(asked(model.name, data.name, f"{technique.name}:weight_decay=0")) == model.weight_decay
    by_hand = asked(model.name, data.name, f"{technique.name}:weight_decay={model.weight_decay!r}")
    assert by_hand.id == typed.id, "equal wishes have equal ids"
    widgets = drafts.choices(typed)
    assert widgets[f"{technique.name}.weight_decay"] == 0.0, "still automatic where the model is changed afterwards"
    assert "weight_decay" not in recipes.command(typed)
    assert recipes.complete(typed) == recipes.from_json(typed.to_json()) == typed


@pytest.mark.parametrize(("model", "data"), MODELS, ids=lambda row: row.name)
def test_a_value_written_by_hand_counts(model, data):
    typed = asked(model.name, data.name, "fine-tune:weight_decay=0.002")
    assert decay(typed) == 0.002 == drafts.choices(typed)["fine-tune.weight_decay"]
    assert "weight_decay=0.002" in recipes.command(typed)


def test_a_search_and_a_recipe_by_hand_are_one_run():
    base = asked("lstm", "names")
    shape = {"sparsity": 0.5, "allocation": "uniform", "importance": "l2", "temperature": 4.0, "alpha": 0.9}
    tried = search_space.recipe(base, shape, 1, "fp32")
    assert "weight_decay" not in recipes.command(tried)


def test_recipes_stored_before_keep_their_ids_and_their_words():
    before = Step(technique="fine-tune", knobs={**recipes.parse_step("fine-tune:epochs=3").knobs, "weight_decay": 5e-4})
    images = Recipe(dataset="digits", model="cnn", steps=(before,))
    assert recipes.complete(images).id == images.id == asked("cnn", "digits", "fine-tune").id
    texts = Recipe(dataset="names", model="lstm", steps=(before,))
    assert recipes.complete(texts).id == texts.id != asked("lstm", "names", "fine-tune").id
    assert "weight_decay=0.0005" in recipes.command(texts)


def test_what_goes_without_saying_is_not_said():
    runs = [factories.done(1, "fine-tune", accuracy=0.9, p50_ms=0.1, kb=30)]
    assert not any("weight decay" in branch.label for branch in provenance.tree(runs, {}))
    assert all("weight_decay" not in recipes.command(one) for one in presets.first_front())


def test_what_a_knob_is_left_to_stands_in_the_models_row_and_in_the_help():
    own = [(row, knob) for row in catalog.TECHNIQUES.values() for knob in row.knobs if knob.own]
    assert {row.name for row, _ in own} == {row.name for row in TRAINING}
    for _, knob in own:
        assert knob.own in {field.name for field in fields(catalog.Model)}
        for row in catalog.MODELS.values():
            value = getattr(row, knob.own)
            assert f"{value:g}" in knob.help and row.name in knob.help and knob.check(value) == value
    step = Step(technique="prune-channels")
    assert model_knobs.named(step, "cnn") is step is model_knobs.left_open(step, "cnn")
