"""Parameters and multiply-accumulates, counted on an exported graph."""

from __future__ import annotations

import json
from math import prod
from typing import NamedTuple

import onnx
from onnx import ModelProto, NodeProto, shape_inference

WEIGHTED = {"Conv", "Gemm", "MatMul", "LSTM", "GRU"}
STORED = {*WEIGHTED, "Add", "Gather", "Slice"}
"""Operators whose constant factors, terms and tables are learned; a scalar is none."""

SHORT, LONGER = (
    (onnx.TensorProto.INT8, onnx.TensorProto.UINT8),
    (onnx.TensorProto.FLOAT, onnx.TensorProto.INT32),
)
"""Types of weights in 8 bits, and of those that are not: as they were, or a bias beside quantized weights."""
BESIDE = ("_scale", "_zero_point")
"""What the names of numbers end in that quantization puts beside the weights."""


class Weighted(NamedTuple):
    """One operator with weights."""

    names: tuple[str, ...]
    """The node's own, its output's, and that of the rectifier behind it: what it is fused with renames it."""
    layer: str
    """Name of its weights, without what every weight's name ends in."""
    macs: int
    """For one item."""
    inputs: int
    outputs: int
    """Channels."""


def count(model: ModelProto) -> tuple[int, int]:
    """(params, macs) of a graph; macs are for one item, of its usual length where that is free.

    Parameters are the float initializers that operators with weights read. A convolution costs kernel x inputs per
    group x outputs for each position of its output, a matrix product its inner size for each value that comes out, a
    recurrent layer the size of its matrices at each step; a table that is looked up costs nothing.
    """
    sizes, shapes = _sizes(model), _shapes(model)
    floats = {t.name for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT and t.dims}
    nodes = [node for node in model.graph.node if node.op_type in STORED]
    params = {name: prod(sizes[name]) for node in nodes for name in node.input if name in floats}
    return sum(params.values()), sum(_macs(node, sizes, shapes) for node in nodes if node.op_type in WEIGHTED)


def share_in_8_bits(model: ModelProto) -> float:
    """Of all weights of a file, 0 to 1: numbers in initializers, whatever their type; scales and zero points are none.

    Integers of 64 bits are shapes and places, not weights.
    """
    sizes = dict.fromkeys([*SHORT, *LONGER], 0)
    for tensor in model.graph.initializer:
        if tensor.data_type in sizes and not tensor.name.endswith(BESIDE):
            sizes[tensor.data_type] += prod(tensor.dims)
    return sum(sizes[kind] for kind in SHORT) / max(sum(sizes.values()), 1)


def weighted(model: ModelProto) -> tuple[Weighted, ...]:
    """The operators with weights, FP32 or quantized (then the weights stand behind a DequantizeLinear)."""
    sizes, shapes = _sizes(model), _shapes(model)
    rectified = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "Relu"}
    behind = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    sizes |= {name: sizes[source] for name, source in behind.items() if source in sizes}
    found = []
    for node in model.graph.node:
        name = next((name for name in node.input[1:] if name in sizes), None)
        if node.op_type in WEIGHTED and name is not None:
            conv, size = node.op_type == "Conv", sizes[name]
            outputs = size[0] if conv else shapes[node.output[0]][-1]
            inputs = size[1] if conv else prod(size) // outputs
            layer, macs = _layer(behind.get(name, name)), _macs(node, sizes, shapes)
            names = (node.name, node.output[0], rectified.get(node.output[0], node.output[0]))
            found.append(Weighted(names, layer, macs, inputs, outputs))
    return tuple(found)


def _layer(weights: str) -> str:
    """The layer that a tensor of weights belongs to.

    >>> _layer("blocks.1.first.conv.weight_quantized")
    'blocks.1.first'
    """
    return weights.removesuffix("_quantized").removesuffix(".weight").removesuffix(".conv")


def _sizes(model: ModelProto) -> dict[str, list[int]]:
    return {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}


def _shapes(model: ModelProto) -> dict[str, list[int]]:
    """Of every value, for one item."""
    one = onnx.ModelProto()
    one.CopyFrom(model)
    usual = json.loads(next((fact.value for fact in model.metadata_props if fact.key == "shape"), "[]"))
    for dim, size in zip(one.graph.input[0].type.tensor_type.shape.dim, [1, *usual], strict=False):
        dim.dim_value = size
    inferred = shape_inference.infer_shapes(one, strict_mode=True, data_prop=True)
    graph = inferred.graph
    known = {info.name: _dims(info) for info in [*graph.input, *graph.value_info, *graph.output]}
    return {**known, **_sizes(model)}


def _macs(node: NodeProto, sizes: dict[str, list[int]], shapes: dict[str, list[int]]) -> int:
    if node.op_type in ("LSTM", "GRU"):
        return shapes[node.input[0]][0] * sum(prod(sizes[name]) for name in node.input[1:3])
    made = shapes[node.output[0]]
    weight = next((sizes[name] for name in node.input[1:] if name in sizes), None)
    if node.op_type == "Conv":
        return prod(weight) * prod(made[2:]) if weight else 0
    if node.op_type == "Gemm" and weight:
        return prod(weight)
    inner = weight[:-1] if weight else shapes.get(node.input[0]) or shapes[node.input[1]][-2:-1]
    if 0 in made:  # one head beside a term of open size: the other factor knows
        made = [size or other for size, other in zip(made, shapes[node.input[1]], strict=True)]
    return prod(made) * inner[-1]


def _dims(info: onnx.ValueInfoProto) -> list[int]:
    return [dim.dim_value for dim in info.type.tensor_type.shape.dim]
