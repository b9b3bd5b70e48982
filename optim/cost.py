"""Parameters and multiply-accumulates, counted on an exported FP32 graph."""

from __future__ import annotations

from math import prod

import onnx
from onnx import ModelProto, NodeProto, shape_inference

WEIGHTED = {"Conv", "Gemm", "MatMul"}


def count(model: ModelProto) -> tuple[int, int]:
    """(params, macs) of a graph whose only dynamic axis is the batch; macs are for one item.

    Parameters are the initializers that weighted operators read. A convolution costs kernel x inputs per group x
    outputs for each position of its output, a matrix product the size of its matrix.
    """
    inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    sizes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    shapes = {info.name: _dims(info) for info in [*inferred.graph.value_info, *inferred.graph.output]}
    nodes = [node for node in model.graph.node if node.op_type in WEIGHTED]
    params = {name: prod(sizes[name]) for node in nodes for name in node.input if name in sizes}
    return sum(params.values()), sum(_macs(node, sizes, shapes) for node in nodes)


def _macs(node: NodeProto, sizes: dict[str, list[int]], shapes: dict[str, list[int]]) -> int:
    weight = next((sizes[name] for name in node.input[1:] if name in sizes), None)
    if weight is None:
        return 0
    positions = prod(shapes[node.output[0]][2:]) if node.op_type == "Conv" else 1
    return prod(weight) * positions


def _dims(info: onnx.ValueInfoProto) -> list[int]:
    return [dim.dim_value for dim in info.type.tensor_type.shape.dim]
