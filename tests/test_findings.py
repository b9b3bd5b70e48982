"""What runs say, in words and numbers, and what figures show of it."""

import pytest

from optim import (
    conditions,
    figures,
    figures_compare,
    figures_goal,
    figures_marks,
    figures_small,
    findings,
    pareto,
    tables,
    tables_pareto,
)
from optim.findings import DOMINATED, FRONT, REFERENCE, TIED, UNSURE
from tests.factories import a_fingerprint, a_latency, a_measurement, done, many_runs, some_events, some_runs


def test_the_finding_names_gain_and_loss():
    found = findings.find(some_runs(), accept=1)
    assert found.title == "2.3x faster, nothing measurable lost on validation"
    assert "not distinguishable on 4,000 images" in found.sentence
    assert found.best is not None
    assert found.best.run.id == 4


def test_a_best_that_may_lose_more_than_accepted_names_the_run_that_does_not():
    told = findings.find(some_runs(), accept=1).sentence
    assert told.endswith("Its interval reaches 1.6 points; no faster run stays within 1 point with its whole interval.")
    sure = findings.find(some_runs(), accept=1.5).sentence
    whole = "stays within 1.5 points with its whole interval, not corrected for choosing among 8 runs"
    assert f"reaches 2.4 points; run 2 {whole}: 1.77x faster" in sure
    assert "interval reaches" not in findings.find(some_runs(), accept=30).sentence


def test_the_fastest_of_many_says_that_its_interval_is_not_corrected_for_the_choice():
    told = findings.find(some_runs(), accept=30).sentence
    assert told.endswith("Its interval is not corrected for choosing among 8 runs.")
    assert "choosing" not in findings.find(some_runs()[:2], accept=30).sentence


def test_verdicts():
    found = findings.find(some_runs())
    told = {fact.run.id: fact.verdict for fact in found.facts}
    assert told == {1: REFERENCE, 2: FRONT, 3: DOMINATED, 4: FRONT, 5: TIED, 6: FRONT, 7: FRONT, 8: FRONT, 9: DOMINATED}


def seeded(*accuracies, first=20):
    """One recipe over several seeds, slower than run 4 of `some_runs` for sure."""
    made = [
        done(first + n, "distill:epochs=9", accuracy=accuracy, p50_ms=0.16, kb=400)
        for n, accuracy in enumerate(accuracies)
    ]
    return [run.with_(recipe=run.recipe.with_(seed=n)) for n, run in enumerate(made)]


def test_what_is_slower_for_sure_and_tied_in_accuracy_is_dominated_unless_it_may_be_much_better():
    runs = some_runs()
    slower = done(20, "distill:epochs=9", accuracy=0.9065, p50_ms=0.16, kb=400)
    assert findings.find([*runs, slower]).fact(20).verdict == DOMINATED
    assert findings.find([*runs, *seeded(0.9066, 0.9064, 0.9062)]).fact(20).verdict == DOMINATED
    scattered = findings.find([*runs, *seeded(0.93, 0.88, 0.9065)])
    assert scattered.fact(20).verdict == TIED
    assert any(20 in band for band in scattered.bands)


def test_the_plot_says_what_dominated_means():
    told = figures_marks.dominated_words(findings.find(some_runs()))
    assert told == (
        "Dominated: surely slower and not measurably higher in accuracy, or surely lower and not measurably faster."
    )
    assert "larger" in figures_marks.dominated_words(findings.find(some_runs(), cost="size"))
    assert figures_marks.dominated_words(findings.find(some_runs()[:2])) == ""


@pytest.mark.parametrize(
    ("runs", "title"),
    [
        ([], "No run is measured yet"),
        (some_runs()[:1], "Only the reference is measured yet"),
        (some_runs()[1:], "The reference is not measured yet"),
        ([some_runs()[0], some_runs()[7]], "No run yet is measurably faster within 1 point"),
    ],
)
def test_titles_when_there_is_little_to_say(runs, title):
    assert findings.find(runs).title == title


def test_a_loss_that_can_be_told_is_told():
    assert findings.find(some_runs(), accept=5).title == "4.5x faster, 3.9 points lost on validation"


@pytest.mark.parametrize(
    ("cost", "word"), [("size", "smaller"), ("macs", "less arithmetic"), ("params", "fewer parameters")]
)
def test_every_cost_has_its_words(cost, word):
    assert word in findings.find(some_runs(), cost=cost).title


