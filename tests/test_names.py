"""The data set of names: by rule, in one form, no name twice."""

import json
from pathlib import Path

import numpy as np
import pytest

from optim import baselines, catalog, words
from optim.context import read_splits
from optim.data import names
from optim.data.splits import Split
from optim.texts import LONGEST, UNKNOWN, decode, encode, lowered


@pytest.fixture(scope="module")
def row():
    return catalog.dataset("names")


@pytest.fixture(scope="module")
def splits():
    return names.load()


def texts(row, split: Split) -> list[str]:
    return [decode(row, line) for line in split.inputs]


def test_the_classes_follow_from_the_rule(row):
    found = names.by_language()
    assert len(found) == len(row.classes)
    assert all(names.FEWEST <= len(listed) <= names.MOST for listed in found.values())
    everything = [name for listed in found.values() for name in listed]
    assert len(everything) == len(set(everything)) == sum(row.sizes.values())
    assert all(names.cleaned(name) == name for name in everything)
    codes = dict(zip(found, row.classes, strict=True))
    assert codes["az"] == "Azerbaijani" and codes["is"] == "Icelandic" and codes["zu"] == "Zulu"
    assert "wagner" not in everything or "wagner" in found["de"]


def test_the_alphabet_is_that_of_the_training_names(row, splits):
    pool, labels = names.pool()
    known = encode(row, pool)
    assert len(labels) == len(known)
    rest = {line.tobytes() for line in splits.train.inputs}
    train = [name for name, line in zip(pool, known, strict=True) if line.tobytes() in rest]
    counts = {letter: sum(letter in name for name in train) for letter in set("".join(train))}
    assert "".join(sorted(letter for letter, count in counts.items() if count >= names.RARE)) == row.alphabet
    assert row.tokens == len(row.alphabet) + 2
    assert (splits.train.inputs == UNKNOWN).any(), "the token of the unknown is learned too"


def test_the_usual_length_is_the_median(row, splits):
    assert np.median((splits.train.inputs != 0).sum(1)) == row.shape[0]
    assert splits.train.inputs.shape[1] == LONGEST


def test_each_class_has_its_share_of_every_split(row, splits):
    counts = [np.bincount(part.labels, minlength=len(row.classes)) for part in splits[:3]]
    shares = counts[1] / sum(counts)
    assert np.allclose(shares, 0.2, atol=0.01)


@pytest.mark.parametrize("typed", ["Müller", "", "  JÓZEF ", "李", "x" * 50, "O\u2019Neil"])
def test_whatever_is_typed_becomes_tokens(row, typed):
    line = encode(row, [typed])[0]
    assert line.shape == (LONGEST,) and line.max(initial=0) < row.tokens
    assert (line != 0).sum() == min(len(lowered(typed)), LONGEST)


def test_the_menu_tells_what_a_space_gives_away():
    found = names.by_language()
    spaced = {language: sum(" " in name for name in listed) for language, listed in found.items()}
    irish, others = spaced.pop("ga"), sum(spaced.values())
    many = sum(len(listed) for listed in found.values()) - len(found["ga"])
    told = f"{irish:,} of {len(found['ga']):,} have one, {others} of the {many:,} others."
    assert told in catalog.dataset("names").help


def test_the_menu_tells_the_rival_s_figure_and_the_shipped_model_s_as_they_were_measured(home):
    rival = json.loads((Path(__file__).parent / "bench" / "results" / "names.json").read_text())
    shipped = baselines.card("names", "lstm", 2.0, home)
    assert shipped is not None and rival["splits"] == shipped["splits"] == read_splits("names").digest
    told = catalog.dataset("names").help
    assert f"regression is right for {words.percent(rival['score']['test']['value'])} of the test names" in told
    assert f"shipped LSTM of width 2 for {words.percent(shipped['score']['test']['value'])}." in told
    for split, found in shipped["score"].items():
        assert found["value"] >= rival["score"][split]["value"], split
