"""The bytes that Design foretells, against files that were made."""

from pathlib import Path

import pytest

from optim import baselines, drafts, examples, file_size, plan, recipes

MADE = (
    ("digits", "cnn", 1, 0, 98224, 33847, 97801),
    ("digits", "cnn", 1, 0.5, 27308, 15210, 27845),
    ("digits", "cnn", 1, 0.75, 9127, 10210, 10144),
    ("fashion-mnist", "cnn", 1, 0, 98248, 33871, 97825),
    ("fashion-mnist", "cnn", 1, 0.5, 27332, 15235, 27869),
    ("fashion-mnist", "cnn", 1, 0.75, 9151, 10235, 10168),
    ("fashion-mnist", "resnet8", 1, 0, 313892, 100034, 313912),
    ("fashion-mnist", "resnet8", 1, 0.5, 82778, 39542, 83756),
    ("fashion-mnist", "resnet8", 1, 0.75, 24432, 23585, 25884),
    ("fashion-mnist", "resnet8", 2, 0, 1233848, 335455, 1231957),
    ("movielens-small", "matrix-factorization", 1, 0, 2530295, 909133, 661964),
    ("movielens-small", "matrix-factorization", 1, 0.5, 1283956, 533133, 350379),
    ("movielens-small", "matrix-factorization", 1, 0.75, 660788, 345132, 194586),
    ("movielens-small", "neumf", 1, 0, 2531800, 1347837, 1099302),
    ("movielens-small", "neumf", 1, 0.5, 1285015, 754044, 569684),
    ("movielens-small", "neumf", 1, 0.75, 661715, 457170, 304970),
    ("movielens-small", "two-tower", 1, 0, 4730594, 3077408, 1216432),
    ("movielens-small", "two-tower", 1, 0.5, 2372440, 1616253, 626704),
    ("movielens-small", "two-tower", 1, 0.75, 1202579, 887963, 334140),
    ("names", "gru", 1, 0, 634909, 622519, 609194),
    ("names", "gru", 1, 0.5, 171159, 166064, 159173),
    ("names", "gru", 1, 0.75, 49874, 48427, 44751),
    ("names", "lstm", 1, 0, 833564, 821175, 218303),
    ("names", "lstm", 1, 0.5, 221334, 216241, 62171),
    ("names", "lstm", 1, 0.75, 62677, 61231, 20965),
    ("names", "lstm", 2, 0, 3237667, 3210689, 825477),
    ("names", "textcnn", 1, 0, 443739, 136470, 410857),
    ("names", "textcnn", 1, 0.5, 124883, 47227, 109373),
    ("names", "textcnn", 1, 0.75, 39182, 21047, 32359),
    ("names", "textcnn", 2, 0, 1671262, 462363, 1603634),
    ("names", "transformer", 1, 0, 319697, 142595, 117548),
    ("names", "transformer", 1, 0.5, 97973, 67903, 51544),
    ("names", "transformer", 1, 0.75, 36269, 42925, 37461),
    ("names", "transformer", 2, 0, 1156326, 390292, 347888),
)
"""Data, model, width, share pruned, and the bytes of the file in FP32, quantized statically, and dynamically."""
SPARSE = {"importance": "l2", "allocation": "uniform", "round_to": 1}


@pytest.mark.parametrize("made", MADE, ids=lambda made: "-".join(map(str, made[:4])))
def test_the_bytes_of_a_file_are_foretold_within_5_percent(made, tmp_path):
    data, model, width, share, *found = made
    left = baselines.anatomy(data, model, width, tmp_path)
    assert left is not None
    if share:
        left = plan.pruned(left, plan.prune_plan(left, {**SPARSE, "sparsity": share}))
    for measured, step in zip(found, ("", "quantize-int8", "quantize-dynamic"), strict=True):
        told = file_size.size_bytes(left, [recipes.parse_step(step)] if step else [])
        assert told == pytest.approx(measured, rel=0.05), step or "FP32"


def test_design_foretells_the_sizes_of_the_shipped_runs(tmp_path: Path):
    for run in examples.runs():
        shown = drafts.preview(run.recipe, tmp_path)
        if run.result and shown.counted and shown.foreseen and shown.groups:
            assert shown.size_bytes == pytest.approx(run.result.file.size_bytes, rel=0.05), run.id
