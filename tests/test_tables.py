"""Rows as pages list them."""

from optim import findings, paired, tables, tables_pareto
from tests import factories
from tests.factories import some_runs


def test_what_matters_most_stands_first_where_a_phone_shows_it():
    rows = tables_pareto.pareto_rows(findings.find(some_runs()))
    assert list(rows[0])[:4] == ["run", "recipe", "latency", "accuracy"]
    assert list(tables.run_rows(some_runs(), {})[0])[:4] == ["run", "recipe", "state", "latency"]


def test_in_a_plot_the_recipe_names_the_model_only_where_it_is_not_the_references():
    told = {row["run"]: row["recipe"] for row in tables_pareto.pareto_rows(findings.find(some_runs()))}
    assert told[1] == "dense"
    assert all(len(text) <= 32 for text in told.values()), told


def test_each_row_has_its_loss_with_an_interval_that_agrees_with_the_sentence():
    found = findings.find(some_runs())
    rows = {row["run"]: str(row["lost"]) for row in tables_pareto.pareto_rows(found)}
    assert rows.pop(1) == "" and all(" to " in told for told in rows.values())
    assert findings.lost_alone(paired.Loss(0.0065, 0.0004, 0.0127, 0.04, 4000)) == "0.65 (0.04 to 1.27)"
    assert findings.lost_alone(paired.Loss(0.0245, 0.0195, 0.03004, 0.001, 4000)) == "2.45 (1.95 to 3.00)"
    assert findings.lost_alone(paired.Loss(0.2845, 0.2701, 0.3001, 0.001, 4000)) == "28.4 (27.0 to 30.0)", "so far off"


def test_sizes_are_rounded_and_not_cut():
    run = some_runs()[0]
    file = run.result.file.with_(size_bytes=1_234_600, macs=1_915_600, params=23_860)
    (row,) = tables_pareto.pareto_rows(findings.find([run.with_(result=run.result.with_(file=file))]))
    assert (row["size"], row["macs"], row["params"]) == (1235, 1.92, 23.9)


def test_the_model_that_most_rows_share_is_named_once():
    stray = factories.a_project("digits", "cnn:1")
    many = [run.with_(project=stray) for run in some_runs(factories.a_project("digits"))]
    first = factories.done(30, accuracy=0.9, p50_ms=0.1, kb=30, project=stray)
    found = findings.find([first, *many])
    rows = {row["run"]: row["recipe"] for row in tables_pareto.pareto_rows(found)}
    assert rows[30] == "cnn x1, dense" and rows[7] == "75 % pruned, distil 3 ep"
    assert tables_pareto.notes(found)[0] == "Where no model is named, it is resnet8 at width 2."


def test_the_newest_runs_are_listed_and_the_one_that_was_asked_for():
    runs = [factories.a_run(number) for number in range(300, 0, -1)]
    assert [run.id for run in tables.listed(runs, None)] == list(range(300, 100, -1))
    assert tables.listed(runs, 5)[-1].id == 5
    assert tables.listed(runs, 250) == tables.listed(runs, None)


def test_scores_are_called_by_their_metric_where_all_have_the_same():
    films = factories.a_run(1, project=factories.a_project("movielens-small", "neumf:1"))
    images = factories.a_run(2)
    assert tables.score_head([films]) == "NDCG at 10, %" and tables.score_head([images, images]) == "accuracy, %"
    assert tables.score_head([films, images]) == "validation, %"
    assert tables.score_help([films, images, films]) == "NDCG at 10 of MovieLens small; accuracy of Fashion-MNIST"
