"""The plot of a search: what it says, what it leaves off, and that what is found stands out."""

from __future__ import annotations

import pytest

from optim import figures, figures_search, findings, search_told, search_views, searches, views
from optim.figures_search import CONTROL, ON_FRONT
from optim.searches import Answer, Goal, Verdict
from optim.store import Store
from tests import factories, search_factory


def info_of(home, search):
    return figures_search.search_info(search_views.sight(Store(home), search))


def test_the_title_says_what_was_found_and_controls_stand_apart(home):
    search = search_factory.ended(home)
    info = info_of(home, search)
    best = search.answer.run_id
    assert info.title == f"Run {best} is 6.5x faster and loses 0.2 points"
    assert (info.chosen, info.chosen_text) == (best, f"run {best}")
    controls = [spot for spot in info.spots if spot.kind == CONTROL]
    assert [spot.name for spot in controls] == [name for name, accuracy, _ in search_factory.CONTROLS if accuracy]
    not_run = [name for name, accuracy, _ in search_factory.CONTROLS if accuracy is None]
    assert info.not_drawn == (f"{'; '.join(not_run)}: not run, it takes about 140 s, and 61 s were left",)


def test_page_and_command_line_name_the_same_run_where_an_earlier_one_wins(home):
    """A run made by hand before the search, faster than all of its own, is a candidate everywhere."""
    store = Store(home)
    search = search_factory.in_vain(home)
    recipe = factories.a_recipe("prune-channels:sparsity=0.6", "fine-tune:epochs=40", "quantize-int8")
    hand = search_factory.put(store, search.project, recipe, 0.915, 9.0)
    search = search.with_(goal=Goal(max_loss=1.0), state="running", answer=None, ended_at=None)
    assert search_told.best_so_far(store, search).startswith(f"best so far: run {hand.id}, 9.0x")
    info = info_of(home, search)
    assert info.title == f"Run {hand.id} is 9.0x faster and gains 0.2 points, so far"
    assert hand.id in {spot.run_id for spot in info.spots}
    store.open_test(hand.id)  # it waits for that, and is still the answer
    answer = Answer(sentence="It is that one.", run_id=hand.id)
    ended = search.with_(state="done", answer=answer, ended_at=hand.created_at + 1)
    assert "deleted" not in info_of(home, ended).title
    told = views.search_object(store, ended)
    assert hand.id in {run["id"] for run in told["front"]} and told["best"]["id"] == hand.id
    later = search.with_(state="done", ended_at=hand.created_at - 1)
    assert hand.id not in {spot.run_id for spot in info_of(home, later).spots}, "made after its end"


def test_an_invalid_time_is_left_off_and_counted(home):
    search = search_factory.ended(home)
    info = info_of(home, search)
    invalid = [trial.run_id for trial, row in zip(search.trials, search_factory.TRIED, strict=True) if not row[-1]]
    assert info.not_valid == len(invalid) == 1
    assert not {spot.run_id for spot in info.spots} & set(invalid)


def test_the_front_is_stepped_from_the_fastest_to_dense_and_holds_no_control(home):
    info = info_of(home, search_factory.ended(home))
    assert list(info.front_x) == sorted(info.front_x, reverse=True)
    assert list(info.front_y) == sorted(info.front_y, reverse=True)
    assert (info.front_x[-1], info.front_y[-1]) == (1.0, 0.0)
    best = {spot.run_id for spot in info.spots if spot.kind == ON_FRONT}
    for one in info.spots:
        beaten = any(
            o.x >= one.x and o.y <= one.y and (o.x, o.y) != (one.x, one.y) for o in info.spots if o.kind != CONTROL
        )
        assert one.kind == CONTROL or (one.run_id in best) != beaten


def test_the_bars_tell_who_qualifies(home):
    """The lower end of a bar lies above the line exactly where the answer's rule says so."""
    search = search_factory.ended(home)
    seen = search_views.sight(Store(home), search)
    info = figures_search.search_info(seen)
    upper = {one.run.id: one.upper for one in seen.tried}
    for spot in info.spots:
        assert spot.y_low <= spot.y <= spot.y_high
        if spot.kind != CONTROL:
            assert spot.y_high == upper[spot.run_id]
    assert "95 % confidence" in info.rule and info.goal_text == "at most 1 point lost"


def test_while_it_runs_the_best_so_far_is_named(home):
    search = search_factory.at_work(home)
    info = info_of(home, search)
    assert info.title == f"Run {search.trials[search_factory.BEST].run_id} is 6.5x faster and loses 0.2 points, so far"


@pytest.mark.parametrize(("done", "yet"), [(True, ""), (False, " yet")])
def test_where_nothing_qualifies_the_nearest_is_named(home, done, yet):
    search = search_factory.in_vain(home)
    if not done:
        search = search.with_(state="running", phase="explore", answer=None)
    info = info_of(home, search)
    assert info.title.startswith(f"Nothing qualifies{yet}; run {info.chosen} is nearest")


