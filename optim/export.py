"""From a network to one ONNX file: dynamic batch, normalization inside, metadata that says what it is.

Exporting traces the network, which takes seconds; a pruned network has the dense one's graph with other weight
shapes. So each shape of graph is traced once, kept as a template, and later files only carry other weights.
The gate compares every file with its network, whatever way it was made.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import logging
import re
import warnings
from pathlib import Path
from uuid import uuid4

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import ModelProto, numpy_helper

from . import __version__
from .catalog import Dataset
from .models import attention_ops, recurrent_ops
from .models.network import Network, blank
from .models.part import parts_of
from .records import Recipe
from .texts import LONGEST

OPSET = 20
GRAPHS = 4
"""Raised when a network's arithmetic changes: graphs that were traced before are then not used."""
_INPUTS = {
    "image": "float32 pixels from 0 to 1",
    "text": "int64 tokens, 0 = padding at the end",
    "recommendation": "int64 number of the user, then ids of its items from 1, the oldest first, 0 = none",
}
TURNED = ".T"
"""Behind the name of a matrix that stands in the file with its axes exchanged."""
PIXELS_ONLY = {"mean", "std"}
"""What normalizes pixels; tokens and ids pass it by."""


def export(network: Network, row: Dataset, recipe: Recipe, path: Path, templates: Path) -> ModelProto:
    """Write `path`: input `input`, output `logits` (batch, classes).

    What goes in are pixels (batch, c, h, w), float32 from 0 to 1, or tokens and ids (batch, length), int64.
    """
    folded = fold(network)
    kept = templates / f"{_graph_key(folded, row)}.onnx"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        scratch = kept.with_suffix(f".{uuid4().hex}.part")
        scrambled = _scrambled(folded)
        onnx.save(named(_trace(scrambled, row), scrambled), scratch)
        scratch.rename(kept)
    model = filled(onnx.load(kept), folded) or _trace(folded, row)
    describe(model, row, recipe)
    onnx.save(model, path)
    return model


def as_trained(network: Network) -> Network:
    """A copy on the CPU in evaluation mode, nothing folded: what the file is compared with."""
    return copy.deepcopy(network).cpu().float().eval()


def fold(network: Network) -> Network:
    """A copy on the CPU in evaluation mode, every batch norm folded into its convolution."""
    folded = as_trained(network)
    for _, part in parts_of(folded):
        part.fold()
    return folded


def describe(model: ModelProto, row: Dataset, recipe: Recipe) -> None:
    """Write recipe, labels, metric, licence and versions into the file's metadata, in place."""
    facts = {
        "recipe": json.dumps(recipe.model_dump(mode="json"), sort_keys=True),
        "labels": json.dumps(list(row.classes) or f"{row.outputs} items of {row.name}, in the order of its table"),
        "metric": row.metric,
        "input": f"{_INPUTS[row.kind]}, (batch, {_free_sides(row)})",
        **({"shape": json.dumps(row.shape)} if row.dtype == "int64" else {}),
        **({"alphabet": row.alphabet} if row.alphabet else {}),
        "data_licence": row.licence,
        "data_source": row.source,
        "licence": "Apache-2.0 (code); the data set's licence applies to what was learned from it",
        "versions": json.dumps(
            {
                "paretoscope": __version__,
                "torch": torch.__version__,
                "onnx": onnx.__version__,
                "onnxruntime": onnxruntime.__version__,
            }
        ),
    }
    del model.metadata_props[:]
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=value)
    model.producer_name, model.producer_version = "paretoscope", __version__


def _free_sides(row: Dataset) -> str:
    return "length" if row.kind == "text" else ", ".join(map(str, row.shape))


def describe_again(path: Path, row: Dataset, recipe: Recipe) -> None:
    """The same for a file that another tool has rewritten, which also declares operator sets that it never uses."""
    model = onnx.load(path)
    describe(model, row, recipe)
    used = {node.domain for node in model.graph.node}
    kept = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    onnx.save(model, path)


def _graph_key(folded: Network, row: Dataset) -> str:
    """Equal for networks that differ in widths only."""
    shape_free = re.sub(r"(?<=[(=,\s])\d+(?=[,)\s])", "n", str(folded))
    text = f"{shape_free}{[part.constants() for _, part in parts_of(folded)]}{row.shape}"
    return hashlib.sha256(f"{text}{torch.__version__}{OPSET}{GRAPHS}".encode()).hexdigest()[:16]


def _scrambled(folded: Network) -> Network:
    """A copy with values that no exporter can simplify away (zeros are dropped, equal tensors are shared)."""
    scrambled = copy.deepcopy(folded)
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in scrambled.state_dict().values():
            tensor.uniform_(0.5, 1.5, generator=random)
    return scrambled


def named(model: ModelProto, network: Network) -> ModelProto:
    """Matrices that the exporter turned and named anew get the name of the weight, and `TURNED`; in place.

    They are known by their values, so no two matrices of `network` may be equal.
    """
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    nameless = {numpy_helper.to_array(t).tobytes(): name for name, t in tensors.items() if len(t.dims) == 2}
    missing = {key: value for key, value in network.state_dict().items() if key not in tensors and value.ndim == 2}
    found = {nameless.get(value.T.contiguous().numpy().tobytes()): name + TURNED for name, value in missing.items()}
    for old, new in found.items():
        if old is not None:
            tensors[old].name = new
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = found.get(name, name)
    return model


def filled(model: ModelProto, folded: Network) -> ModelProto | None:
    """The template with this network's weights, or None if the template does not hold every one of them."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    unread = PIXELS_ONLY - tensors.keys()
    state = {name: tensor.detach().numpy() for name, tensor in folded.state_dict().items() if name not in unread}
    places = {name: name if name in tensors else name + TURNED for name in state}
    if any(places[k] not in tensors or len(tensors[places[k]].dims) != v.ndim for k, v in state.items()):
        return None
    for name, value in state.items():
        placed = value if places[name] == name else value.T
        tensors[places[name]].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(placed), places[name]))
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "hidden_size":
                attribute.i = tensors[node.input[2]].dims[-1]
    return model


def _trace(folded: Network, row: Dataset) -> ModelProto:
    """Through PyTorch's exporter, quietly; shapes of inner values are dropped: the checker infers them anew."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                folded,
                (blank(row, 2),),
                dynamo=True,
                external_data=False,
                dynamic_shapes=({axis: torch.export.Dim(name, max=most) for axis, (name, most) in _free(row).items()},),
                custom_translation_table=recurrent_ops.TRANSLATIONS | attention_ops.TRANSLATIONS,
                input_names=["input"],
                output_names=["logits"],
                opset_version=OPSET,
                verbose=False,
            )
    finally:
        logger.setLevel(level)
    assert program is not None
    return _bare(program.model_proto)


def _free(row: Dataset) -> dict[int, tuple[str, int | None]]:
    """The axes of the input whose size is open, by name and largest size: the batch, and the length of a text."""
    batch: dict[int, tuple[str, int | None]] = {0: ("batch", None)}
    return {**batch, 1: ("length", LONGEST)} if row.kind == "text" else batch


def _bare(model: ModelProto) -> ModelProto:
    """Without traces of how it was made."""
    del model.graph.value_info[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer, model.graph):
        del part.metadata_props[:]
        part.doc_string = ""
    return model
