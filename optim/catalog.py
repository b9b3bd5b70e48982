"""The menu: one typed row is one thing the app can do. UI, CLI, docs and contract tests read the same rows.

A row names its function as text, so reading the menu costs no heavy import; `load` resolves it in the heavy room.
The rows stand in one table per kind: `catalog_data.py`, `catalog_models.py`, `catalog_techniques.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from .catalog_data import DATASETS, Dataset
from .catalog_knobs import STEM_CHANNELS, WIDTH_HIGH, WIDTH_LOW, Knob, check_ref, check_width, lookup, width_notice
from .catalog_metrics import METRICS, Metric
from .catalog_models import MODELS, Model
from .catalog_techniques import TECHNIQUES, Technique
from .errors import RecipeError
from .records import Recipe, Run

__all__ = [
    "DATASETS",
    "METRICS",
    "MODELS",
    "STEM_CHANNELS",
    "TECHNIQUES",
    "WIDTH_HIGH",
    "WIDTH_LOW",
    "Dataset",
    "Knob",
    "Metric",
    "Model",
    "Technique",
    "answers",
    "check_model_ref",
    "check_takes",
    "check_width",
    "data_of",
    "dataset",
    "load",
    "model",
    "models_for",
    "quantizer",
    "technique",
    "techniques_for",
    "width_notice",
]


def dataset(name: object) -> Dataset:
    """The row of this name, or `UnknownName`."""
    return lookup("data set", name, DATASETS)


@cache
def answers(row: Dataset) -> tuple[str, ...]:
    """What the answers to choose from are called: classes, or the items that are ranked."""
    return row.classes or tuple(load(row.names)())


def data_of(run: Run | Recipe) -> Dataset:
    """The row of the data that a run, or a recipe, is made with and scored on."""
    return dataset(run.dataset if isinstance(run, Recipe) else run.recipe.dataset)


def model(name: object) -> Model:
    """The row of this name, or `UnknownName`."""
    return lookup("model", name, MODELS)


def technique(name: object) -> Technique:
    """The row of this name, or `UnknownName`."""
    return lookup("technique", name, TECHNIQUES)


def models_for(kind: str) -> tuple[Model, ...]:
    """The models that take data of this kind, in the order of the menu.

    >>> [row.name for row in models_for("image")]
    ['cnn', 'resnet8', 'resnet20']
    """
    return tuple(row for row in MODELS.values() if kind in row.dataset_kinds)


def techniques_for(kind: str, name: str) -> tuple[Technique, ...]:
    """The techniques that can be used on this model with data of this kind, in the order of the menu."""
    return tuple(row for row in TECHNIQUES.values() if row.applies(kind, name))


def quantizer(name: str) -> Technique:
    """The technique that makes the INT8 files of this model in a search and a profile.

    >>> quantizer("cnn").name, quantizer("textcnn").name, quantizer("lstm").name
    ('quantize-int8', 'quantize-int8', 'quantize-dynamic')
    """
    return technique(model(name).quantizer)


def check_takes(name: object, row: Dataset, role: str = "") -> Model:
    """The row of this model, or a `RequestError` if it does not take such data; `role`: what it was named as."""
    found = model(name)
    if row.kind not in found.dataset_kinds:
        who = f"{role} {found.name}".lstrip()
        raise RecipeError(
            f"{f'The {who}' if role else who} does not take {row.kind} data.",
            given=f"{who} with {row.name}",
            allowed=", ".join(one.name for one in models_for(row.kind)),
            remedy="Choose one of these models, or another data set.",
        )
    return found


def check_model_ref(value: object) -> str:
    """`MODEL:WIDTH` in canonical form, or an error that says what is allowed.

    >>> check_model_ref("resnet8:2.0")
    'resnet8:2'
    """
    return check_ref(value, MODELS)


def load(function: str) -> Callable:
    """Resolve a row's function: in the heavy room, but for what data sets tell of themselves."""
    module, _, name = function.partition(":")
    return getattr(import_module(module), name)
