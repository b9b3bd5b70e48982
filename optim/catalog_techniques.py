"""The techniques on the menu: one row each, beside one file in `optim/techniques/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .catalog_knobs import Knob, lookup
from .catalog_models import MODELS
from .errors import UnknownName


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
    kinds: tuple[str, ...] = ()
    """The kinds of data it can be used on; empty: all."""
    models: tuple[str, ...] = ()
    """The models it can be used on; empty: all that take such data."""
    precision: Literal["", "int8"] = ""
    """What it makes of the file's numbers; empty: it leaves them as they are."""
    version: int = 1
    """Raise it when the same knobs give another result: cached prefixes of older versions are then not used."""

    def knob(self, name: str) -> Knob:
        if not self.knobs:
            raise UnknownName(f"{self.name} has no knobs.", given=name, allowed=self.name)
        return lookup("knob", name, {k.name: k for k in self.knobs})

    def applies(self, kind: str, model: str) -> bool:
        """Whether it can be used on data of this kind and on this model."""
        return (not self.kinds or kind in self.kinds) and (not self.models or model in self.models)

    def useful(self, knobs: Mapping[str, object], kind: str = "") -> tuple[Knob, ...]:
        """The knobs that mean something beside these values (missing ones at their default), and for such data."""

        def value(name: str) -> object:
            return knobs.get(name, self.knob(name).default)

        beside = (knob for knob in self.knobs if not knob.only or value(knob.only[0]) in knob.only[1:])
        return tuple(knob for knob in beside if not (kind and knob.kinds) or kind in knob.kinds)


def _own(field: str) -> str:
    """The value in each model's row, and who has it: `0.0005 cnn, resnet8`."""
    models: dict[float, list[str]] = {}
    for row in MODELS.values():
        models.setdefault(getattr(row, field), []).append(row.name)
    return "; ".join(f"{value:g}: {', '.join(names)}" for value, names in models.items())


_EPOCHS = "How often the whole training set is seen."
_RECOVERY = (
    Knob("learning_rate", "float", 0.0, "Peak learning rate",
         "0 = automatic: the model's usual one, lower after a baseline (a high rate wipes out what pruning left) than "
         "from scratch.",
         low=0.0, high=1.0, step=0.005, advanced=True),
    Knob("weight_decay", "float", 0.0, "Weight decay",
         f"Pull of the weights towards zero. 0 = automatic: the model's own ({_own('weight_decay')}).",
         low=0.0, high=0.1, step=1e-4, advanced=True, own="weight_decay"),
    Knob("label_smoothing", "float", 0.0, "Label smoothing", "Share of the target spread over all answers.",
         low=0.0, high=0.5, step=0.05, advanced=True),
    Knob("augment", "flag", True, "Augmentation",
         "Images: random shifts, and flips where mirror images mean the same. Texts: one character in ten is hidden.",
         advanced=True, kinds=("image", "text")),
    Knob("patience", "int", 0, "Early stopping patience",
         "Stop after this many epochs without a better validation score, and keep the best epoch's weights; 0 = never, "
         "the last epoch's are kept.",
         low=0, high=100, advanced=True),
)  # fmt: skip

_BY_SHARE = ("allocation", "uniform", "global")

