"""The objects other programs read: every promised name is there, and nothing is nested twice."""

from __future__ import annotations

import json

import pytest

from optim import cli_text, views
from optim.records import Event, State
from optim.results import Score, Share
from optim.store import Store
from tests import factories, other_kinds

PROMISED = {
    "id", "state", "recipe", "score", "latency", "params", "macs", "size_bytes", "onnx", "parity", "baseline",
    "fingerprint",
}  # fmt: skip
LATENCY = {
    "p50_ms", "p90_ms", "p99_ms", "mean_ms", "low_ms", "high_ms", "calls", "threads", "batch", "valid", "reasons",
    "ratio",
}  # fmt: skip


@pytest.fixture
def store(home):
    """A front of six, three behind it, one failed and one queued; and the same on another machine."""
    store = Store(home)
    project = store.project("fashion-mnist", reference="resnet8:2")
    store.adopt([*factories.some_runs(), factories.a_failed(), factories.a_live(state=State.QUEUED)], project)
    return store


def test_a_done_run_says_all_that_is_promised(store, home):
    run = store.run(6)
    told = views.run_object(run, store.run(1), home)
    assert set(told) >= PROMISED
    assert set(told["latency"]) >= LATENCY
    assert set(told["latency"]["ratio"]) == {"value", "low", "high"}
    assert set(told["score"]) == {"metric", "direction", "interval", "validation", "test", "further"}
    assert set(told["score"]["validation"]) == set(told["score"]["test"]) == {"value", "low", "high", "n"}
    assert {"passed", "max_rel_diff", "label_agreement"} <= set(told["parity"])
    assert told["onnx"] == str(home / "runs" / "6" / "model.onnx")
    assert told["fingerprint"]["id"] == run.fingerprint.id
    assert told["baseline"]["id"] == 1
    assert "baseline" not in told["baseline"]
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_the_further_metrics_are_told_with_their_intervals(home):
    other_kinds.fill(home, "movielens-small")
    told = views.run_object(Store(home).run(4), None, home)["score"]
    assert (told["metric"], told["direction"], told["interval"]) == ("ndcg@10", "higher", "bootstrap")
    (recall,) = told["further"]
    assert recall["metric"] == "recall@10" and set(recall["validation"]) == {"value", "low", "high", "n"}
    assert "further" not in recall


def test_of_every_metric_higher_values_are_better():
    with pytest.raises(ValueError, match="higher"):
        Score(metric="perplexity", direction="lower", validation=Share(value=0.1, low=0.0, high=0.2, n=9))


def test_the_recipe_can_be_run_again_as_it_stands(store, home):
    run = store.run(6)
    assert run.recipe.from_json(json.dumps(views.run_object(run, None, home)["recipe"])) == run.recipe


def test_what_is_not_known_yet_is_null(store):
    queued, failed = views.run_objects(store, store.runs(limit=2))
    for told in (queued, failed):
        unknown = {"score", "latency", "params", "macs", "size_bytes", "onnx", "parity", "fingerprint"}
        assert {told[name] for name in unknown} == {None}
        assert told["baseline"]["state"] == "done"
    assert failed["failure"]["remedy"]
    assert queued["failure"] is None


def test_a_test_set_that_stayed_shut_is_null(store, home):
    run = store.run(1)
    score = run.result.file.score.with_(test=None)
    shut = run.with_(result=run.result.with_(file=run.result.file.with_(score=score)))
    assert views.run_object(shut, None, home)["score"]["test"] is None


def test_the_newest_measurement_is_told(store):
    run = store.run(6)
    store.add_measurement(factories.a_measurement(run, factories.a_fingerprint("Other CPU"), 0.5))
    told = views.run_objects(store, [store.run(6)])[0]
    assert told["latency"]["p50_ms"] == 0.5
    assert told["fingerprint"]["processor"] == "Other CPU"


def test_the_front_is_what_no_other_beats(store):
    (told,) = views.front_objects(store, store.projects())
    assert [run["id"] for run in told["front"]] == [8, 7, 6, 4, 2, 1]
    assert {run["id"] for run in told["dominated"]} == {3, 5, 9}
    assert told["not_valid"] == []
    assert told["reference"]["id"] == 1


def test_other_machines_have_a_front_of_their_own(store):
    run = store.run(6)
    store.add_measurement(factories.a_measurement(run, factories.a_fingerprint("Other CPU"), 0.01))
    fronts = views.front_objects(store, store.projects())
    assert [[run["id"] for run in front["front"]] for front in fronts] == [[8, 7, 6, 4, 2, 1], [6]]
    whole = views.fronts_object(fronts)
    assert [run["id"] for run in whole["front"]] == [8, 7, 6, 4, 2, 1]
    assert [other["fingerprint"]["processor"] for other in whole["others"]] == ["Other CPU"]


def test_shipped_examples_have_a_front_of_their_own_and_stand_last(store):
    shipped = factories.done(50, "prune-channels:sparsity=0.9", accuracy=0.99, p50_ms=0.01, kb=9, origin="example")
    store.adopt([shipped], store.projects()[0])
    number = store.runs(limit=1)[0].id
    whole = views.fronts_object(views.front_objects(store, store.projects()))
    assert (whole["origin"], [run["id"] for run in whole["front"]]) == ("own", [8, 7, 6, 4, 2, 1])
    assert [(other["origin"], [run["id"] for run in other["front"]]) for other in whole["others"]] == [
        ("example", [number])
    ]
    assert "Shipped examples timed here" in cli_text.fronts_text([whole, *whole["others"]])


def test_a_time_that_is_not_valid_takes_no_part(home):
    store = Store(home)
    project = store.project("fashion-mnist", reference="resnet8:2")
    doubtful = factories.a_latency(0.01, valid=False)
    one, two, *_ = factories.some_runs()
    store.adopt([one, two.with_(result=two.result.with_(latency=doubtful))], project)
    (told,) = views.front_objects(store, [project])
    assert [run["id"] for run in told["front"]] == [1]
    assert [run["id"] for run in told["not_valid"]] == [2]


def test_no_front_is_an_empty_one():
    empty = views.fronts_object([])
    assert empty["front"] == empty["dominated"] == empty["others"] == []


def test_only_the_latest_attempt_is_followed():
    first, again = Event(time=1, stage="", message="started"), Event(time=3, stage="", message="started, attempt 2")
    old, new = Event(time=2, stage="Prune"), Event(time=4, stage="Prune")
    assert views.latest_attempt([first, old, again, new]) == [again, new]
    assert views.latest_attempt([old]) == [old]
