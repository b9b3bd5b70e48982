"""The menu: one typed row is one thing the app can do. UI, CLI, docs and contract tests read the same rows.

A row names its function as text, so reading the menu costs no heavy import; `load` resolves it in the heavy room.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Literal, TypeVar

from .errors import KnobError, UnknownName
from .records import KnobValue

WIDTH_LOW, WIDTH_HIGH = 0.25, 4.0
STEM_CHANNELS = 16
"""Channels of the first stage at width 1.0."""


@dataclass(frozen=True)
class Knob:
    """One setting of a technique: its widget, its option, its range and its default."""

    name: str
    kind: Literal["float", "int", "choice", "flag", "teacher"]
    default: KnobValue
    label: str
    help: str
    low: float = -math.inf
    high: float = math.inf
    step: float = 1.0
    choices: tuple[str, ...] = ()
    unit: str = ""
    advanced: bool = False

    def check(self, value: object) -> KnobValue:
        """The value in its own type, or `KnobError` saying what is allowed.

        >>> Knob("epochs", "int", 3, "Epochs", "", low=1, high=100).check("5")
        5
        """
        if self.kind == "flag":
            return self._flag(value)
        if self.kind == "choice":
            return self._choice(value)
        if self.kind == "teacher":
            return check_teacher(value)
        return self._number(value)

    @property
    def allowed(self) -> str:
        """The range in words."""
        if self.kind == "flag":
            return "true or false"
        if self.kind == "choice":
            return ", ".join(self.choices)
        if self.kind == "teacher":
            return f"dense, or MODEL:WIDTH with MODEL one of {', '.join(MODELS)}"
        noun = "a whole number" if self.kind == "int" else "a number"
        return f"{noun} from {self.low:g} to {self.high:g}"

    def _flag(self, value: object) -> bool:
        words = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
        found = words.get(str(value).lower())
        if found is None:
            raise self._refusal(value)
        return found

    def _choice(self, value: object) -> str:
        if str(value) not in self.choices:
            raise self._refusal(value)
        return str(value)

    def _number(self, value: object) -> float | int:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise self._refusal(value)
        try:
            number = float(value)
        except (ValueError, OverflowError):
            raise self._refusal(value) from None
        whole = self.kind == "int"
        if not math.isfinite(number) or not self.low <= number <= self.high or (whole and number != int(number)):
            raise self._refusal(value)
        return int(number) if whole else number

    def _refusal(self, value: object) -> KnobError:
        return KnobError(f"{self.name} cannot take this value.", given=value, allowed=self.allowed)


@dataclass(frozen=True)
class Technique:
    name: str
    label: str
    function: str
    stage: Literal["network", "file"]
    """Whether it changes the torch network or the exported file."""
    verb: str
    """The stage's name on screen while it runs."""
    paper: str
    help: str
    knobs: tuple[Knob, ...] = ()
    trains: bool = False
    version: int = 1
    """Raise it when the same knobs give another result: cached prefixes of older versions are then not used."""

    def knob(self, name: str) -> Knob:
        return _row("knob", name, {k.name: k for k in self.knobs})


@dataclass(frozen=True)
class Model:
    name: str
    label: str
    function: str
    help: str
    dataset_kinds: tuple[str, ...] = ("image",)


@dataclass(frozen=True)
class Dataset:
    name: str
    label: str
    function: str
    kind: str
    metric: str
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    """Of one item: channels, height, width."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Items per split after duplicates are removed; a test compares it with the data."""
    licence: str = ""
    source: str = ""
    help: str = ""


DATASETS: Mapping[str, Dataset] = {
    row.name: row
    for row in (
        Dataset(
            name="digits",
            label="Digits 8x8",
            function="optim.data.digits:load",
            kind="image",
            metric="accuracy",
            classes=tuple("0123456789"),
            shape=(1, 8, 8),
            sizes={"train": 898, "validation": 300, "test": 599},
            licence="CC BY 4.0",
            source="UCI Optical Recognition of Handwritten Digits, Alpaydin and Kaynak 1998, as in scikit-learn",
            help="1,797 handwritten digits of 8x8 pixels: a run takes seconds.",
        ),
        Dataset(
            name="fashion-mnist",
            label="Fashion-MNIST",
            function="optim.data.fashion_mnist:load",
            kind="image",
            metric="accuracy",
            classes=(
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ),
            shape=(1, 28, 28),
            sizes={"train": 16000, "validation": 4000, "test": 10000},
            licence="MIT",
            source="Zalando SE; Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747",
            help="28x28 pictures of clothes: 20,000 of the training images and the official 10,000 for test.",
        ),
    )
}

MODELS: Mapping[str, Model] = {
    row.name: row
    for row in (
        Model("cnn", "CNN", "optim.models.cnn:build", "Three plain convolutions with pooling."),
        Model("resnet8", "ResNet-8", "optim.models.resnet:build_resnet8", "Three stages of one residual block."),
        Model("resnet20", "ResNet-20", "optim.models.resnet:build_resnet20", "Three stages of three residual blocks."),
    )
}

