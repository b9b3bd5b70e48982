"""Rows of heads taken apart and put together again, for PyTorch and for its exporter.

As operators of their own they are exported without the number of heads: networks that differ in it have one graph.
"""

from __future__ import annotations

from typing import Any

import torch
from onnxscript import opset20
from torch import Tensor

op: Any = opset20
"""As in `recurrent_ops.py`."""


@torch.library.custom_op("paretoscope::split_heads", mutates_args=())
def split_heads(x: Tensor, parts: int, size: int) -> Tensor:
    """(b, length, parts * heads * size) -> (parts, b, heads, length, size)."""
    return x.unflatten(2, (parts, -1, size)).permute(2, 0, 3, 1, 4).contiguous()


@torch.library.custom_op("paretoscope::join_heads", mutates_args=())
def join_heads(x: Tensor) -> Tensor:
    """(b, heads, length, size) -> (b, length, heads * size)."""
    return x.transpose(1, 2).flatten(2).contiguous()


@split_heads.register_fake
def _split_shape(x: Tensor, parts: int, size: int) -> Tensor:
    return x.new_empty(parts, x.shape[0], x.shape[2] // (parts * size), x.shape[1], size)


@join_heads.register_fake
def _joined_shape(x: Tensor) -> Tensor:
    return x.new_empty(x.shape[0], x.shape[2], x.shape[1] * x.shape[3])


def _onnx_split(x, parts, size):  # noqa: ANN001, ANN202 - values of a graph that is being built
    return op.Transpose(op.Reshape(x, op.Constant(value_ints=[0, 0, parts, -1, size])), perm=[2, 0, 3, 1, 4])


def _onnx_join(x):  # noqa: ANN001, ANN202
    return op.Reshape(op.Transpose(x, perm=[0, 2, 1, 3]), op.Constant(value_ints=[0, 0, -1]))


TRANSLATIONS: dict[Any, Any] = {
    torch.ops.paretoscope.split_heads.default: _onnx_split,
    torch.ops.paretoscope.join_heads.default: _onnx_join,
}
"""For `torch.onnx.export(custom_translation_table=...)`."""
