"""The cards of the shipped baselines say what can be checked without training: time, sizes, and their own command."""

from __future__ import annotations

import json

import pytest

from optim import catalog, cli_baseline
from optim.baselines import SHIPPED
from optim.plan import Anatomy, cost

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
    told = cli_baseline.baseline.make_context("baseline", command[4:]).params
    assert folder.parts[-2:] == (told["dataset"], f"{told['model']}-{told['width']:g}")
    assert (card["dataset"], card["model"], card["width"], card["epochs"]) == (
        told["dataset"], told["model"], told["width"], told["epochs"],
    )  # fmt: skip
    assert card.get("teacher", "") == (told.get("teacher") or "")
