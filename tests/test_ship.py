"""Shipping replaces the example runs only when there is something to put in their place."""

import pytest

from optim.errors import RequestError
from optim.ship import ship
from optim.store import Store


def test_an_empty_data_folder_replaces_nothing(home, tmp_path):
    kept = tmp_path / "examples" / "runs.json"
    kept.parent.mkdir()
    kept.write_text("[]")
    with pytest.raises(RequestError, match="no data folder"):
        ship(home, kept.parent)
    Store(home)
    with pytest.raises(RequestError, match="no done run"):
        ship(home, kept.parent)
    assert kept.read_text() == "[]"
