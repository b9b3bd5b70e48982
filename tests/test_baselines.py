"""A baseline that is damaged is named, wherever it is needed; one that is missing is trained."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from optim import baseline_training, baselines, catalog, drafts, jobs, recipes
from optim.baseline_training import obtain
from optim.errors import StoreError
from optim.records import Recipe
from tests.heavy import a_context

PRUNE = Recipe(dataset="digits", model="cnn", steps=(recipes.parse_step("prune-channels"),))


@pytest.fixture
def own(home):
    """A baseline in the data folder, which comes before the shipped one."""
    folder = baselines.own_folder("digits", "cnn", 1.0, home)
    shutil.copytree(baselines.SHIPPED / "digits" / "cnn-1", folder)
    return folder


def halve(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def poison(path):
    tensors = load_file(path)
    first = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    save_file({**tensors, first: torch.full_like(tensors[first], float("nan"))}, path)


@pytest.mark.parametrize("harm", [halve, poison, lambda path: path.unlink()], ids=["half", "nan", "gone"])
def test_weights_that_cannot_be_used_are_named(own, home, harm):
    obtain("cnn", 1.0, a_context(home))
    harm(own / "weights.safetensors")
    with pytest.raises(StoreError, match=r"weights\.safetensors") as told:
        obtain("cnn", 1.0, a_context(home))
    assert f"Delete the folder {own}" in told.value.remedy


def test_an_anatomy_that_cannot_be_read_is_named(own, home):
    halve(own / "anatomy.json")
    with pytest.raises(StoreError, match=r"anatomy\.json"):
        jobs.refuse_impossible(home, PRUNE)
    assert "anatomy.json" in drafts.preview(PRUNE, home).refused


def test_a_teacher_that_must_be_trained_first_is_told(home):
    taught = recipes.complete(PRUNE.with_(steps=(recipes.parse_step("distill:teacher=resnet20:1"),)))
    assert "resnet20 at width 1 has no baseline yet" in " ".join(drafts.preview(taught, home).warnings)
    own = PRUNE.with_(steps=(recipes.parse_step("distill"),))
    assert not any("teacher" in told.lower() for told in drafts.preview(own, home).warnings)


def test_a_baseline_may_learn_from_another_one_and_its_card_says_so(home, monkeypatch):
    asked = []
    monkeypatch.setattr(
        baseline_training, "distill", lambda network, ctx, **knobs: asked.append((ctx, knobs)) or network
    )
    ctx = a_context(home)
    monkeypatch.setattr(baseline_training, "choose_variant", lambda *_: ctx.variant)
    card = baseline_training.make("cnn", 0.25, ctx, home / "taught", 7, "cnn:1.0")
    ((taught, knobs),) = asked
    assert (knobs["epochs"], knobs["learning_rate"]) == (7, catalog.model("cnn").scratch_rate)
    assert taught.teacher("cnn:1").widths == obtain("cnn", 1.0, ctx).widths
    assert card["teacher"] == "cnn:1" and card["command"].endswith("--width 0.25 --epochs 7 --teacher cnn:1")
    assert ctx.teacher is None
