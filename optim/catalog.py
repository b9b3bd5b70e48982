"""The menu: one typed row is one thing the app can do. UI, CLI, docs and contract tests read the same rows.

A row names its function as text, so reading the menu costs no heavy import; `load` resolves it in the heavy room.
The rows stand in one table per kind: `catalog_data.py`, `catalog_models.py`, `catalog_techniques.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from .catalog_data import DATASETS, Dataset
from .catalog_knobs import STEM_CHANNELS, WIDTH_HIGH, WIDTH_LOW, Knob, check_ref, check_width, lookup
from .catalog_models import MODELS, Model
from .catalog_techniques import TECHNIQUES, Technique

__all__ = [
    "DATASETS",
    "MODELS",
    "STEM_CHANNELS",
    "TECHNIQUES",
    "WIDTH_HIGH",
    "WIDTH_LOW",
    "Dataset",
    "Knob",
    "Model",
    "Technique",
    "check_model_ref",
    "check_width",
    "dataset",
    "load",
    "model",
    "technique",
]


def dataset(name: object) -> Dataset:
    """The row of this name, or `UnknownName`."""
    return lookup("data set", name, DATASETS)


def model(name: object) -> Model:
    """The row of this name, or `UnknownName`."""
    return lookup("model", name, MODELS)


def technique(name: object) -> Technique:
    """The row of this name, or `UnknownName`."""
    return lookup("technique", name, TECHNIQUES)


def check_model_ref(value: object) -> str:
    """`MODEL:WIDTH` in canonical form, or an error that says what is allowed.

    >>> check_model_ref("resnet8:2.0")
    'resnet8:2'
    """
    return check_ref(value, MODELS)


def load(function: str) -> Callable:
    """Resolve a row's function (heavy room only)."""
    module, _, name = function.partition(":")
    return getattr(import_module(module), name)
