"""Which weights of a file become 8 bits without calibration."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from optim import catalog
from optim.context import Context, read_splits
from optim.errors import RequestError
from optim.export import export
from optim.records import Recipe
from optim.surgery import cut
from optim.techniques.quantize_dynamic import quantize_dynamic


def a_file(path, operator):
    """Two products in a row, of 20 x 40 and of 40 x 60 values."""
    first, second = (np.ones(shape, np.float32) for shape in ((20, 40), (40, 60)))
    nodes = [helper.make_node(operator, ["x", "first", *(["bias"] if operator == "Gemm" else [])], ["y"], "one"),
             helper.make_node(operator, ["y", "second"], ["z"], "two")]  # fmt: skip
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", size]) for name, size in (("x", 20), ("z", 60))
    ]
    weights = [numpy_helper.from_array(array, name) for array, name in ((first, "first"), (second, "second"))]
    weights += [numpy_helper.from_array(np.zeros(40, np.float32), "bias")]
    graph = helper.make_graph(nodes, "two products", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


@pytest.mark.parametrize("operator", ["MatMul", "Gemm"])
@pytest.mark.parametrize(("smallest", "count"), [(0, 2), (1000, 1)])
def test_a_product_with_fewer_values_than_asked_for_stays(tmp_path, home, operator, smallest, count):
    a_file(tmp_path / "model.onnx", operator)
    ctx = Context(catalog.dataset("digits"), read_splits("digits"), home)
    made = onnx.load(quantize_dynamic(tmp_path / "model.onnx", ctx, smallest=smallest))
    short = [tensor for tensor in made.graph.initializer if tensor.data_type == TensorProto.INT8 and tensor.dims]
    assert len([tensor for tensor in short if len(tensor.dims) == 2]) == count


def test_where_nothing_is_large_enough_it_says_what_would_be(tmp_path, home):
    a_file(tmp_path / "model.onnx", "Gemm")
    ctx = Context(catalog.dataset("digits"), read_splits("digits"), home)
    with pytest.raises(RequestError, match=r"of 5000 values and more.*Lower `smallest`"):
        quantize_dynamic(tmp_path / "model.onnx", ctx, smallest=5000)


@pytest.mark.parametrize("kept", [1, 4])
def test_a_narrow_gru_still_has_its_table_in_8_bits(tmp_path, home, templates, kept):
    """All its products are small, and a recurrent layer of this kind stays as it is."""
    row, splits = catalog.dataset("names"), read_splits("names")
    ctx = Context(row, splits, home, model=catalog.model("gru"))
    network = catalog.load(catalog.model("gru").function)(0.25, row)
    narrow = cut(network, {name: np.arange(kept) for name in ("embedding", "layer1")})
    export(narrow, row, Recipe(dataset="names", model="gru"), tmp_path / "model.onnx", templates)
    made = onnx.load(quantize_dynamic(tmp_path / "model.onnx", ctx))
    assert any(tensor.data_type == TensorProto.UINT8 and len(tensor.dims) == 2 for tensor in made.graph.initializer)
