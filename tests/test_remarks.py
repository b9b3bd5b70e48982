"""What is said beside a run."""

import numpy as np
from onnx import helper, numpy_helper

from optim import cli_text, cost, findings, package, remarks, tables
from optim.records import State
from optim.results import Check
from optim.store import Store
from tests import factories


def disturbed(run):
    return run.with_(result=run.result.with_(latency=run.result.latency.with_(valid=False, reasons=("it drifted",))))


def some(*numbers):
    return [disturbed(run) if run.id in numbers else run for run in factories.some_runs()]


def test_runs_without_a_valid_time_are_counted_beside_the_finding_and_marked_in_tables():
    runs = some(2, 5)
    told = tables.circumstances(findings.find(runs), runs[0].project, "")
    assert told.endswith("2 runs left out: their times are not valid")
    best = tables.best_so_far(runs)
    assert best.left_out == 2
    assert "2 runs left out" in best.circumstances
    assert tables.outcome(runs[1]).endswith("0.179 ms, not valid")
    assert [row["run"] for row in tables.run_rows(runs, {}) if row["time"]] == [2, 5]
    assert "time" not in tables.run_rows(some(), {})[0]


def test_a_run_that_waits_to_be_timed_again_is_not_asked_for_twice():
    runs = some(2, 5)
    assert [run.id for run in remarks.to_time([runs[1].with_(state=State.QUEUED), *runs[2:]])] == [5]


def test_a_file_that_is_mostly_not_in_8_bits_says_so_wherever_it_is_called_int8(home):
    run = factories.some_runs()[1]
    mostly, few, unknown = (
        run.with_(result=run.result.with_(file=run.result.file.with_(precision="int8", share_in_8_bits=share)))
        for share in (0.97, 0.123, None)
    )
    told = "INT8, 12 % of its weights in 8 bits, the rest in 32"
    assert told in package.line(few) and told in package.model_card(few)
    assert told in cli_text.run_text(few, Store(home))
    assert all("of its weights" not in package.model_card(one) for one in (mostly, unknown))


def test_weights_in_8_bits_are_counted_without_scales_and_shapes():
    shapes = {"w_quantized": ((6, 5), "int8"), "w_zero_point": (6, "int8"), "w_scale": (6, "float32")}
    shapes |= {"bias": (8, "int32"), "other": ((2, 1), "float32"), "places": (9, "int64")}
    arrays = {name: np.zeros(size, kind) for name, (size, kind) in shapes.items()}
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    model = helper.make_model(helper.make_graph([], "weights", [], [], tensors))
    assert cost.share_in_8_bits(model) == 30 / 40


def test_one_is_told_in_the_singular():
    assert remarks.left_out(1) == "1 run left out: its time is not valid"
    assert remarks.left_out(0) == ""


def test_a_later_attempt_is_told():
    live = factories.a_live(state=State.RUNNING)
    assert remarks.attempt(live.with_(attempt=1)) == ""
    assert remarks.attempt(live.with_(attempt=2)) == "attempt 2 of 3: its worker went away"
    waiting = factories.a_live(state=State.QUEUED)
    assert remarks.attempt(waiting.with_(attempt=0)) == ""
    assert remarks.attempt(waiting.with_(attempt=1)) == "waits for attempt 2 of 3: its worker went away"
    done = factories.some_runs()[1].with_(attempt=3)
    assert tables.run_rows([done], {})[0]["state"] == "done, attempt 3 of 3"


def names(*told):
    return tuple(Check(name=name, passed=True, fact="x") for name in told)


def test_the_checks_of_an_int8_file_and_of_its_parent_are_told_apart():
    file = factories.some_runs()[1].result.file
    assert file.precision == "int8"
    both = ("valid", "same answers as the network", "reloads", "valid", "same labels as its FP32 parent", "reloads")
    parent, own = remarks.checked(file.with_(checks=names(*both)))
    assert (len(parent.checks), len(own.checks)) == (3, 3)
    parent, own = remarks.checked(file.with_(checks=names(both[1], both[4], "valid", "reloads")))
    assert [check.name for check in parent.checks] == [remarks.PARENT_ONLY]
    assert len(own.checks) == 3
    assert len(remarks.checked(factories.some_runs()[0].result.file)) == 1


def test_openings_for_runs_that_are_gone_are_told_apart():
    runs = factories.some_runs()
    assert remarks.openings(9, runs) == "Its test set was opened 9 times."
    assert remarks.openings(10, runs) == "Its test set was opened 10 times, 1 of them for runs deleted since."
    assert remarks.openings(1, []) == "Its test set was opened once, for runs deleted since."
    assert remarks.openings(0, []) == "Its test set was never opened."
