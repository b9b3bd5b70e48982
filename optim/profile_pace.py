"""How far the measuring of a profile is, and how long it still takes, from what its steps have taken so far."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal

Kind = Literal["file", "score", "recovery"]
"""A plan's two files made and timed; a pruned network scored; one trained on for a moment."""
BESIDE: Mapping[Kind, float] = {"file": 1.0, "score": 0.6, "recovery": 3.0}
"""What one takes beside another, until one of its kind is done."""
WHOLE = 1000
"""A share of the bar is told in thousandths."""


class Pace:
    """Steps that are still to come, and seconds that those of their kind took."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._at, self._shown = clock, clock(), 0.0
        self._left: Counter[Kind] = Counter()
        self._done: Counter[Kind] = Counter()
        self._spent_s = dict.fromkeys(BESIDE, 0.0)

    def expect(self, counts: Mapping[Kind, int]) -> None:
        """So many steps of each kind are to come; the clock starts with the first ones."""
        if not self._left:
            self._at = self._clock()
        self._left.update(counts)

    @property
    def expected(self) -> bool:
        """Whether it was told what is to come."""
        return bool(self._left)

    def did(self, kind: Kind, count: int = 1) -> None:
        """So many of them are done, in the time since the last word."""
        now = self._clock()
        self._spent_s[kind] += now - self._at
        self._at = now
        self._done[kind] += count
        self._left[kind] -= count

    @property
    def left_s(self) -> float | None:
        """About how long it still takes; None before the first step is done."""
        if not self._done.total():
            return None
        waited = self._clock() - self._at
        rest = sum(max(count, 0) * self._seconds(kind) for kind, count in self._left.items())
        return max(rest - waited, 0.0)

    def told(self) -> tuple[int, int]:
        """Thousandths of the whole time that are over, and a thousand; it never falls."""
        left, gone = self.left_s, sum(self._spent_s.values()) + self._clock() - self._at
        if left is not None and gone + left > 0:
            self._shown = max(self._shown, gone / (gone + left))
        return round(WHOLE * self._shown), WHOLE

    def _seconds(self, kind: Kind) -> float:
        """Of one step, by its kind's own mean; else by what the others took."""
        if self._done[kind]:
            return self._spent_s[kind] / self._done[kind]
        usual = sum(count * BESIDE[other] for other, count in self._done.items())
        return sum(self._spent_s.values()) / usual * BESIDE[kind]
