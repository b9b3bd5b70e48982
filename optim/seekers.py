"""All searches of a data folder, as the driver looks after them. What goes wrong in one ends that one alone."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import suppress

from . import searches
from .errors import ParetoscopeError
from .results import Failure
from .search import Seeker
from .store import Store

LOOK_SECONDS = 0.5
"""How often the folder is looked through for new searches and wishes."""
PATIENCE = 3
"""So many looks in a row may go wrong, as on a disk that is full for a moment, before a search has failed."""


class Seekers:
    """`say` prints a line for the driver's log."""

    def __init__(self, store: Store, say: Callable[[str], None]) -> None:
        self.store, self.say = store, say
        self._seekers: dict[int, Seeker] = {}
        self._errors: dict[int, int] = {}
        """Looks that went wrong in a row, by search."""
        self._left_alone: set[int] = set()
        """Damaged ones, and those whose end could not even be written: until somebody asks for them."""
        self._looked_at = 0.0

    @property
    def busy(self) -> bool:
        return any(seeker.search.state == "running" for seeker in self._seekers.values())

    def step(self, workers: int) -> None:
        """One look at each search that is not at its end; they take turns with the workers."""
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        try:
            there = searches.numbers(self.store.home)
        except OSError as error:
            self.say(f"The searches cannot be looked through: {error}")
            return
        for gone in set(self._seekers) - set(there):
            del self._seekers[gone]
            self.say(f"Search {gone}: its record was deleted; its runs go on")
        for number in reversed(there):
            try:
                self._look_at(number, workers)
            except Exception as error:  # noqa: BLE001 - the driver goes on, whatever befell one search
                self._broke(number, error)

    def _look_at(self, number: int, workers: int) -> None:
        seeker = self._seekers.get(number) or self._new(number)
        if seeker is None:
            return
        self._seekers[number] = seeker
        seeker.step(room=workers)
        self._errors.pop(number, None)
        if seeker.search.state == "done":
            del self._seekers[number]

    def _new(self, number: int) -> Seeker | None:
        """None for one that is at its end, or left alone, and nobody asks for."""
        asked = searches.has_wish(self.store.home, number)
        if number in self._left_alone and not asked:
            return None
        search = searches.load(self.store.home, number)
        self._left_alone.discard(number)
        return Seeker(self.store, search, self.say) if search.state != "done" or asked else None

    def _broke(self, number: int, error: Exception) -> None:
        """Try again a few times, then end the search with its reason; what cannot even be written is left alone."""
        seeker = self._seekers.get(number)
        if seeker is None:
            if number not in self._left_alone:
                self.say(f"Search {number} is left alone: {error}")
            self._left_alone.add(number)
            return
        self._errors[number] = self._errors.get(number, 0) + 1
        self.say(f"Search {number}: {''.join(traceback.format_exception(error)).strip()}")
        if self._errors[number] < PATIENCE:
            return
        del self._seekers[number], self._errors[number]
        self._left_alone.add(number)
        with suppress(Exception):
            seeker.fail(_failure(error, self.store))


def _failure(error: Exception, store: Store) -> Failure:
    log = f"What happened stands in {store.home / 'driver.log'}"
    if isinstance(error, ParetoscopeError):
        return Failure(kind=type(error).__name__, reason=str(error), remedy=error.remedy or log)
    return Failure(kind=type(error).__name__, reason=f"{type(error).__name__}: {error}", remedy=log)
