"""The cards of the shipped baselines say what can be checked without training: time, sizes, and their own command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click import Context
from click.testing import CliRunner

from optim import baselines, catalog, drafts, recipes, words
from optim.baselines import SHIPPED
from optim.cli import main
from optim.cli_baseline import baseline
from optim.plan import Anatomy, cost
from optim.records import Recipe

CARDS = sorted(SHIPPED.glob("*/*/card.json"))
WITHIN_S = 300
"""Text and rankings: under five minutes on two cores."""


@pytest.fixture(params=CARDS, ids=[f"{path.parts[-3]}-{path.parts[-2]}" for path in CARDS])
def folder(request):
    return request.param.parent


def test_some_are_shipped_for_every_data_set():
    assert {path.parts[-3] for path in CARDS} == set(catalog.DATASETS)


def test_the_card_agrees_with_the_anatomy_and_its_command_with_the_folder(folder):
    card = json.loads((folder / "card.json").read_text())
    anatomy = Anatomy.from_json((folder / "anatomy.json").read_bytes())
    assert (card["params"], card["macs"]) == cost(anatomy, {})
    if catalog.dataset(card["dataset"]).kind != "image":
        assert 0 < card["seconds"] < WITHIN_S
    command = card["command"].split()
    assert command[:4] == ["python", "-m", "optim", "baseline"]
    group = Context(main, **main.context_settings)  # a command keeps the help option of the first group it is met in
    told = baseline.make_context("baseline", command[4:], parent=group).params
    assert folder.parts[-2:] == (told["dataset"], f"{told['model']}-{told['width']:g}")
    assert (card["dataset"], card["model"], card["width"], card["epochs"]) == (
        told["dataset"], told["model"], told["width"], told["epochs"],
    )  # fmt: skip
    assert card.get("teacher", "") == (told.get("teacher") or "")


UNSHIPPED = [
    (data.name, model.name)
    for data in catalog.DATASETS.values()
    for model in catalog.models_for(data.kind)
    if baselines.folder(data.name, model.name, 1.0, Path("nowhere")) is None
]


@pytest.mark.parametrize(("data", "model"), UNSHIPPED)
def test_design_says_that_the_first_run_trains_it_and_how_long_that_took_elsewhere(tmp_path, data, model):
    recipe = recipes.complete(Recipe(dataset=data, model=model, steps=(recipes.parse_step("fine-tune"),)))
    shown = drafts.preview(recipe, tmp_path)
    assert not shown.refused and not shown.groups
    (told,) = [sentence for sentence in shown.warnings if "the first run trains one and keeps it" in sentence]
    short, long = map(words.duration, baselines.usual_s(data, model))
    assert f"{short} to {long}" in told and "on two cores" in told


def test_the_time_is_that_of_models_built_alike():
    cards = [json.loads(path.read_text()) for path in SHIPPED.glob("names/*/card.json")]
    took = [card["seconds"] for card in cards if card["model"].startswith(("lstm", "gru"))]
    assert len(took) < len(cards)
    assert baselines.usual_s("names", "lstm-2") == (min(took), max(took))
    assert baselines.usual_s("unknown", "lstm-2") is None


@pytest.mark.parametrize("kind", ["text", "recommendation"])
def test_every_model_of_texts_and_rankings_is_shipped_at_the_width_that_design_begins_with(kind):
    names = {data.name for data in catalog.DATASETS.values() if data.kind == kind}
    assert {model for data, model in UNSHIPPED if data in names} == set()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["lstm-2", "gru-forward"])
def test_one_that_is_not_shipped_is_had_by_one_command_and_design_then_shows_it(tmp_path, model):
    command = ["--dataset", "names", "--model", model, "--width", "0.25", "--epochs", "1", "--home", str(tmp_path)]
    told = CliRunner().invoke(main, ["baseline", *command, "--json"])
    assert told.exit_code == 0, told.output
    recipe = recipes.complete(Recipe(dataset="names", model=model, width=0.25))
    shown = drafts.preview(recipe, tmp_path)
    assert shown.groups and not any("No baseline" in sentence for sentence in shown.warnings)
