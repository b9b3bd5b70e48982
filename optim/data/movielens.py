"""MovieLens, small: who watched which films (Harper and Konstan 2015, doi:10.1145/2827872), from the bundled tables.

Feedback is implicit: a rating, whatever its stars, says that the film was watched. Each user's ratings are put in
order of time; the last three are for test, the two before them for validation, all earlier ones for training. Where
times are equal, and many are, the film with the smaller number in MovieLens comes first.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from .splits import Split, Splits

FOLDER = Path(__file__).parents[2] / "assets" / "data"
FILMS, RATINGS = FOLDER / "movielens_small_movies.csv.gz", FOLDER / "movielens_small_ratings.csv.gz"
VALIDATION, TEST = 2, 3
"""Films held out of each user's list: its last five by time."""
HISTORY = 100
"""Films of a user that the inputs tell: the last ones of training; 0 fills up in front of fewer."""
NO_GENRES = "(no genres listed)"


def load() -> Splits:
    """One item is one user, the same 671 in all three splits; only the films that are asked for differ.

    `inputs`: int64 (users, 1 + HISTORY): the user's number from 0, then films of training as numbers from 1, oldest
    first. `labels`: bool (users, films), the films of the split. `seen`: what a ranking leaves out (films known by
    then): train for validation, train and validation for test.
    """
    watched = _watched()
    shape = (len(watched), len(_films()))
    labels = {name: np.zeros(shape, dtype=bool) for name in ("train", "validation", "test")}
    inputs = np.zeros((len(watched), 1 + HISTORY), dtype=np.int64)
    for user, films in enumerate(watched):
        parts = np.split(films, [len(films) - VALIDATION - TEST, len(films) - TEST])
        for name, part in zip(labels, parts, strict=True):
            labels[name][user, part] = True
        history = parts[0][-HISTORY:] + 1
        inputs[user, 0] = user
        inputs[user, 1 + HISTORY - len(history) :] = history
    seen = {"validation": labels["train"], "test": labels["train"] | labels["validation"]}
    return Splits(*(Split(inputs, part) for part in labels.values()), mirrored=False, seen=seen)


def titles() -> tuple[str, ...]:
    """What each film is called, with its year; five films have no title, and are named by their number in MovieLens."""
    return tuple(
        f"{row['title']} ({row['year']})" if row["title"] and row["year"] else row["title"] or f"Film {row['movieId']}"
        for row in _films()
    )


def genres() -> np.ndarray:
    """float32 (films, genres): 1 where a film is of a genre, divided by the number of its genres; genres by name."""
    told = [[genre for genre in row["genres"].split("|") if genre != NO_GENRES] for row in _films()]
    column = {genre: number for number, genre in enumerate(sorted({genre for each in told for genre in each}))}
    table = np.zeros((len(told), len(column)), dtype=np.float32)
    for film, each in enumerate(told):
        for genre in each:
            table[film, column[genre]] = 1 / len(each)
    return table


def _watched() -> list[np.ndarray]:
    """Per user the numbers of its films, from 0, in order of time; users in order of their number in MovieLens."""
    place = {row["movieId"]: number for number, row in enumerate(_films())}
    users: dict[int, list[tuple[int, int, int]]] = {}
    for row in _rows(RATINGS):
        key = (int(row["timestamp"]), int(row["movieId"]), place[row["movieId"]])
        users.setdefault(int(row["userId"]), []).append(key)
    return [np.array([film for _, _, film in sorted(users[user])], dtype=np.int64) for user in sorted(users)]


@cache
def _films() -> tuple[dict[str, str], ...]:
    """The rows of the table of films, in its order: a film's place here is its number everywhere else."""
    return tuple(_rows(FILMS))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
