"""Splits are fixed, disjoint, free of duplicates, and as large as the menu says."""

import numpy as np
import pytest

from optim import catalog
from optim.context import read_splits
from optim.data.splits import first_of_each, stratified

DIGESTS = {
    "digits": "30b3526d008cd153b48b4febc6a291034dee8cba50a208b19f0b4d2d9ac07b93",
    "names": "986d1259b49d116477cb82facf9dc548117ef36716bce64917f86eaf806b986a",
    "movielens-small": "b112492ca7b3f70015d5dd61a07e784a61cec7f9dc6b8aa2b2b4c8e24a5f3705",
    "fashion-mnist": "4d7e97848994f23c04723cf5fafce3fd0ef050cb48ec5543b8ea26e5f8cdb3f0",
}
IMAGES = [row.name for row in catalog.DATASETS.values() if row.kind == "image"]


@pytest.mark.parametrize("name", IMAGES)
def test_a_data_set_is_what_its_row_says(name):
    row, splits = catalog.dataset(name), read_splits(name)
    for split, size in row.sizes.items():
        part = getattr(splits, split)
        assert part.inputs.shape == (size, *row.shape)
        assert part.inputs.dtype == np.float32 and part.labels.dtype == np.int64
        assert part.inputs.min() >= 0 and part.inputs.max() <= 1
        assert set(part.labels) == set(range(len(row.classes)))


@pytest.mark.parametrize("name", IMAGES)
def test_no_image_occurs_twice(name):
    splits = read_splits(name)
    parts = [splits.train, splits.validation, splits.test]
    seen = [image.tobytes() for part in parts[:2] for image in part.inputs]
    assert len(set(seen)) == len(seen)
    assert not set(seen) & {image.tobytes() for image in splits.test.inputs}


@pytest.mark.parametrize("name", catalog.DATASETS)
def test_splits_never_change(name):
    assert read_splits(name).digest == DIGESTS[name]


@pytest.mark.parametrize("name", IMAGES)
def test_classes_are_in_proportion(name):
    splits = read_splits(name)
    shares = [np.bincount(part.labels) / len(part.labels) for part in splits[:3]]
    assert np.abs(shares[0] - shares[1]).max() < 0.01 and np.abs(shares[0] - shares[2]).max() < 0.01


def test_stratified_splits_exactly():
    labels = np.repeat([0, 1, 2], [10, 7, 4])
    rest, chosen = stratified(labels, 7, seed=3)
    assert len(chosen) == 7 and sorted([*rest, *chosen]) == list(range(21))
    assert np.bincount(labels[chosen]).tolist() == [3, 2, 2] or np.bincount(labels[chosen]).tolist() == [4, 2, 1]


def test_duplicates_are_left_out():
    images = np.array([[1], [1], [2], [3]])
    assert first_of_each(images, taken=np.array([[3]])).tolist() == [0, 2]
