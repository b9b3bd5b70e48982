"""MovieLens: what is held out is the end of each user's list, and nothing of it is told beforehand."""

import csv
import gzip
from collections import defaultdict

import numpy as np
import pytest

from optim import catalog
from optim.context import read_splits
from optim.data import movielens

ROW = catalog.dataset("movielens-small")


@pytest.fixture(scope="module")
def splits():
    return read_splits("movielens-small")


@pytest.fixture(scope="module")
def lists():
    """Per user the films' places in the table, by time and then by number, read anew."""
    with gzip.open(movielens.FILMS, "rt", encoding="utf-8") as file:
        place = {row["movieId"]: number for number, row in enumerate(csv.DictReader(file))}
    users = defaultdict(list)
    with gzip.open(movielens.RATINGS, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            users[int(row["userId"])].append((int(row["timestamp"]), int(row["movieId"]), place[row["movieId"]]))
    return [[film for *_, film in sorted(users[user])] for user in sorted(users)]


def test_every_user_has_two_and_three_held_out_and_no_pair_is_in_two_splits(splits):
    assert set(splits.validation.labels.sum(1)) == {movielens.VALIDATION} == {2}
    assert set(splits.test.labels.sum(1)) == {movielens.TEST} == {3}
    together = sum(part.labels.astype(int) for part in splits[:3])
    assert together.max() == 1
    assert together.sum() == 100_004
    assert splits.train.labels.sum(1).min() == 15


def test_the_arrays_are_as_the_row_says(splits):
    for name, size in ROW.sizes.items():
        part = getattr(splits, name)
        assert (part.inputs.shape, part.inputs.dtype) == ((size, *ROW.shape), np.int64)
        assert (part.labels.shape, part.labels.dtype) == ((size, ROW.outputs), bool)
        assert part.inputs.min() >= 0
        assert part.inputs.max() < ROW.tokens


def test_held_out_is_the_end_of_the_list(splits, lists):
    for user, films in enumerate(lists):
        for part, those in ((splits.train, films[:-5]), (splits.validation, films[-5:-3]), (splits.test, films[-3:])):
            assert np.flatnonzero(part.labels[user]).tolist() == sorted(those)


def test_the_history_is_the_last_of_training_and_nothing_else(splits, lists):
    for user, films in enumerate(lists):
        number, *told = splits.train.inputs[user].tolist()
        expected = [film + 1 for film in films[:-5]][-movielens.HISTORY :]
        assert (number, told) == (user, [0] * (movielens.HISTORY - len(expected)) + expected)
    for part in (splits.validation, splits.test):
        assert np.array_equal(part.inputs, splits.train.inputs)


def test_a_ranking_leaves_out_what_was_known_by_then_and_never_what_is_asked_for(splits):
    assert np.array_equal(splits.seen["validation"], splits.train.labels)
    assert np.array_equal(splits.seen["test"], splits.train.labels | splits.validation.labels)
    for name, known in splits.seen.items():
        assert not (known & getattr(splits, name).labels).any()


def test_films_have_a_title_each_and_shares_of_genres():
    titles, genres = catalog.load(ROW.names)(), catalog.load(ROW.features)()
    assert len(titles) == len(genres) == ROW.outputs == ROW.tokens - 1 == 9066
    assert titles[0] == "Toy Story (1995)"
    assert all(titles)
    assert "Film 108548" in titles
    assert genres.shape[1] == 19
    assert set(np.rint(1e6 * genres.sum(1)) / 1e6) == {0.0, 1.0}
    assert (genres.sum(1) == 0).sum() == 17


def test_the_row_says_that_it_is_not_for_commercial_use():
    assert "no commercial use" in ROW.licence
    assert "Not for commercial use" in ROW.help