def test_before_the_first_run_there_is_nothing_to_show(home):
    info = info_of(home, search_factory.begun(home))
    assert (info.title, info.spots, info.chosen) == ("No run with a valid time yet", (), None)
    figures_search.search_plot(info, "dark")


def test_runs_that_were_deleted_are_left_out(home):
    search = search_factory.ended(home)
    store = Store(home)
    store.delete(search.answer.run_id)
    store.delete(search.controls[0].run_id)
    info = info_of(home, search)
    assert info.title == f"Run {search.answer.run_id}, which it found, is deleted"
    assert info.not_drawn[0] == f"{search.controls[0].name}: run {search.controls[0].run_id} was deleted"


def test_table_and_plot_hold_the_same_runs(home):
    info = info_of(home, search_factory.ended(home))
    rows = figures_search.search_rows(info)
    assert rows[0]["run"] == info.chosen
    assert {row["run"] for row in rows} == {spot.run_id for spot in info.spots}
    figures_search.search_plot(info, "light")
    assert info.title in info.alt and "3 controls" in info.alt


def test_what_is_tried_now_is_said(home):
    search = search_factory.at_work(home)
    store = Store(home)
    seen = search_views.sight(store, search)
    told = search_views.doing(seen, store)
    assert told.startswith(f"run {search.trials[-1].run_id}, 14 % of the time, distil 3 ep α=0.9, INT8: epoch ")
    paused = seen._replace(search=search.with_(state="paused"), live=())
    assert search_views.doing(paused, store) == "paused"
    fresh = search_factory.begun(home)
    assert search_views.doing(search_views.sight(store, fresh), store) == "measuring the profile"


def test_a_control_as_good_as_the_answer_says_what_bought_nothing():
    assert search_views.bought_nothing(()) == ""
    kinds = {"without a teacher": "tied", "random choice, same widths": "better", "dense, trained as long": "beaten"}
    told = search_views.bought_nothing([Verdict(name=name, kind=kind) for name, kind in kinds.items()])
    assert told.endswith("Here the teacher and the choice of what is removed bought nothing.")


def test_the_table_says_how_each_control_stands_to_the_answer(home):
    search = search_factory.ended(home)
    assert search_views.stands(search.with_(answer=None)) == {}
    ran = [c for c in search.controls if c.run_id is not None][:2]
    said = "run 9: slower, but more accurate by 1.0 points (0.4 to 1.6)"
    verdicts = (Verdict(name=ran[0].name, kind="slower", said=said), Verdict(name=ran[1].name, kind="beaten"))
    told = search_views.stands(search.with_(answer=search.answer.with_(verdicts=verdicts)))
    assert told == {
        ran[0].run_id: "control, slower, but more accurate by 1.0 points (0.4 to 1.6)",
        ran[1].run_id: "control, beaten",
    }


def test_a_run_names_the_search_that_made_it(home):
    first = search_factory.ended(home)
    store, many = Store(home), search_views.known(home)
    origin = search_views.made_by(many, store.run(first.answer.run_id))
    assert origin is not None and origin.words == f"search {first.id}"
    control = search_views.made_by(many, store.run(first.controls[0].run_id))
    assert control is not None and control.words == "search 1, as its control: without a teacher"
    reference = store.reference_run(first.project)
    assert reference is not None and search_views.made_by(many, reference) is None
    later = first.with_(created_at=first.created_at + 1000)
    assert search_views.made_by([later], store.run(first.answer.run_id)) is None


def test_searches_are_read_again_when_they_change(home):
    assert search_views.known(home) == ()
    search = search_factory.begun(home)
    assert search_views.known(home) == (search,)
    assert search_views.known(home)[0] is search_views.known(home)[0]
    searches.save(home, search.with_(spent_s=99.0))
    assert search_views.known(home)[0].spent_s == 99.0
    (home / "searches" / "1" / "search.json").write_text("{")
    assert search_views.known(home) == ()


def test_controls_stand_beside_a_shown_answer_only(home):
    search = search_factory.ended(home)
    ran = [control.run_id for control in search.controls if control.run_id]
    assert search_views.beside([search], ran) == search_views.Beside()
    found = search_views.beside([search], [search.answer.run_id, *ran])
    assert found.names[ran[0]] == "control: without a teacher (search 1)"
    assert found.missing == ("2 controls of search 1 not run: same network from scratch; dense, trained as long.",)


def test_the_pareto_plot_marks_the_controls_and_keeps_them_in_view(home):
    search = search_factory.ended(home)
    runs = findings.measured(Store(home).runs())
    beside = search_views.beside([search], [run.id for run in runs])
    found = findings.find(runs)
    info = figures.pareto_info(found, controls=beside.names)
    marked = {mark.run_id: mark for mark in info.marks if mark.control}
    assert set(marked) == {control.run_id for control in search.controls if control.run_id}
    assert all(mark.control in mark.hover and mark.y >= info.y_range[0] for mark in marked.values())
    assert "3 controls of a search" in info.alt and "control" not in figures.pareto_info(found).alt
    traces = [trace.name for trace in figures.pareto_plot(info, "dark").data]
    assert traces.count("control") == 1
