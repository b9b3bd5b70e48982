"""All searches of a data folder, as the driver looks after them."""

from __future__ import annotations

import time
from collections.abc import Callable

from . import searches
from .search import Seeker
from .store import Store

LOOK_SECONDS = 0.5
"""How often the folder is looked through for new searches and wishes."""


class Seekers:
    """`say` prints a line for the driver's log."""

    def __init__(self, store: Store, say: Callable[[str], None]) -> None:
        self.store, self.say = store, say
        self._seekers: dict[int, Seeker] = {}
        self._looked_at = 0.0

    @property
    def busy(self) -> bool:
        return any(seeker.search.state == "running" for seeker in self._seekers.values())

    def step(self, workers: int) -> None:
        """One look at each search that is not at its end; they take turns with the workers."""
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        for search in searches.all_searches(self.store.home):
            seeker = self._seekers.get(search.id)
            if seeker is None and (search.state != "done" or searches.has_wish(self.store.home, search.id)):
                seeker = self._seekers[search.id] = Seeker(self.store, search, self.say)
            if seeker is not None:
                seeker.step(room=workers)
                if seeker.search.state == "done":
                    del self._seekers[search.id]
