"""Numbers in words: a value never stands outside the interval that is printed beside it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim import catalog, findings, words
from optim.compare import speed_words
from optim.paired import Loss
from optim.results import Interval

ratios = st.lists(st.floats(0.02, 90), min_size=3, max_size=3).map(sorted)
narrow = st.tuples(st.floats(0.02, 90), st.floats(1, 1.02), st.floats(1, 1.02)).map(
    lambda drawn: [drawn[0], drawn[0] * drawn[1], drawn[0] * drawn[1] * drawn[2]]
)
NUMBERS = re.compile(r"[−-]?\d+(?:,\d{3})*(?:\.\d+)?")


def an_interval(low, value, high):
    return Interval(value=value, low=low, high=high)


def numbers(text):
    return [float(found.replace("−", "-").replace(",", "")) for found in NUMBERS.findall(text)]


@given(ratios | narrow)
def test_a_ratio_lies_inside_its_printed_interval(drawn):
    told = an_interval(*drawn)
    for text in (words.ratio(told, "as fast"), speed_words(told), findings.gain_words(told, findings.COSTS["latency"])):
        if "distinguishable" not in text and len(found := numbers(text)) == 3:
            value, low, high = found
            assert low <= value <= high, text
            assert not ("faster" in text and low <= 1), text


@given(ratios | narrow)
def test_one_decimal_of_a_ratio_lies_inside_too(drawn):
    low, value, high = drawn
    assert numbers(words.between(an_interval(*drawn)))[0] <= numbers(words.times(value))[0] or value >= 99.9
    assert numbers(words.times(value))[0] <= numbers(words.between(an_interval(low, value, high)))[1]


@given(st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=3).map(sorted), st.sampled_from([0.001, 0.5]))
def test_a_loss_lies_inside_its_printed_interval(drawn, p_value):
    low, value, high = drawn
    told = Loss(value, low, high, p_value, 4000, paired=True)
    found, at, upto = numbers(findings.loss_words(told, catalog.dataset("digits")))
    assert at <= found <= upto


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ((11.2, 11.53, 11.9), "11.5x faster (11.2 to 11.9)"),
        ((1.002, 1.004, 1.006), "1.004x faster (1.002 to 1.006)"),
        ((1.75, 1.8, 1.85), "1.80x faster (1.75 to 1.85)"),
        ((2.7, 2.73, 2.8), "2.7x faster (2.7 to 2.8)"),
        ((0.98, 1.0, 1.02), "not distinguishable (0.98 to 1.02)"),
        ((0.994, 0.996, 0.998), "1.004x slower (1.002 to 1.006)"),
    ],
)
def test_how_a_speed_is_said(told, said):
    assert speed_words(an_interval(*told)) == said
