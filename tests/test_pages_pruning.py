"""Design with widths by hand, and the Pareto card of runs that prune: their twin, and what the pruning bought."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from optim import jobs, plan
from optim.baselines import anatomy
from optim.results import Group
from optim.store import Store
from pages.parts import widths
from tests import factories

APP = Path(__file__).parents[1] / "app.py"
DISTIL = "distill:epochs=3"


@pytest.fixture(autouse=True)
def no_driver(monkeypatch):
    monkeypatch.setattr(jobs, "ensure_driver", lambda home: None)


def opened(page: str, **query: str) -> AppTest:
    at = AppTest.from_file(APP, default_timeout=60).run()
    at.query_params.update(query)
    at.switch_page(f"pages/{page}.py").run()
    assert not at.exception, at.exception
    return at


def told(at: AppTest) -> str:
    return " ".join(str(element.value) for kind in (at.markdown, at.error, at.warning) for element in kind)


def test_widths_are_typed_where_the_allocation_is_by_hand(home):
    factories.a_baseline(home)
    at = opened("design", dataset="fashion-mnist")
    assert "prune-channels.widths" not in [box.key for box in at.text_input]
    at.button_group("prune-channels.allocation").set_value("manual").run()
    assert "prune-channels.sparsity" not in [slider.key for slider in at.slider]
    at.text_input("prune-channels.widths").set_value("s1.sum:8+s2.mid:4").run()
    assert not at.exception
    assert "widths=s1.sum:8+s2.mid:4" in " ".join(code.value for code in at.code)
    at.text_input("prune-channels.widths").set_value("s1.sum:99").run()
    assert "s1.sum 16" in at.error[0].value
    at.text_input("prune-channels.widths").set_value("nonsense").run()
    assert "GROUP:WIDTH" in at.error[0].value
    at.button_group("prune-channels.allocation").set_value("uniform").run()
    assert not at.error


def test_an_edited_table_is_the_text(monkeypatch):
    body = factories.an_anatomy()
    held = {"t": {"edited_rows": {0: {"width": 8}, 3: {"width": 99}, 5: {"width": None}}}}
    monkeypatch.setattr(widths.st, "session_state", held)
    widths._edited(body, {"s1.mid": 4}, "k", "t")
    assert held["k"] == "s1.mid:4+s1.sum:8"


def test_a_latency_target_asks_for_a_profile_first(home):
    factories.a_baseline(home)
    at = opened("design", dataset="fashion-mnist")
    at.button_group("prune-channels.allocation").set_value("latency").run()
    assert "python -m optim profile" in at.error[0].value


def runs_of(home, *steps):
    """The reference and one done run of each, the one that removes three quarters of its weights."""
    factories.a_baseline(home, width=2.0)
    body = anatomy("fashion-mnist", "resnet8", 2.0, home)
    params = plan.cost(body, {})[0] // 4
    group = Group(name="s1.sum", label="the stem", before=32, after=16, bought_ms=0.02, importance_lost=0.05)
    made = [factories.done(1, accuracy=0.911, p50_ms=0.317, kb=1240)]
    for number, step in enumerate(steps, start=2):
        run = factories.done(number, step, DISTIL, accuracy=0.905, p50_ms=0.14, kb=320)
        file = run.result.file.with_(params=params)
        made.append(run.with_(result=run.result.with_(file=file, groups=(group,))))
    factories.stored(home, made)
    return Store(home).runs()


def test_the_card_offers_the_missing_twin_and_queues_it(home):
    run = next(run for run in runs_of(home, "prune-channels") if run.recipe.steps)
    at = opened("pareto", run=str(run.id))
    twins = next(side for side in at.expander if side.label == "Zeros beside removal")
    assert twins is not None
    at.session_state["twins"] = True
    at.run()
    assert "75% zeros" in told(at).replace(" ", "").replace("75%zeros", "75% zeros")
    next(button for button in at.button if button.label == "Run the twin").click()
    at.run()
    assert [r.recipe.steps[0].technique for r in Store(home).runs() if r.state.live] == ["prune-weights"]


def test_the_card_shows_both_where_both_are_measured(home):
    run = next(r for r in runs_of(home, "prune-channels", "prune-weights:sparsity=0.75") if r.recipe.steps)
    at = opened("pareto", run=str(run.id))
    at.session_state["twins"] = True
    at.run()
    assert not at.exception
    assert "About 75 % of the weights gone" in told(at)


def test_the_card_says_what_the_pruning_bought(home):
    run = next(run for run in runs_of(home, "prune-channels") if run.recipe.steps)
    at = opened("pareto", run=str(run.id))
    assert "What the pruning bought" in [side.label for side in at.expander]


@pytest.mark.parametrize("page", ["design", "runs", "pareto", "compare", "export", "system"])
def test_a_damaged_baseline_is_named_and_the_page_stands(home, page):
    run = factories.done(
        2, "prune-channels:allocation=manual,widths=s1.mid:8", DISTIL, accuracy=0.9, p50_ms=0.14, kb=320
    )
    factories.stored(home, [factories.done(1, accuracy=0.911, p50_ms=0.317, kb=1240), run])
    (factories.a_baseline(home, width=run.recipe.width) / "anatomy.json").unlink()
    query = {"compare": {"runs": "1,2"}, "design": {"dataset": "fashion-mnist", "width": "2.0"}}.get(page, {"run": "2"})
    at = opened(page, **query)
    if page == "design":
        at.button_group("prune-channels.allocation").set_value("manual").run()
        assert not at.exception
    assert page not in ("design", "pareto") or "missing or damaged" in told(at)


def test_what_low_rank_leaves_is_not_told_before_the_run(home):
    factories.a_baseline(home)
    at = opened("design", dataset="fashion-mnist")
    assert at.metric
    at.toggle("use.low-rank").set_value(True).run()
    assert not at.exception
    assert not at.metric
    assert at.title[0].value.startswith("Two thin matrices")
    assert "the run counts and measures them" in told(at)
