"""Right and wrong item by item, read from the folders of runs; and what they decide at the front."""

from __future__ import annotations

import random

import numpy as np
import pytest

from optim import (
    catalog,
    cli_text,
    families,
    figures,
    findings,
    judging,
    outcomes,
    paired,
    presets,
    resolution,
    stats,
    tables_pareto,
    views,
)
from optim.errors import RequestError
from optim.findings import DOMINATED, FRONT, TIED
from optim.home import run_folder
from optim.paired import Pairs
from optim.records import Recipe
from optim.stats import wilson
from optim.store import Store
from tests import factories

N = 4000
ROW = catalog.dataset("digits")
TRUTH = np.random.default_rng(0).integers(0, 10, N).astype(np.uint8)
PRUNED = "prune-channels:sparsity={}"


def answers(wrong):
    """Predicted labels that are wrong on these items."""
    given = TRUTH.copy()
    given[list(wrong)] = (given[list(wrong)] + 1) % 10
    return given


def keep(home, run, wrong, *, labels=True, split="validation"):
    """The run's record and its folder, as a worker that was wrong on these items leaves them."""
    score = run.result.file.score.with_(**{split: wilson(N - len(wrong), N)})
    folder = run_folder(home, run.id)
    folder.mkdir(parents=True, exist_ok=True)
    known = {split: answers(wrong), **({f"{split}_labels": TRUTH} if labels else {})}
    np.savez_compressed(folder / "predictions.npz", **known)
    return run.with_(result=run.result.with_(file=run.result.file.with_(score=score)))


def a_run(home, number, wrong, *steps, p50_ms=0.1, labels=True, seed=0):
    run = factories.done(number, *steps, accuracy=0.9, p50_ms=p50_ms, kb=10)
    return keep(home, run.with_(recipe=run.recipe.with_(seed=seed)), wrong, labels=labels)


@pytest.fixture
def dense(home):
    return a_run(home, 1, range(360), p50_ms=0.317)


def test_pairs_come_from_the_answers(home, dense):
    other = a_run(home, 2, range(60, 460), PRUNED.format(0.5))
    assert outcomes.pairs(home, dense, other) == Pairs(lost=100, gained=60, n=N)
    assert outcomes.pairs(home, other, dense) == Pairs(lost=60, gained=100, n=N)
    loss = outcomes.loss(home, dense, other)
    assert loss == paired.paired_loss(Pairs(100, 60, N))
    assert findings.loss_words(loss, ROW).startswith("loses 1.0 points (0.4 to 1.6)")


@pytest.mark.parametrize("with_truth", [(True, False), (False, True)])
def test_the_truth_of_one_folder_serves_both(home, with_truth):
    one = a_run(home, 1, range(360), labels=with_truth[0])
    two = a_run(home, 2, range(60, 460), PRUNED.format(0.5), labels=with_truth[1])
    assert outcomes.pairs(home, one, two) == Pairs(100, 60, N)


def test_old_folders_fall_back_and_say_so(home):
    one = a_run(home, 1, range(360), labels=False)
    two = a_run(home, 2, range(60, 460), PRUNED.format(0.5), labels=False)
    assert outcomes.pairs(home, one, two) is None
    loss = outcomes.loss(home, one, two)
    assert (loss.paired, loss.p_value, loss.n) == (False, None, N)
    assert "unpaired" in findings.loss_words(loss, ROW)
    assert findings.evidence(loss, ROW) == ""


def test_a_truth_that_does_not_give_the_recorded_score_is_not_believed(home, dense):
    other = a_run(home, 2, range(60, 460), PRUNED.format(0.5), labels=False)
    score = other.result.file.score.with_(validation=wilson(3601, N))
    moved = other.with_(result=other.result.with_(file=other.result.file.with_(score=score)))
    assert outcomes.pairs(home, dense, moved) is None


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 half a file"])
def test_a_file_that_is_gone_or_damaged_counts_as_unknown(home, dense, content):
    other = a_run(home, 3, range(400), PRUNED.format(0.5))
    path = run_folder(home, 3) / "predictions.npz"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert outcomes.pairs(home, dense, other) is None


def test_test_is_compared_only_where_both_were_opened(home, dense):
    other = a_run(home, 2, range(60, 460), PRUNED.format(0.5))
    assert outcomes.pairs(home, dense, other, "test") is None
    shut = other.with_(
        result=other.result.with_(file=other.result.file.with_(score=other.result.file.score.with_(test=None)))
    )
    assert outcomes.loss(home, dense, shut, "test") is None
    assert outcomes.loss(home, dense, other, "test").paired is False


def test_each_file_is_read_once(home, dense, monkeypatch):
    other = a_run(home, 2, range(60, 460), PRUNED.format(0.5))
    known = outcomes.pairs(home, dense, other)
    monkeypatch.setattr(np, "load", None)
    assert outcomes.pairs(home, dense, other) == known


# -- the front ---------------------------------------------------------------------------------------------------------


