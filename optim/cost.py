"""Parameters and multiply-accumulates, counted on an exported graph."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import onnx
from onnx import ModelProto, NodeProto, shape_inference

WEIGHTED = {"Conv", "Gemm", "MatMul"}


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
    """(params, macs) of a graph whose only dynamic axis is the batch; macs are for one item.

    Parameters are the initializers that weighted operators read. A convolution costs kernel x inputs per group x
    outputs for each position of its output, a matrix product the size of its matrix.
    """
    sizes, shapes = _sizes(model), _shapes(model)
    nodes = [node for node in model.graph.node if node.op_type in WEIGHTED]
    params = {name: prod(sizes[name]) for node in nodes for name in node.input if name in sizes}
    return sum(params.values()), sum(_macs(node, sizes, shapes) for node in nodes)


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
    inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    return {info.name: _dims(info) for info in [*inferred.graph.value_info, *inferred.graph.output]}


def _macs(node: NodeProto, sizes: dict[str, list[int]], shapes: dict[str, list[int]]) -> int:
    weight = next((sizes[name] for name in node.input[1:] if name in sizes), None)
    if weight is None:
        return 0
    positions = prod(shapes[node.output[0]][2:]) if node.op_type == "Conv" else 1
    return prod(weight) * positions


def _dims(info: onnx.ValueInfoProto) -> list[int]:
    return [dim.dim_value for dim in info.type.tensor_type.shape.dim]
