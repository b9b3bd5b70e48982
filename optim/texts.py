"""Texts as tokens: one token a character. Light: pages and the command line encode what a user types."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from .catalog_data import Dataset

PADDING, UNKNOWN, FIRST = 0, 1, 2
"""The tokens of nothing, of a character without a token of its own, and of the alphabet's first character."""
LONGEST = 24
"""Characters that are looked at; what a longer text has more is cut off."""


def encode(row: Dataset, texts: Sequence[str]) -> np.ndarray:
    """Tokens (n, 24), int64, padded with 0 at the end."""
    known = {letter: FIRST + place for place, letter in enumerate(row.alphabet)}
    tokens = np.zeros((len(texts), LONGEST), dtype=np.int64)
    for line, text in zip(tokens, texts, strict=True):
        found = [known.get(letter, UNKNOWN) for letter in lowered(text)[:LONGEST]]
        line[: len(found)] = found
    return tokens


def decode(row: Dataset, tokens: np.ndarray) -> str:
    """The text of one line of tokens; a question mark where a character is unknown."""
    return "".join("?" if token == UNKNOWN else row.alphabet[token - FIRST] for token in tokens if token != PADDING)


def lowered(text: str) -> str:
    r"""Lower case, composed characters, one kind of apostrophe, no space around, one between.

    >>> lowered("  \u0130nayet  O\u2019Neil")
    "inayet o'neil"
    """
    plain = unicodedata.normalize("NFC", text).lower().replace("i\u0307", "i").replace("\u2019", "'")
    return " ".join(plain.split())