def judged(home, runs, **look):
    found = findings.find(runs, pairing=outcomes.pairing(home), **look)
    return found, {fact.run.id: fact.verdict for fact in found.facts}


def test_the_paired_test_tells_apart_what_intervals_cannot(home, dense):
    best = a_run(home, 2, range(400), PRUNED.format(0.5))
    nested = a_run(home, 3, range(425), PRUNED.format(0.6), p50_ms=0.101)
    shifted = a_run(home, 4, range(3000, 3425), PRUNED.format(0.7), p50_ms=0.101)
    runs = [dense, best, nested, shifted]
    found, told = judged(home, runs)
    assert told == {1: "reference", 2: FRONT, 3: DOMINATED, 4: TIED}
    assert {fact.run.id: fact.verdict for fact in findings.find(runs).facts}[3] == TIED
    assert found.bands == ((2, 4),)
    info = figures.pareto_info(found)
    assert [band.run_ids for band in info.bands] == [(2, 4)]
    for theme in ("light", "dark"):
        assert "not told apart" in {trace.name for trace in figures.pareto_plot(info, theme).data}


def test_the_paired_ratio_tells_times_apart(home, dense):
    runs = [dense, a_run(home, 2, range(400), PRUNED.format(0.5)), a_run(home, 3, range(402), PRUNED.format(0.6))]
    for ms, verdict in ((0.102, TIED), (0.11, DOMINATED)):
        time = factories.a_latency(ms)
        moved = runs[2].with_(result=runs[2].result.with_(latency=time.with_(low_ms=0.05, high_ms=0.3)))
        assert judged(home, [*runs[:2], moved])[1][3] == verdict


def crowd(home, count=12, seed=0):
    """The reference and runs that are wrong on items of their own."""
    dice, made = np.random.default_rng(seed), [a_run(home, 1, range(360), p50_ms=0.317)]
    for number in range(2, count + 2):
        wrong = dice.choice(N, size=int(dice.integers(340, 480)), replace=False)
        made.append(
            a_run(home, number, wrong, PRUNED.format(0.1 + number / 20), p50_ms=float(dice.uniform(0.08, 0.11)))
        )
    return made


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_order_of_the_runs_is_irrelevant(home, seed):
    runs = crowd(home, seed=seed)
    shuffled = random.Random(seed).sample(runs, len(runs))
    (first, told), (second, also) = judged(home, runs), judged(home, shuffled)
    assert (told, first.bands, first.title, first.sentence) == (also, second.bands, second.title, second.sentence)
    assert [fact.run.id for fact in first.facts] == [fact.run.id for fact in second.facts]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_dominated_run_never_moves_the_front(home, seed):
    runs = crowd(home, seed=seed)
    _, before = judged(home, runs)
    worse = a_run(home, 99, range(900), PRUNED.format(0.9), p50_ms=0.2)
    _, after = judged(home, [*runs, worse])
    assert after.pop(99) == DOMINATED
    assert after == before


def test_telling_apart_is_symmetric(home):
    runs = crowd(home)
    found, _ = judged(home, runs)
    by_id = {fact.point.id: fact for fact in found.facts}
    points = [fact.point for fact in found.facts]
    for one in points:
        for other in points:
            there = judging._differ(by_id, found.cost, found.pairing, one, other)
            assert there == judging._differ(by_id, found.cost, found.pairing, other, one)


def test_only_what_is_compared_is_read(home, dense, monkeypatch):
    monkeypatch.setattr(tables_pareto, "ALL_PAIRED_UP_TO", 2)
    near, far = (
        a_run(home, 2, range(400), PRUNED.format(0.5)),
        a_run(home, 3, range(2000), PRUNED.format(0.9), p50_ms=0.3),
    )
    asked = []

    def pairing(one, two):
        asked.append({one.id, two.id})
        return outcomes.pairs(home, one, two)

    found = findings.find([dense, near, far], pairing=pairing)
    figures.pareto_info(found)
    rows = {row["run"]: str(row["lost"]) for row in tables_pareto.pareto_rows(found)}
    assert {1, 2} in asked
    assert not any(3 in ids for ids in asked)
    assert "1 of 2 losses come from two scores alone" in tables_pareto.notes(found)[0]
    assert " to " in rows[2] and " to " in rows[3] and not rows[1]


def test_the_sentence_says_what_the_set_can_resolve(home, dense):
    runs = [dense, a_run(home, 2, range(80, 440), PRUNED.format(0.5))]
    assert resolution.sentence(judged(home, runs)[0]) == (
        "These 4,000 validation images resolve gaps of about 0.6 points: "
        "a run typically differs from the reference on 4.0 % of them."
    )
    assert "(unpaired)" in resolution.sentence(findings.find(runs))


