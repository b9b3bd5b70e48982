"""The system's counters: they only grow, and what it does not tell is None."""

import pytest

from optim import load


def test_what_is_counted_between_two_readings_is_never_negative():
    before = load.read_load()
    sum(range(200_000))
    spent = load.read_load().since(before)
    assert spent.wall_s > 0 and spent.own_s > 0 and spent.busy_s >= 0
    assert spent.switches is None or spent.switches >= 0
    assert spent.waited_s is None or spent.waited_s >= 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("some avg10=0.00 avg60=1.00 avg300=0.50 total=2500000\nfull avg10=0.00 total=7\n", 2.5), ("", None)],
)
def test_pressure_is_read_where_the_kernel_shows_it(text, seconds, tmp_path, monkeypatch):
    monkeypatch.setattr(load, "PRESSURE", tmp_path / "cpu")
    assert load.read_load().waited_s is None
    (tmp_path / "cpu").write_text(text)
    assert load.read_load().waited_s == seconds