_EPOCHS = "How often the whole training set is seen."
_RECOVERY = (
    Knob("learning_rate", "float", 0.0, "Peak learning rate",
         "0 = automatic: 0.02 after a baseline (a high rate wipes out what pruning left), 0.1 from scratch.",
         low=0.0, high=1.0, step=0.005, advanced=True),
    Knob("weight_decay", "float", 5e-4, "Weight decay", "Pull of the weights towards zero.",
         low=0.0, high=0.1, step=1e-4, advanced=True),
    Knob("label_smoothing", "float", 0.0, "Label smoothing", "Share of the target spread over all classes.",
         low=0.0, high=0.5, step=0.05, advanced=True),
    Knob("augment", "flag", True, "Augmentation", "Random shifts, and flips where mirror images mean the same.",
         advanced=True),
    Knob("patience", "int", 0, "Early stopping patience",
         "Stop after this many epochs without a better validation accuracy; 0 = never. The best weights are kept.",
         low=0, high=100, advanced=True),
)  # fmt: skip

TECHNIQUES: Mapping[str, Technique] = {
    row.name: row
    for row in (
        Technique(
            name="prune-channels",
            label="Prune channels",
            function="optim.techniques.prune_channels:prune_channels",
            stage="network",
            verb="Prune",
            paper="Li et al. 2017, Pruning Filters for Efficient ConvNets, arXiv:1608.08710",
            help="Physically removes channels: smaller matrices, less arithmetic, less time.",
            knobs=(
                Knob("sparsity", "float", 0.5, "Sparsity", "Share of channels removed.", low=0.0, high=0.99, step=0.05),
                Knob("importance", "choice", "l2", "Importance", "What makes a channel worth keeping.",
                     choices=("l1", "l2", "random")),
                Knob("allocation", "choice", "uniform", "Allocation",
                     "uniform: the same share in every layer. global: the weakest anywhere, with a floor per layer.",
                     choices=("uniform", "global"), advanced=True),
                Knob("round_to", "int", 1, "Round widths to", "Keep a multiple of this many channels.",
                     low=1, high=32, unit="channels", advanced=True),
            ),
        ),
        Technique(
            name="fine-tune",
            label="Fine-tune",
            function="optim.techniques.fine_tune:fine_tune",
            stage="network",
            verb="Recover",
            paper="Renda et al. 2020, Comparing Rewinding and Fine-tuning, arXiv:2003.02389",
            help="Trains on with the true labels.",
            knobs=(Knob("epochs", "int", 3, "Epochs", _EPOCHS, low=1, high=200), *_RECOVERY),
            trains=True,
        ),
        Technique(
            name="distill",
            label="Distil",
            function="optim.techniques.distill:distill",
            stage="network",
            verb="Distil",
            paper="Hinton et al. 2015, Distilling the Knowledge in a Neural Network, arXiv:1503.02531, eq. 1",
            help="Trains on with a teacher: its softened probabilities say more than the label.",
            knobs=(
                Knob("temperature", "float", 4.0, "Temperature",
                     "Divides the logits: 1 = as they are, 20 = nearly flat.", low=1.0, high=20.0, step=0.5),
                Knob("alpha", "float", 0.7, "Teacher's share", "Weight of the soft term; the rest is the true label's.",
                     low=0.0, high=1.0, step=0.05),
                Knob("epochs", "int", 3, "Epochs", _EPOCHS, low=1, high=200),
                Knob("teacher", "teacher", "dense", "Teacher", "The dense baseline, or another model's baseline."),
                *_RECOVERY,
            ),
            trains=True,
        ),
        Technique(
            name="quantize-int8",
            label="Quantize to INT8",
            function="optim.techniques.quantize_int8:quantize_int8",
            stage="file",
            verb="Quantize",
            paper="Jacob et al. 2018, Quantization and Training of Neural Networks, arXiv:1712.05877",
            help="8-bit integers instead of 32-bit floats: unsigned activations, one scale per channel of weights.",
            knobs=(
                Knob("calibration_items", "int", 256, "Calibration images",
                     "Taken from the training split only.", low=32, high=2000, step=32, advanced=True),
            ),
        ),
    )
}  # fmt: skip

RowT = TypeVar("RowT")


def _row(noun: str, name: object, rows: Mapping[str, RowT]) -> RowT:
    if not isinstance(name, str) or name not in rows:
        raise UnknownName.of(noun, name, rows)
    return rows[name]


def dataset(name: object) -> Dataset:
    """The row of this name, or `UnknownName`."""
    return _row("data set", name, DATASETS)


def model(name: object) -> Model:
    """The row of this name, or `UnknownName`."""
    return _row("model", name, MODELS)


def technique(name: object) -> Technique:
    """The row of this name, or `UnknownName`."""
    return _row("technique", name, TECHNIQUES)


def check_width(value: object) -> float:
    """A width multiplier, rounded to a whole number of first-stage channels, or `KnobError`.

    >>> check_width("2")
    2.0
    """
    knob = Knob("width", "float", 1.0, "Width", "", low=WIDTH_LOW, high=WIDTH_HIGH, step=0.25)
    return round(float(knob.check(value)) * STEM_CHANNELS) / STEM_CHANNELS


def check_model_ref(value: object) -> str:
    """`MODEL:WIDTH` in canonical form, or an error that says what is allowed.

    >>> check_model_ref("resnet8:2.0")
    'resnet8:2'
    """
    name, _, width = str(value).partition(":")
    return f"{model(name).name}:{check_width(width or 1.0):g}"


def check_teacher(value: object) -> str:
    """`dense`, or another zoo model's baseline as `MODEL:WIDTH`."""
    return "dense" if value == "dense" else check_model_ref(value)


def load(function: str) -> Callable:
    """Resolve a row's function (heavy room only)."""
    module, _, name = function.partition(":")
    return getattr(import_module(module), name)
