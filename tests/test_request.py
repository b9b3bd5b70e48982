"""What files are called with when they are timed: real items, of the right type and length."""

import numpy as np
import pytest

from optim import request
from tests.small_kinds import LETTERS, TASTES, letters, tastes


@pytest.mark.parametrize(("row", "load"), [(LETTERS, letters), (TASTES, tastes)], ids=["letters", "tastes"])
@pytest.mark.parametrize("batch", [1, 3, 500])
def test_a_request_is_made_of_validation_items(row, load, batch):
    splits = load()
    asked = request.real(row, splits, batch, seed=1)
    assert asked.shape == (batch, *row.shape) and asked.dtype == splits.validation.inputs.dtype
    known = {item.tobytes() for item in splits.validation.inputs}
    assert all(item.tobytes() in known for item in asked)
    assert np.array_equal(asked, request.real(row, splits, batch, seed=1))


def test_a_text_has_the_usual_length():
    assert (request.real(LETTERS, letters(), 4) > 0).all()


def test_a_request_survives_its_way_to_another_process():
    asked = request.real(TASTES, tastes(), 2)
    assert np.array_equal(request.unpacked(request.packed(asked)), asked)
