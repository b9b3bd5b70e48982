"""Numbers and findings in plain words: a unit, at most three digits, no false precision."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .catalog_data import Dataset
    from .records import Project
    from .results import Interval, Share

MINUS = "\N{MINUS SIGN}"
_TWO, _HUNDRED, _MOST_DECIMALS = 2.0, 99.95, 6
_SHORT_S, _MINUTE_S, _HOUR_S, _DAY_S = 1.0, 60.0, 3600.0, 86400.0


def three(number: float, most_decimals: int = 3) -> str:
    """At most three digits that count, at most `most_decimals` after the point.

    >>> [three(x) for x in (0.07123, 0.317, 4.417, 97.04, 1234, 0, -0.31)]
    ['0.071', '0.317', '4.42', '97', '1,234', '0', '−0.31']
    """
    if not math.isfinite(number):
        return "not a number"
    size = abs(number)
    decimals = 0 if size == 0 or size >= 100 else min(most_decimals, 2 - math.floor(math.log10(size)))
    text = f"{size:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return MINUS + text if number < 0 and text != "0" else text


def percent(fraction: float, decimals: int = 1) -> str:
    """A share of one in percent.

    >>> percent(0.90712)
    '90.7 %'
    """
    return f"{100 * fraction:.{decimals}f} %"


def sure(confidence: float) -> str:
    """A confidence in percent with all its digits, `99.9 %`."""
    return f"{100 * confidence:g} %"


def points(fraction: float, decimals: int = 1) -> str:
    """A difference of two shares, in percentage points.

    >>> points(0.0031), points(-0.01)
    ('0.3 points', '−1.0 points')
    """
    text = f"{100 * abs(fraction):.{decimals}f}"
    sign = MINUS if fraction < 0 and float(text) else ""
    return f"{sign}{text} point{'' if text == '1' else 's'}"


def score(share: Share, row: Dataset) -> str:
    """A score with its interval and on how many items of its data set.

    >>> from .catalog_data import DATASETS
    >>> from .stats import wilson
    >>> score(wilson(3628, 4000), DATASETS["digits"])
    '90.7 % (89.8 to 91.6, on 4,000 images)'
    """
    return f"{percent(share.value)} ({100 * share.low:.1f} to {100 * share.high:.1f}, on {row.count(share.n)})"


def times(ratio: float) -> str:
    """How many times, to the place that `between` rounds to. A ratio that has an interval is said by `ratio`.

    >>> times(2.7314), times(12.4), times(142)
    ('2.7x', '12.4x', '142x')
    """
    return f"{ratio:.1f}x" if ratio < _HUNDRED else f"{ratio:.0f}x"


def ratio(told: Interval, said: str = "") -> str:
    """A measured ratio with its interval; a width of 0 says that it was counted, and has none.

    >>> from .results import Interval
    >>> ratio(Interval(value=11.53, low=11.2, high=11.9), "faster")
    '11.5x faster (11.2 to 11.9)'
    >>> ratio(Interval(value=1.004, low=1.002, high=1.006), "faster")
    '1.004x faster (1.002 to 1.006)'
    """
    span = f" ({between(told, ratio_decimals(told))})" if told.low < told.high else ""
    return f"{ratio_alone(told)} {said}".rstrip() + span


def is_even(told: Interval) -> bool:
    """Whether the interval of this ratio holds 1, as nearly as can be printed."""
    hair = 10.0**-_MOST_DECIMALS
    return told.low <= 1 + hair and told.high >= 1 - hair


def ratio_alone(told: Interval) -> str:
    """The same without its interval, rounded as with it: so the value never stands outside."""
    return f"{told.value:.{ratio_decimals(told)}f}x"


def ratio_decimals(told: Interval) -> int:
    """For value and ends alike, as rounding to one place keeps their order; enough to show that they leave out 1."""
    decimals = 2 if told.value < _TWO and told.low < told.high else 1 if told.value < _HUNDRED else 0
    near = told.low if told.low > 1 else told.high if told.high < 1 else 0.0
    while near and round(near, decimals) == 1 and decimals < _MOST_DECIMALS:
        decimals += 1
    return decimals


def between(interval: Interval, decimals: int = 1) -> str:
    """Low to high.

    >>> from .results import Interval
    >>> between(Interval(value=4.4, low=4.2, high=4.6)), between(Interval(value=0.5, low=-0.04, high=1.2))
    ('4.2 to 4.6', '0.0 to 1.2')
    """
    low, high = (f"{x:z.{decimals}f}".replace("-", MINUS) for x in (interval.low, interval.high))
    return f"{low} to {high}"


def size(size_bytes: float) -> str:
    """Bytes as people say them.

    >>> size(97_304), size(1_234_567), size(512)
    ('97.3 kB', '1.23 MB', '512 bytes')
    """
    return f"{count(size_bytes)}B" if size_bytes >= 1000 else f"{size_bytes:.0f} bytes"


def count(number: float) -> str:
    """Large counts with k, M or G.

    >>> count(77_900), count(12_300_000), count(640)
    ('77.9 k', '12.3 M', '640')
    """
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{three(number / limit)} {letter}"
    return f"{number:.0f}"


def change(new: float, old: float) -> str:
    """How far `new` lies from `old`, with the ASCII hyphen that Streamlit's metric reads as a fall.

    >>> change(23, 100), change(110, 100), change(100, 100), change(0.3, 100), change(0, 100)
    ('-77 %', '+10 %', '0 %', '-99.7 %', '-100 %')
    """
    share = 100 * (new - old) / old if old else 0.0
    decimals = next((d for d in range(_MOST_DECIMALS) if share <= -100 or round(share, d) > -100), _MOST_DECIMALS)
    return f"{share:+.{decimals}f} %" if round(share) else "0 %"


def points_change(new: float, old: float) -> str:
    """The same for two shares, in percentage points.

    >>> points_change(0.907, 0.911), points_change(0.911, 0.911)
    ('-0.4 points', '0 points')
    """
    gap = 100 * (new - old)
    return f"{gap:+.1f} points" if round(gap, 1) else "0 points"


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(0.42), duration(42), duration(192), duration(7260)
    ('0.4 s', '42 s', '3 min 12 s', '2 h 1 min')
    """
    if seconds < _SHORT_S:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 >= _MINUTE_S else "")


def ago(then: float, now: float | None = None) -> str:
    """How long since `then`.

    >>> ago(1000, now=1030), ago(1000, now=1000 + 7300)
    ('just now', '2 h ago')
    """
    seconds = max((time.time() if now is None else now) - then, 0)
    if seconds < _MINUTE_S:
        return "just now"
    if seconds < _HOUR_S:
        return f"{seconds // _MINUTE_S:.0f} min ago"
    return f"{seconds // _HOUR_S:.0f} h ago" if seconds < _DAY_S else f"{seconds // _DAY_S:.0f} days ago"


def plural(number: int, noun: str) -> str:
    """A number with its noun.

    >>> plural(1, "run"), plural(3, "run"), plural(0, "run")
    ('1 run', '3 runs', 'no runs')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s" if number else f"no {noun}s"


def times_said(number: int) -> str:
    """How often.

    >>> times_said(0), times_said(1), times_said(2), times_said(12)
    ('never', 'once', 'twice', '12 times')
    """
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number:,} times")


def target(project: Project) -> str:
    """Where the files of a project are timed.

    >>> from .records import Project
    >>> target(Project(dataset="digits", reference="cnn:1"))
    'ONNX Runtime on CPU, 1 thread, batch 1'
    """
    return f"ONNX Runtime on {project.device.upper()}, {plural(project.threads, 'thread')}, batch {project.batch}"
