"""The bar of a profile: time left by what the steps took, whatever they take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from optim.cli_wait import Line
from optim.profile_pace import BESIDE, WHOLE, Pace
from optim.records import Event

COUNTS = {"file": 36, "score": 20, "recovery": 5}
TAKES = st.fixed_dictionaries({kind: st.floats(0.01, 30.0) for kind in BESIDE})


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def walked(takes, each=lambda pace, now: None):
    clock = Clock()
    pace = Pace(clock)
    pace.expect(COUNTS)
    for kind, count in COUNTS.items():
        for _ in range(count):
            clock.now += takes[kind]
            pace.did(kind)
            each(pace, clock.now)
    return pace, clock.now


@given(TAKES)
def test_the_bar_never_falls_and_ends_full_with_nothing_left(takes):
    shown = []
    pace, _ = walked(takes, lambda pace, now: shown.append(pace.told()[0]))
    assert shown == sorted(shown) and pace.told() == (WHOLE, WHOLE) and abs(pace.left_s) < 1e-6


@given(TAKES)
def test_once_each_kind_was_met_the_time_left_is_right(takes):
    whole = sum(count * takes[kind] for kind, count in COUNTS.items())
    last = []
    walked(takes, lambda pace, now: last.append(abs(now + pace.left_s - whole)))
    assert max(last[-COUNTS["recovery"] :]) < 1e-6 * whole


def test_before_the_first_step_nothing_is_said_of_the_time():
    pace = Pace(Clock())
    pace.expect(COUNTS)
    assert pace.left_s is None and pace.told() == (0, WHOLE)


def test_the_command_line_says_it_in_words(monkeypatch):
    said = []
    monkeypatch.setattr(Line, "show", lambda self, line, about: said.append(line))
    Line().event(Event(time=0, stage="Time", done=250, total=1000, metrics={"left_s": 32.4}, message="24 files"))
    assert said == ["Time  25 % 24 files, about 32 s left"]
