"""Rows of heads taken apart and put together again, and vectors of unit length, for PyTorch and for its exporter.

As operators of their own they are exported without the number of heads: networks that differ in it have one graph. And
in as few operators as ONNX allows: each costs about as much as a small network's arithmetic.
"""

from __future__ import annotations

from typing import Any

import torch
from onnxscript import opset20
from torch import Tensor

op: Any = opset20
"""As in `recurrent_ops.py`."""


@torch.library.custom_op("paretoscope::split_heads", mutates_args=())
def split_heads(x: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """(b, length, 3 * heads * size) -> three of (b, heads, length, size)."""
    q, k, v = x.unflatten(2, (-1, size)).transpose(1, 2).chunk(3, 1)
    return q.contiguous(), k.contiguous(), v.contiguous()


@torch.library.custom_op("paretoscope::join_heads", mutates_args=())
def join_heads(x: Tensor) -> Tensor:
    """(b, heads, length, size) -> (b, length, heads * size)."""
    return x.transpose(1, 2).flatten(2).contiguous()


@torch.library.custom_op("paretoscope::unit_length", mutates_args=())
def unit_length(x: Tensor) -> Tensor:
    """Vectors along the last axis over their lengths; zeros stay zeros."""
    return torch.nn.functional.normalize(x, dim=-1)


@split_heads.register_fake
def _split_shape(x: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    shape = (x.shape[0], x.shape[2] // (3 * size), x.shape[1], size)
    return x.new_empty(shape), x.new_empty(shape), x.new_empty(shape)


@join_heads.register_fake
def _joined_shape(x: Tensor) -> Tensor:
    return x.new_empty(x.shape[0], x.shape[2], x.shape[1] * x.shape[3])


@unit_length.register_fake
def _same_shape(x: Tensor) -> Tensor:
    return torch.empty_like(x)


def _onnx_split(x, size):  # noqa: ANN001, ANN202 - values of a graph that is being built
    by_head = op.Transpose(op.Reshape(x, op.Constant(value_ints=[0, 0, -1, size])), perm=[0, 2, 1, 3])
    return op.Split(by_head, axis=1, num_outputs=3)


def _onnx_join(x):  # noqa: ANN001, ANN202
    return op.Reshape(op.Transpose(x, perm=[0, 2, 1, 3]), op.Constant(value_ints=[0, 0, -1]))


def _onnx_unit(x):  # noqa: ANN001, ANN202
    return op.LpNormalization(x, axis=-1, p=2)


TRANSLATIONS: dict[Any, Any] = {
    torch.ops.paretoscope.split_heads.default: _onnx_split,
    torch.ops.paretoscope.join_heads.default: _onnx_join,
    torch.ops.paretoscope.unit_length.default: _onnx_unit,
}
"""For `torch.onnx.export(custom_translation_table=...)`."""
