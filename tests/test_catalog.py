"""One row is one thing the app can do: each row agrees with the function it names, and guards its own range."""

from __future__ import annotations

import importlib
import inspect
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim import catalog
from optim.baselines import SHIPPED
from optim.catalog_kinds import KINDS
from optim.context import read_splits
from optim.errors import KnobError, ParetoscopeError, RequestError, UnknownName

TECHNIQUES = list(catalog.TECHNIQUES.values())
KNOBS = {f"{row.name}.{knob.name}": knob for row in TECHNIQUES for knob in row.knobs}
NUMBERS = {name: knob for name, knob in KNOBS.items() if knob.kind in ("int", "float")}
IMAGES = [row for row in catalog.DATASETS.values() if row.kind == "image"]
ROWS = [*TECHNIQUES, *catalog.MODELS.values(), *catalog.DATASETS.values()]


def function(row):
    """The row's function."""
    return catalog.load(row.function)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_named_function_exists_and_explains_itself(row):
    assert callable(function(row))
    module = importlib.import_module(row.function.partition(":")[0])
    assert function(row).__doc__ or module.__doc__
    assert row.label
    assert row.help.endswith(".")


@pytest.mark.parametrize("row", TECHNIQUES, ids=lambda row: row.name)
def test_keyword_only_knobs_equal_the_row(row):
    parameters = inspect.signature(function(row)).parameters.values()
    knobs = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
    given = {name: default for name, default in knobs.items() if default is not inspect.Parameter.empty}
    assert list(knobs) == [knob.name for knob in row.knobs]
    assert given == {knob.name: knob.default for knob in row.knobs if knob.name in given}
    assert len(list(parameters)) - len(knobs) == 2, "model (or file) and context come first"


@pytest.mark.parametrize("row", TECHNIQUES, ids=lambda row: row.name)
def test_the_docstring_names_the_paper(row):
    told = (function(row).__doc__ or "") + (inspect.getmodule(function(row)).__doc__ or "")
    papers = re.findall(r"arXiv:\d+\.\d+", row.paper)
    assert papers
    assert all(paper in told for paper in papers)


@pytest.mark.parametrize("knob", KNOBS.values(), ids=KNOBS)
def test_the_default_and_both_ends_are_allowed(knob):
    assert knob.check(knob.default) == knob.default
    assert knob.check(str(knob.default)) == knob.default
    for end in (knob.low, knob.high):
        assert not math.isfinite(end) or knob.check(end) == end
    for choice in knob.choices:
        assert knob.check(choice) == (f"{choice}:1" if knob.kind == "teacher" else choice)


@pytest.mark.parametrize("row", catalog.MODELS.values(), ids=catalog.MODELS)
def test_the_usual_quantizer_of_a_model_can_be_used_on_it(row):
    technique = catalog.quantizer(row.name)
    assert technique.precision == "int8" and all(technique.applies(kind, row.name) for kind in row.dataset_kinds)


@pytest.mark.parametrize("data", catalog.DATASETS.values(), ids=catalog.DATASETS)
def test_design_begins_with_a_model_whose_baseline_is_shipped(data):
    assert catalog.check_takes(data.traits.begins, data)
    assert (SHIPPED / data.name / f"{data.traits.begins}-1" / "card.json").is_file()


@pytest.mark.parametrize("data", catalog.DATASETS.values(), ids=catalog.DATASETS)
def test_where_knobs_begin_with_some_data_is_allowed_and_as_long_as_the_first_look_of_a_search(data):
    for name, value in data.begins.items():
        rows = [row.knob(name) for row in TECHNIQUES if name in {knob.name for knob in row.knobs}]
        assert rows and all(type(knob.check(value)) is type(value) for knob in rows)
    assert data.begins.get("epochs", catalog.technique("distill").knob("epochs").default) == data.rungs[0]


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, "nan", "inf", "", "forged", None, [1], {}, 1e308, 2.5j]
)
@pytest.mark.parametrize("knob", KNOBS.values(), ids=KNOBS)
def test_forged_values_are_refused_in_words(knob, value):
    if value == knob.default:
        return
    with pytest.raises(RequestError) as refusal:
        knob.check(value)
    assert refusal.value.allowed


@pytest.mark.parametrize("knob", NUMBERS.values(), ids=NUMBERS)
def test_just_outside_is_refused(knob):
    for outside in (np.nextafter(knob.low, -np.inf), np.nextafter(knob.high, np.inf)):
        with pytest.raises(KnobError, match=re.escape(f"from {knob.low:g} to {knob.high:g}")):
            knob.check(float(outside))
    with pytest.raises(KnobError):
        knob.check(True)


@pytest.mark.parametrize("knob", KNOBS.values(), ids=KNOBS)
def test_a_checked_value_has_its_own_type(knob):
    kind = {"flag": bool, "int": int, "float": float, "choice": str, "teacher": str, "widths": str}[knob.kind]
    assert type(knob.check(str(knob.default))) is kind


@given(st.floats(allow_nan=True) | st.text(max_size=10) | st.integers())
def test_a_width_is_whole_first_stage_channels_or_a_refusal(value):
    try:
        width = catalog.check_width(value)
    except KnobError:
        return
    assert catalog.WIDTH_LOW <= width <= catalog.WIDTH_HIGH
    assert (width * catalog.STEM_CHANNELS).is_integer()
    assert catalog.check_width(width) == width


@given(st.text(max_size=20))
def test_a_model_reference_is_canonical_or_refused(text):
    try:
        canonical = catalog.check_model_ref(text)
    except ParetoscopeError:
        return
    assert catalog.check_model_ref(canonical) == canonical


@pytest.mark.parametrize("lookup", [catalog.dataset, catalog.model, catalog.technique])
@pytest.mark.parametrize("name", ["nothing", "", None, 3, ["cnn"]])
def test_an_unknown_name_lists_the_known_ones(lookup, name):
    with pytest.raises(UnknownName, match="Allowed: "):
        lookup(name)
    assert lookup


@pytest.mark.parametrize("row", IMAGES, ids=lambda row: row.name)
def test_splits_are_as_the_row_says_fixed_and_disjoint(row):
    splits = read_splits(row.name)
    parts = {name: getattr(splits, name) for name in ("train", "validation", "test")}
    assert {name: len(part.labels) for name, part in parts.items()} == row.sizes
    seen = {name: {image.tobytes() for image in part.inputs} for name, part in parts.items()}
    assert not seen["train"] & seen["test"]
    assert not seen["validation"] & (seen["train"] | seen["test"])
    assert len(seen["train"]) == row.sizes["train"]
    for part in parts.values():
        assert part.inputs.dtype == np.float32
        assert part.inputs.shape[1:] == row.shape
        assert part.inputs.min() >= 0
        assert part.inputs.max() <= 1
        assert set(np.unique(part.labels)) == set(range(len(row.classes)))
    assert splits.digest == function(row)().digest
    assert row.licence
    assert row.source


def test_each_kind_of_data_has_a_row_that_can_be_shown_or_asked_about():
    assert {row.kind for row in catalog.DATASETS.values()} == set(KINDS)
    for name, row in KINDS.items():
        assert row.name == name and (row.shown or row.asked)
        assert "{" not in row.told.format(cut=10) + row.note.format(one="user")
    assert {row.traits.asked for row in catalog.DATASETS.values() if row.ranks} == {"numbered"}
