"""The times of operators: without what the profiler adds, operators and overhead make the plain call."""

import math

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim import delivery_causes, operator_times, runtime
from optim.cost import Weighted
from optim.operator_times import TURNS, WARM_UP
from optim.operators import Operator, Operators, role_of
from optim.stats import BETWEEN_SESSIONS, TIMES_BETWEEN_SESSIONS

EACH, CHARGED_US, UNEVEN_US, EMPTY_US = 8, 2.0, 0.4, 3.2
Row = tuple[str, str, float, int]
"""Name, kind, true microseconds, multiply-accumulates."""


def profiled(rows: list[Row], random: np.random.Generator, jitter: float = 0.03) -> Operators:
    """What is read in another session of the file with these operators, the profiler's cost and cut included."""
    level, off = (
        np.exp(TIMES_BETWEEN_SESSIONS * random.standard_normal()),
        np.exp(BETWEEN_SESSIONS * random.standard_normal(len(rows))),
    )
    count, events = WARM_UP + TURNS * EACH, []
    for (name, kind, us, _), one in zip(rows, off, strict=True):
        charge = max(CHARGED_US + UNEVEN_US * random.standard_normal(), 0.0)
        durations = level * one * us * np.exp(jitter * random.standard_normal(count)) + charge
        events += [
            {"cat": "Node", "name": f"{name}_kernel_time", "dur": int(dur), "args": {"op_name": kind}}
            for dur in durations
        ]
    noise = np.exp(jitter * random.standard_normal((2, TURNS, EACH)))
    layers = tuple(Weighted((name,) * 3, name, macs, 16, 16) for name, _, _, macs in rows if macs)
    whole = EMPTY_US + sum(us for _, _, us, _ in rows)
    return operator_times.gathered(events, layers, level * whole * noise[0], level * EMPTY_US * noise[1])


def true(rows: list[Row]) -> Operators:
    """What there is to be found."""
    many = tuple(
        Operator(name=name, kind=kind, role=role_of(kind), us=us, macs=macs, inputs=16, outputs=16)
        for name, kind, us, macs in rows
    )
    whole = EMPTY_US + sum(one.us for one in many)
    return Operators(file_sha256="", fingerprint_id="", calls=1, call_us=whole, operators=many, empty_us=EMPTY_US)


def two_files(random: np.random.Generator) -> tuple[list[Row], list[Row]]:
    """A network of nine layers, and one of a tenth of its arithmetic with a pooling and a conversion."""
    macs = random.integers(100_000, 3_000_000, 9).tolist()
    reference = [(f"c{place}", "Conv", float(random.uniform(15, 80)), many) for place, many in enumerate(macs)]
    run = [
        (name, kind, float(random.uniform(2, 9)), many // int(random.integers(5, 20)))
        for name, kind, _, many in reference
    ]
    more = [(kind, kind, float(random.uniform(0.5, 4)), 0) for kind in ("AveragePool", "QuantizeLinear")]
    return reference, [*run, *more]


def test_the_intervals_hold_what_is_true_in_simulated_turns():
    random, held, n = np.random.default_rng(4), np.zeros(7), 100
    for _ in range(n):
        reference, run = two_files(random)
        found = delivery_causes.causes(profiled(run, random), profiled(reference, random), 10.0)
        truth = delivery_causes.causes(true(run), true(reference), 10.0)
        miss = np.abs(np.log(np.divide(found.values, truth.values)))
        held += miss <= np.array(found.halves) + 1e-9
    assert (held / n > 0.88).all(), f"95 of 100, give or take 2.2: {held}"


times = st.floats(0.0, 1e3)


@given(st.lists(times, min_size=1, max_size=12), st.floats(0.01, 1e4), st.none() | st.floats(0.0, 1e3))
def test_operators_and_overhead_never_take_more_than_the_plain_call(each, call_us, empty_us):
    many = tuple(Operator(name=str(at), kind="Add", role="memory", us=us) for at, us in enumerate(each))
    found = Operators(file_sha256="", fingerprint_id="", calls=9, call_us=call_us, operators=many, empty_us=empty_us)
    overhead = empty_us if found.overhead_known else 0.0
    net = [one.us for one in found.net().operators]
    assert sum(net) + overhead <= call_us * (1 + 1e-9) or math.isclose(sum(net), sum(each))
    assert all(0 <= left <= us for left, us in zip(net, each, strict=True))
    taken = [us - left for left, us in zip(net, each, strict=True) if left > 0]
    assert not taken or max(taken) == pytest.approx(min(taken), abs=1e-9 * max(each)), "from all alike"


def a_chain(count: int) -> onnx.ModelProto:
    """So many operators in a row that do next to nothing, for one row of eight numbers."""
    names = ["input", *(f"x{at}" for at in range(1, count)), "logits"]
    nodes = [
        onnx.helper.make_node(("Abs", "Neg")[at % 2], [names[at]], [names[at + 1]], name=f"n{at}")
        for at in range(count)
    ]
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (1, 8)) for name in ("input", "logits")]
    graph = onnx.helper.make_graph(nodes, "chain", ends[:1], ends[1:])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def chain(tmp_path):
    onnx.save(a_chain(12), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def a_task():
    from optim.records import Task
    from tests import factories

    run = factories.a_run(1)
    return Task(run_id=1, recipe=run.recipe, project=run.project, folder="", home="")


def test_a_real_file_s_operators_and_its_empty_call_make_its_plain_call(chain):
    operator_times.profile(chain, a_task(), np.ones((1, 8), np.float32))
    found = Operators.from_json((chain.parent / operator_times.FILE).read_bytes())
    assert len(found.operators) == 12 and found.turns() == TURNS and found.overhead_known
    net = found.net()
    overhead_us = found.empty_us or 0.0
    assert sum(one.us for one in net.operators) + overhead_us == pytest.approx(found.call_us)
    assert sum(one.us for one in found.operators) > found.call_us, "the profiler's cost is in what it tells"


def test_a_file_is_profiled_anew_each_time_it_is_timed(chain):
    for _ in range(2):
        operator_times.profile(chain, a_task(), np.ones((1, 8), np.float32))
        kept = chain.parent / operator_times.FILE
        assert Operators.from_json(kept.read_bytes()).calls > 1
        kept.write_text(Operators.from_json(kept.read_bytes()).with_(calls=1).to_json())


@pytest.mark.parametrize(("request_", "answer"), [
    (np.ones((2, 5), np.int64), np.ones((2, 19), np.float32)),
    (np.ones((1, 1, 8, 8), np.float32), np.ones((1, 10), np.float32)),
])  # fmt: skip
def test_the_empty_graph_takes_and_answers_what_the_file_does(tmp_path, request_, answer):
    made = operator_times.empty(a_chain(1), request_, answer)
    onnx.checker.check_model(made)
    onnx.save(made, tmp_path / "empty.onnx")
    session = runtime.open_session(tmp_path / "empty.onnx")
    (told,) = session.run(["logits"], {"input": request_})
    assert (told.shape, told.dtype) == (answer.shape, answer.dtype)