@pytest.mark.parametrize(
    ("cost", "told"),
    [("latency", "2.3x faster"), ("size", "6.5x smaller"), ("macs", "less arithmetic"), ("params", "fewer parameters")],
)
def test_the_hover_text_speaks_of_the_cost_that_is_shown(cost, told):
    info = figures.pareto_info(findings.find(some_runs(), cost=cost))
    hover = next(mark.hover for mark in info.marks if mark.run_id == 4)
    assert told in hover
    assert "speed" not in hover
    assert ("faster" in hover) == (cost == "latency")


def test_a_cost_that_is_the_same_is_said_so():
    first, second = some_runs()[:2]
    same = second.with_(result=second.result.with_(file=first.result.file))
    found = findings.find([first, same], cost="size")
    assert "is **as large as the reference**" in findings.compare(found, found.fact(2))


def test_a_time_that_is_not_valid_never_makes_the_front():
    runs = some_runs()
    fast = done(50, "quantize-int8", accuracy=0.95, p50_ms=0.01, kb=10)
    assert fast.result
    noisy = fast.result.latency.with_(valid=False, reasons=("busy",))
    bad = fast.with_(result=fast.result.with_(latency=noisy))
    found = findings.find([*runs, bad])
    assert found.fact(50).verdict == UNSURE
    assert found.title == findings.find(runs).title
    assert findings.find([*runs, bad], cost="size").fact(50).verdict == FRONT


def test_a_run_without_a_valid_time_is_kept_off_the_plot_and_counted():
    first, second, third = some_runs()[:3]
    third = third.with_(result=third.result.with_(latency=a_latency(0.2, valid=False)))
    info = figures.pareto_info(findings.find([first, second, third]))
    assert {mark.run_id for mark in info.marks} == {first.id, second.id} and info.not_valid == 1
    assert figures.pareto_info(findings.find([third])).marks == ()
    assert figures.pareto_info(findings.find([third], cost="size")).not_valid == 0


def test_the_hover_of_a_time_that_is_not_valid_has_one_sentence():
    first, second = some_runs()[:2]
    doubtful = a_latency(0.2, valid=False).with_(reasons=("it drifted by 9 %", "31 % of the time was stolen"))
    second = second.with_(result=second.result.with_(latency=doubtful))
    found = findings.find([first, second])
    assert figures_marks.mark(found, found.fact(2)).hover.endswith("INT8, time not valid<br>It drifted by 9 %.")


def test_dominated_marks_keep_the_shape_of_their_precision():
    slow = done(40, "quantize-int8", accuracy=0.8, p50_ms=0.3, kb=900)
    figure = figures.pareto_plot(figures.pareto_info(findings.find([*some_runs(), slow])), "light")
    dominated = next(trace for trace in figure.data if trace.name == "dominated")
    assert set(dominated.marker.symbol) == {"circle", "diamond"}
    assert dominated.marker.size == 8


def test_every_figure_has_its_table():
    info = figures_small.curves_info(some_events(some_runs()[3]))
    rows = figures_small.curves_rows(info, "accuracy")
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert all(row["training loss"] and row["validation accuracy"] for row in rows)
    soft = figures_small.soft_info([4.0, 1.0], ("cat", "dog"), 4.0)
    assert figures_small.soft_rows(soft)[1] == {"class": "dog", "T = 1": "4.7 %", "softened, T = 4": "32.1 %"}
    row = tables_pareto.pareto_rows(findings.find(some_runs()))[0]
    assert {"macs", "params"} <= set(row)


def test_the_label_of_the_goal_stands_where_fewer_marks_are():
    info = figures.pareto_info(findings.find(some_runs()))
    assert info.goal is not None and info.goal_text == "1 point below"
    near, far = (info.marks[0]._replace(x=x, y=info.goal + 0.1) for x in (0.3, 0.07))
    apart = info.marks[0]._replace(x=0.07, y=info.goal + 9), info.marks[0]._replace(x=0.3, y=info.goal - 9)
    assert figures_goal.label_side(info._replace(marks=(near, *apart), front_x=(), front_y=())) == "left"
    assert figures_goal.label_side(info._replace(marks=(far, *apart), front_x=(), front_y=())) == "right"
    steps = info._replace(marks=apart, front_x=(0.07, 0.3, 0.3), front_y=(info.goal - 9, info.goal - 9, info.goal + 9))
    assert figures_goal.label_side(steps) == "left"


