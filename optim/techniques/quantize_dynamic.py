"""INT8 weights, activations quantized as they come (Zafrir et al. 2019, Q8BERT, arXiv:1910.06188, for weights)."""

from __future__ import annotations

import logging
from math import prod
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quant_pre_process
from onnxruntime.quantization import quantize_dynamic as rewrite

from ..context import Context
from ..errors import RequestError

OPERATORS = {"all": ["MatMul", "LSTM", "Gather"], "matrices": ["MatMul", "LSTM"]}
"""What ONNX Runtime has kernels for; a Gemm becomes a MatMul and an Add, a GRU stays as it is."""


def quantize_dynamic(path: Path, ctx: Context, *, tables: bool = True, smallest: int = 1000) -> Path:
    """A new file beside `path`: weights in signed 8 bits, one scale per tensor, activations scaled at each call.

    Nothing is calibrated: the range of an activation is read off when it is there. LSTM layers and matrix products
    are rewritten, and with `tables` the tables that tokens are looked up in; products with matrices of fewer values
    than `smallest` stay, because scaling what comes in takes longer. The parent file stays as it was. Raises
    `RequestError` for a file in which there is nothing of the kind.
    """
    prepared, quantized = path.with_suffix(".prepared.onnx"), path.with_suffix(".int8.onnx")
    ctx.progress(message="rewriting weights in 8 bits")
    logging.getLogger().setLevel(max(logging.ERROR, logging.getLogger().level))
    quant_pre_process(path, prepared, skip_symbolic_shape=True)
    rewrite(
        prepared,
        quantized,
        op_types_to_quantize=OPERATORS["all" if tables else "matrices"],
        weight_type=QuantType.QInt8,
        nodes_to_exclude=_small(prepared, smallest),
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    prepared.unlink()
    if not any(_is_short(tensor) for tensor in onnx.load(quantized).graph.initializer):
        quantized.unlink()
        raise RequestError(
            "Nothing in this file can be quantized without calibration.",
            given=path.name,
            allowed=f"files with LSTM layers, tables of vectors, or matrices of {smallest} values and more",
            remedy="Lower `smallest`, or leave the file as it is.",
        )
    return quantized


def _is_short(tensor: onnx.TensorProto) -> bool:
    """Whether these are weights in 8 bits: tables are kept unsigned, all others signed; scales have one value."""
    return tensor.data_type in (onnx.TensorProto.INT8, onnx.TensorProto.UINT8) and prod(tensor.dims) > 1


def _small(path: Path, smallest: int) -> list[str]:
    """Names of the products with a matrix of fewer values than that, also of what a Gemm is rewritten as."""
    graph = onnx.load(path).graph
    sizes = {tensor.name: prod(tensor.dims) for tensor in graph.initializer}
    products = [node for node in graph.node if node.op_type in ("MatMul", "Gemm")]
    few = [node.name for node in products if any(sizes.get(name, smallest) < smallest for name in node.input[:2])]
    return [*few, *(f"{name}_MatMul" for name in few)]