def test_every_object_has_its_loss(home, dense):
    store = Store(home)
    project = store.project("fashion-mnist", reference="resnet8:2")
    other = a_run(home, 2, range(60, 460), PRUNED.format(0.5))
    store.adopt([dense, other], project)
    first, second = views.run_objects(store, [store.run(1), store.run(2)])
    assert first["loss"] is None
    assert set(second["loss"]) == {"value", "low", "high", "p_value", "n", "paired"}
    assert (second["loss"]["value"], second["loss"]["paired"], second["loss"]["n"]) == (pytest.approx(0.01), True, N)
    whole = views.fronts_object(views.front_objects(store, store.projects()))
    assert (whole["openings"], whole["families"]) == (2, [])
    told = cli_text.run_text(store.run(2), store)
    assert "loses 1.0 points (0.4 to 1.6) against the reference; of 4,000 images 100 lost, 60 gained, p = 0.002" in told
    assert "The test set was opened twice." in cli_text.fronts_text([whole])


# -- seeds -------------------------------------------------------------------------------------------------------------


def a_family(home, first=2, errors=(380, 400, 420, 390, 410)):
    steps = (PRUNED.format(0.5), "distill:epochs=3")
    return [
        a_run(home, first + number, range(number, number + wrong), *steps, p50_ms=0.1 + number / 1000, seed=number)
        for number, wrong in enumerate(errors)
    ]


def test_seeds_of_one_recipe_are_one_mark(home, dense):
    members = a_family(home)
    found, told = judged(home, [dense, *members])
    assert told == {1: "reference", 2: FRONT}
    fact = found.fact(4)
    assert fact is found.fact(2)
    assert [run.id for run in fact.members] == [2, 3, 4, 5, 6]
    assert fact.point.accuracy == pytest.approx(0.9)
    assert fact.point.accuracy_low < 0.9 < fact.point.accuracy_high
    assert findings.lost(found, fact).seeds == 5
    assert "Run 2, the mean of 5 seeds, is **3.1x faster" in findings.compare(found, fact)
    info = figures.pareto_info(found, focused=[5])
    assert info.marks[0].members == (2, 3, 4, 5, 6)
    assert "over 5 seeds" in info.marks[0].hover
    texts = [trace.text for trace in figures.pareto_plot(info, "light").data if trace.mode == "text"]
    assert texts == [("5 seeds",)]
    assert tables_pareto.pareto_rows(found)[0]["recipe"].endswith("5 seeds")


def test_two_seeds_with_as_many_hits_are_no_surer_than_the_images_allow(home, dense):
    """Both at 90.0 %, and both of the dearer family at 90.1 %: without the images' luck each would be a point."""
    cheap = [a_run(home, 2 + n, range(n, n + 400), PRUNED.format(0.5), p50_ms=0.1, seed=n) for n in (0, 1)]
    dear = [a_run(home, 4 + n, range(n, n + 396), PRUNED.format(0.25), p50_ms=0.1, seed=n) for n in (0, 1)]
    found, told = judged(home, [dense, *cheap, *dear])
    fact = found.fact(2)
    alone = fact.run.result.file.score.validation
    assert fact.score.high - fact.score.low >= alone.high - alone.low
    assert fact.gain == stats.across_sessions(fact.run.latency.ratio)
    assert told == {1: "reference", 2: "tied with the front", 4: FRONT}


def test_a_family_stands_in_the_lists_with_all_its_runs(home, dense):
    store = Store(home)
    project = store.project("fashion-mnist", reference="resnet8:2")
    store.adopt([dense, *a_family(home)], project)
    whole = views.fronts_object(views.front_objects(store, store.projects()))
    assert {run["id"] for run in whole["front"]} == {1, 2, 3, 4, 5, 6}
    (told,) = whole["families"]
    assert (told["runs"], told["seeds"], told["n"]) == ([2, 3, 4, 5, 6], [0, 1, 2, 3, 4], 5)
    assert "mean of 5 seeds: validation 90.0 %" in cli_text.seeds_text([store.run(i) for i in range(2, 7)], store)


def test_runs_that_differ_in_more_or_in_nothing_are_no_family(home, dense):
    one, again = a_run(home, 2, range(400), PRUNED.format(0.5)), a_run(home, 3, range(401), PRUNED.format(0.5))
    other = a_run(home, 4, range(402), PRUNED.format(0.6), seed=1)
    assert sorted(map(len, families.grouped([dense, one, again, other]))) == [1, 1, 1, 1]


def test_seeds_count_up_from_the_recipes_own():
    recipe = Recipe(dataset="digits", model="cnn", seed=7)
    assert [one.seed for one in families.seeds(recipe, 3)] == [7, 8, 9]
    assert families.seeds(recipe, 1) == (recipe,)
    for count in (0, 1000):
        with pytest.raises(RequestError):
            families.seeds(recipe, count)


def test_a_run_is_repeated_for_its_own_target(home):
    store = Store(home)
    recipe = factories.a_recipe("prune-channels", "fine-tune", dataset="digits", model="cnn", width=1.0)
    run, _ = store.submit(recipe, store.project("digits", batch=8, default_reference="cnn:1"))
    made = presets.repeat(home, run.id, 3)
    assert [(one.recipe.seed, new) for one, new in made] == [(0, False), (1, True), (2, True)]
    assert {one.project for one, _ in made} == {run.project}