def test_the_curves_of_one_run_are_not_compared_with_others():
    curves = figures_small.curves_info(some_events(some_runs()[3]))
    one = figures_compare.curves_info({"run 4": curves}, "accuracy").alt
    assert one.startswith("Validation accuracy over the epochs of run 4; it reached") and "most" not in one
    assert "run 5 reached most" in figures_compare.curves_info({"run 4": curves, "run 5": curves}, "accuracy").alt


def test_hiding_a_precision_keeps_the_reference():
    found = findings.find(some_runs(), precisions=("int8",))
    assert found.reference is not None
    assert {fact.precision for fact in found.facts if fact is not found.reference} == {"int8"}


def test_times_under_other_conditions_are_told_apart():
    run = some_runs()[0]
    moved = run.with_(measurement=a_measurement(run, a_fingerprint("Other CPU"), 0.2))
    assert len(conditions.machines([run, moved])) == 2
    assert list(tables.machine_names(conditions.machines([run, moved])).values()) == ["Example CPU", "Other CPU"]


def test_the_plot_shows_every_run_and_the_front_of_the_findings():
    found = findings.find(some_runs())
    info = figures.pareto_info(found, focused=[6])
    assert {mark.run_id for mark in info.marks} == {run.id for run in some_runs()}
    best = pareto.front([fact.point for fact in found.facts])
    assert set(info.front_y) == {100 * point.accuracy for point in best}
    assert info.goal == pytest.approx(91.1 - 1, abs=0.05)
    assert "2.3x faster" in info.alt


def test_equal_findings_give_equal_infos():
    first, second = (figures.pareto_info(findings.find(some_runs())) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_point_can_be_clicked(theme):
    info = figures.pareto_info(findings.find(many_runs(30)), focused=[3])
    figure = figures.pareto_plot(info, theme)
    told = {data[0] for trace in figure.select_traces() if trace.customdata is not None for data in trace.customdata}
    assert told == set(range(1, 31))
    assert "selected" in {trace.name for trace in figure.data}


def test_error_bars_that_are_not_drawn_are_not_sent():
    few, many = (figures.pareto_plot(figures.pareto_info(findings.find(many_runs(n))), "light") for n in (30, 300))
    assert all(trace.error_y.array is not None for trace in few.data if trace.name == "dominated")
    assert all(trace.error_y.array is None for trace in many.data if trace.name == "dominated")
    assert all(trace.error_y.array is not None for trace in many.data if trace.name == "front, FP32")


def test_ticks_lie_in_the_range_and_rise():
    for values in ([0.06, 0.3], [1, 900], [0.001, 500.0], [5.0]):
        ticks = figures.log_ticks(values)
        assert ticks
        assert list(ticks) == sorted(ticks)
        assert len(ticks) <= 12


def test_softening_keeps_the_order_and_flattens():
    logits = [4.0, 1.0, 2.0]
    cold, hot = figures_small.softmax(logits, 1), figures_small.softmax(logits, 20)
    assert sum(hot) == pytest.approx(1)
    assert max(hot) < max(cold)
    assert [hot.index(p) for p in sorted(hot)] == [cold.index(p) for p in sorted(cold)]


def test_of_many_answers_the_first_ones_are_drawn_on_a_scale_of_their_own():
    films = [f"film {number}, whose title is longer than a bar has room" for number in range(1000)]
    info = figures_small.soft_info([number / 100 for number in range(1000)], films, 4.0)
    assert info.classes == tuple(films[:-13:-1]) and info.others == 988
    assert list(info.soft) == sorted(info.soft, reverse=True) and sum(info.plain) < 100
    assert "film 999" in info.alt and "988 others share the rest" in info.alt
    last = figures_small.soft_rows(info)[-1]
    assert last["answer"] == "988 others" and float(last["T = 1"].removesuffix(" %")) > 80
    figure = figures_small.soft_plot(info, "light")
    assert all(bar.orientation == "h" and max(bar.x) < 5 for bar in figure.data)
    assert max(map(len, figure.layout.yaxis.ticktext)) <= figures_small.LONGEST


def test_curves_are_those_of_the_newest_training_stage():
    info = figures_small.curves_info(some_events(some_runs()[3]))
    assert info.validated == (1, 2, 3, 4)
    assert len(info.loss) == 40
    assert "4 epochs" in info.alt


def test_layers_tell_what_changes():
    run = some_runs()[3]
    assert run.result
    info = figures_small.layers_info(run.result.groups)
    assert info.before == (32, 64)
    assert info.after == (16, 32)
    assert figures_small.layers_plot(info, "dark").data