TECHNIQUES: Mapping[str, Technique] = {
    row.name: row
    for row in (
        Technique(
            name="early-stride",
            label="Early stride",
            function="optim.techniques.early_stride:early_stride",
            stage="network",
            verb="Stride",
            paper="Howard et al. 2017, MobileNets, arXiv:1704.04861, section 3.2 (resolution multiplier)",
            help="The first convolution takes steps of two pixels: all layers then work on a quarter of the positions. "
            "The learned filters stay; let training follow.",
            kinds=("image",),
        ),
        Technique(
            name="prune-channels",
            label="Prune",
            function="optim.techniques.prune_channels:prune_channels",
            stage="network",
            verb="Prune",
            paper="Li et al. 2017, Pruning Filters for Efficient ConvNets, arXiv:1608.08710",
            help="Physically removes channels, hidden units, attention heads or embedding dimensions, whatever the "
            "layers have: smaller matrices, less arithmetic, less time.",
            knobs=(
                Knob("sparsity", "float", 0.5, "Sparsity", "Share of each width removed.",
                     low=0.0, high=0.99, step=0.05, only=_BY_SHARE),
                Knob("importance", "choice", "l2", "Importance",
                     "l1, l2: the size of its weights. taylor: what the loss feels without it. random: a control.",
                     choices=("l1", "l2", "taylor", "random")),
                Knob("allocation", "choice", "uniform", "Allocation",
                     "uniform: the same share in every layer. global: the weakest anywhere, with a floor per layer. "
                     "latency: least importance lost within a time, once the model is profiled. "
                     "manual: the widths you name.",
                     choices=("uniform", "global", "latency", "manual"), advanced=True),
                Knob("latency_target", "float", 0.5, "Target time", "Fraction of the dense FP32 file's time.",
                     low=0.05, high=1.0, step=0.05, only=("allocation", "latency")),
                Knob("round_to", "int", 1, "Round widths to", "Every width stays a multiple of this.",
                     low=1, high=32, advanced=True, only=_BY_SHARE),
                Knob("widths", "widths", "", "Widths by hand",
                     "What stays of each group: stage1:8+stage1.block1:8+stage2:16. Others keep their size.",
                     advanced=True, only=("allocation", "manual")),
            ),
        ),
        Technique(
            name="prune-weights",
            label="Zero weights",
            function="optim.techniques.prune_weights:prune_weights",
            stage="network",
            verb="Zero",
            paper="Han et al. 2015, Learning both Weights and Connections, arXiv:1506.02626",
            help="Sets the smallest weights to zero, for comparison: the file gets no smaller and no faster by it, "
            "because zeros are stored and multiplied like any number. Prune removes them.",
            knobs=(
                Knob("sparsity", "float", 0.5, "Zeros", "Share of weights set to zero.", low=0.0, high=0.99, step=0.05),
                Knob("scope", "choice", "global", "Smallest of",
                     "global: of all weights. layer: of each layer, the same share everywhere.",
                     choices=("global", "layer"), advanced=True),
            ),
        ),
        Technique(
            name="low-rank",
            label="Lower the rank",
            function="optim.techniques.low_rank:low_rank",
            stage="network",
            verb="Split",
            paper="Denton et al. 2014, Exploiting Linear Structure Within Convolutional Networks, arXiv:1404.0736",
            help="Two thin matrices instead of a large one: embeddings, linear layers, convolutions. Recurrent layers "
            "stay whole: each is one operator.",
            knobs=(
                Knob("rank", "float", 0.5, "Rank", "Share of each matrix's full rank that is kept.",
                     low=0.01, high=1.0, step=0.05),
                Knob("smallest", "int", 1000, "Smallest matrix", "Matrices of fewer values stay whole.",
                     low=0, high=10_000_000, step=1000, advanced=True),
            ),
        ),
        Technique(
            name="fine-tune",
            label="Fine-tune",
            function="optim.techniques.fine_tune:fine_tune",
            version=4,
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
            version=4,
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
                Knob("teacher", "teacher", "dense", "Teacher", "The dense baseline, or another model's baseline.",
                     choices=tuple(MODELS)),
                *_RECOVERY,
            ),
            trains=True,
        ),
        Technique(
            name="recalibrate",
            label="Recalibrate batch norm",
            function="optim.techniques.recalibrate:recalibrate",
            stage="network",
            verb="Recalibrate",
            paper="Li et al. 2020, EagleEye: Fast Sub-net Evaluation, arXiv:2007.02491, section 3.3",
            kinds=("image",),
            help="Measures means and variances anew; the weights stay. Cures accuracy lost to drifted statistics.",
            knobs=(
                Knob("batches", "int", 16, "Batches", "Of 64 training items each.", low=1, high=200, advanced=True),
            ),
        ),
        Technique(
            name="quantize-dynamic",
            label="Quantize weights to INT8",
            function="optim.techniques.quantize_dynamic:quantize_dynamic",
            version=2,
            stage="file",
            verb="Quantize",
            paper="Zafrir et al. 2019, Q8BERT: Quantized 8Bit BERT, arXiv:1910.06188, section 3",
            help="8-bit weights; activations are scaled as they come, so nothing is calibrated. Made for LSTM layers, "
            "matrix products and tables; convolutions and GRU layers stay as they are. Activations are scaled over "
            "the whole call, so a few answers depend on what shares it (calls of 250 against calls of one: 7 of 3,626 "
            "names changed their label with an LSTM, 74 of 671 users their first ten films with two towers; shipped "
            "baselines of width 1, validation, ONNX Runtime 1.32.0 on a CPU): scores are taken one item a call.",
            kinds=("text", "recommendation"),
            precision="int8",
            knobs=(
                Knob("tables", "flag", True, "Tables too", "Also the vectors that tokens and ids are looked up in.",
                     advanced=True),
                Knob("smallest", "int", 1000, "Smallest matrix", "Products with matrices of fewer values stay FP32.",
                     low=0, high=10_000_000, step=100, advanced=True),
            ),
        ),
        Technique(
            name="quantize-int8",
            label="Quantize to INT8",
            function="optim.techniques.quantize_int8:quantize_int8",
            stage="file",
            verb="Quantize",
            paper="Jacob et al. 2018, Quantization and Training of Neural Networks, arXiv:1712.05877",
            kinds=("image", "text"),
            models=("cnn", "resnet8", "resnet20", "textcnn", "transformer"),
            precision="int8",
            help="8-bit integers instead of 32-bit floats: unsigned activations, one scale per channel of weights.",
            knobs=(
                Knob("calibration_items", "int", 256, "Calibration items",
                     "Taken from the training split only.", low=32, high=2000, step=32, advanced=True),
            ),
        ),
    )
}  # fmt: skip
