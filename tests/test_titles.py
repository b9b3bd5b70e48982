"""What a title promises, on the shipped runs."""

import pytest

from optim import examples, findings, outcomes, resolution


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    home = tmp_path_factory.mktemp("none")
    pairing, test = outcomes.pairing(home), outcomes.pairing(home, "test")
    return {c: findings.find(examples.runs(), cost=c, pairing=pairing, test=test) for c in ("latency", "size")}


def test_a_title_says_that_it_speaks_of_validation_and_what_test_says_against_it(shipped):
    told = shipped["size"].title
    assert told == "12.3x smaller, nothing measurable lost on validation, but 0.8 points lost on test"
    assert shipped["latency"].title.endswith("points lost on validation")


def test_one_loss_is_rounded_in_one_way(shipped):
    found = shipped["size"]
    loss = findings.lost(found, found.best)
    assert loss is not None
    assert "loses 0.45 points (−0.17 to 1.05)" in found.sentence
    assert "Its interval reaches 1.05 points" in found.sentence
    assert findings.change(loss) == "-0.45 points"


def test_the_same_runs_resolve_the_same_gap_whatever_the_cost(shipped):
    assert resolution.sentence(shipped["size"]) == resolution.sentence(shipped["latency"])
