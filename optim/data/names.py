"""First and last names by language, from the person providers of the faker package.

A language is the first part of a locale's name; its locales are pooled. Rules, in this order: a name is brought into
one form (`cleaned`), must be written in Latin script and be 2 to 24 characters long; a name that stands in more than
one language is left out, whatever the size of these languages; a language with at least 400 names left is a class;
of a language with more than 1,200 a seeded draw of so many stays, so that no class is most of the data.
"""

from __future__ import annotations

import pkgutil
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module

import numpy as np

from ..catalog_data import DATASETS
from ..texts import LONGEST, encode, lowered
from .splits import Split, Splits, stratified

PROVIDERS = "faker.providers.person"
FEWEST, MOST = 400, 1200
"""Names of a class."""
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.2
OF_OTHER_LANGUAGES = {"en_IN", "en_KE", "en_NG", "en_PK", "en_TH", "es_CA", "fr_DZ"}
"""Locales whose names are mostly of other languages than the locale's own (Hindi, Swahili, Catalan, Arabic ...)."""
RARE = 10
"""A character in fewer training names than this gets no token of its own: it is one of the unknown."""


def load() -> Splits:
    """About 60 % of each language for training, 20 % for validation, 20 % for test. No name stands twice.

    Each split stands in no order of class: its first items are a fair draw.
    """
    names, labels = pool()
    count = len(names)
    rest, test = stratified(labels, round(TEST_SHARE * count), seed=0)
    train, chosen = stratified(labels[rest], round(VALIDATION_SHARE * count), seed=1)
    tokens = encode(DATASETS["names"], names)
    parts = [np.random.RandomState(2).permutation(part) for part in (rest[train], rest[chosen], test)]
    return Splits(*(Split(tokens[part], labels[part]) for part in parts), mirrored=False)


def pool() -> tuple[list[str], np.ndarray]:
    """All names and the number of each one's class, classes and names in alphabetical order."""
    languages = by_language()
    names = [name for language in languages for name in languages[language]]
    labels = np.repeat(np.arange(len(languages)), [len(found) for found in languages.values()])
    return names, labels


def by_language() -> dict[str, list[str]]:
    """The names of each class by its language's code, both sorted."""
    found: dict[str, set[str]] = {}
    for locale in sorted(module.name for module in pkgutil.iter_modules(import_module(PROVIDERS).__path__)):
        if locale not in OF_OTHER_LANGUAGES:
            found.setdefault(locale.partition("_")[0], set()).update(_names_of(locale))
    times = Counter(name for names in found.values() for name in names)
    own = {language: sorted(name for name in names if times[name] == 1) for language, names in sorted(found.items())}
    return {language: _drawn(names) for language, names in own.items() if len(names) >= FEWEST}


def cleaned(name: str) -> str:
    r"""As `lowered` has it; empty if it is no name in Latin script of fair length.

    >>> cleaned(" D\u2019Angelo "), cleaned("X"), cleaned("Dr. Maria"), cleaned("\u0418\u0432\u0430\u043d")
    ("d'angelo", '', '', '')
    """
    plain = lowered(name)
    latin = all(unicodedata.name(letter, "").startswith("LATIN") or letter in " -'" for letter in plain)
    return plain if latin and 2 <= len(plain) <= LONGEST else ""


def _names_of(locale: str) -> Iterator[str]:
    """Whatever the provider of this locale itself lists under a name with `name` in it; pairs hold other scripts."""
    person = import_module(PROVIDERS).Provider
    own = [kind for kind in import_module(f"{PROVIDERS}.{locale}").Provider.__mro__ if issubclass(kind, person)]
    for kind in own:
        for attribute, listed in () if kind is person else vars(kind).items():
            if (
                "name" in attribute
                and not attribute.startswith("_")
                and isinstance(listed, list | tuple | set | Mapping)
            ):
                yield from filter(None, (cleaned(name) for name in listed if isinstance(name, str)))


def _drawn(names: list[str]) -> list[str]:
    if len(names) <= MOST:
        return names
    return [names[i] for i in np.sort(np.random.RandomState(0).permutation(len(names))[:MOST])]
