"""From a target of latency to widths: kept, on the measured steps, and balanced by the measured sensitivity."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim import baselines, estimate, search_starts, search_widths
from optim.records import Recipe
from tests import profile_factory

BASE = Recipe(dataset="fashion-mnist", model="resnet8", width=2.0)


@pytest.fixture(scope="module")
def profile():
    body = baselines.anatomy("fashion-mnist", "resnet8", 2.0, Path("nowhere"))
    return profile_factory.a_profile(body)


@pytest.mark.parametrize("target", [0.15, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("ref", ["resnet8:2", "resnet8:1"])
@pytest.mark.parametrize("how", ["by_sensitivity", "by_share"])
def test_widths_keep_their_target_and_never_grow(profile, target, ref, how, home):
    sizes = {one.ref: one for one in search_starts.starts(home, BASE, 1.0)}[ref].anatomy.sizes()
    wanted = (profile, sizes, target, "l2") if how == "by_sensitivity" else (profile, sizes, target)
    found = getattr(search_widths, how)(*wanted)
    if found is None:
        return
    assert all(1 <= width <= sizes[name] for name, width in found.widths.items())
    assert estimate.latency_ms(profile, found.widths, found.precision).value <= 1.0001 * target * 1.0 * (
        profile.dense_fp32_ms.value
    )


def test_more_time_never_loses_more(profile):
    found = [search_widths.by_sensitivity(profile, profile.sizes(), t / 20, "l2") for t in range(3, 20)]
    lost = [one.lost for one in found if one is not None]
    assert len(lost) > 10 and lost == sorted(lost, reverse=True)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=30))
def test_pooled_increments_fall_and_add_up(steps):
    pooled = search_widths._falling(np.array(steps))
    assert len(pooled) == len(steps) and (np.diff(pooled) <= 1e-9).all()
    assert pooled.sum() == pytest.approx(sum(steps))
    assert (np.cumsum(pooled) >= np.cumsum(steps) - 1e-6).all(), "never below the curve it replaces"


def test_starts_are_smaller_networks_of_the_same_groups_and_not_hopeless(home):
    found = search_starts.starts(home, BASE, 1.0)
    assert [one.ref for one in found] == ["resnet8:2", "resnet8:1"]
    assert [one.ref for one in search_starts.starts(home, BASE.with_(width=1.0), 1.0)] == ["resnet8:1"]
    assert search_starts.teachers(home, BASE) == ("dense", "resnet8:1")
    assert search_starts.starts(home, BASE.with_(width=3.0), 1.0) == (), "it has no baseline yet"


def test_a_network_of_another_model_is_no_start_however_its_groups_are_called(home):
    """Layers of an LSTM and of a GRU have the same names and sizes, and other times: only a student may be one."""
    for model, width in (("gru-forward", 2.0), ("lstm-2", 1.0), ("gru", 2.0), ("lstm", 2.0)):
        found = search_starts.starts(home, Recipe(dataset="names", model=model, width=width), 1.0)
        assert found and {one.ref.partition(":")[0] for one in found} == {model}


@pytest.mark.parametrize(("dataset", "model", "width", "teacher"), [
    ("fashion-mnist", "resnet8", 2.0, "dense"),
    ("names", "gru", 1.0, "lstm:2"),
    ("names", "lstm", 2.0, "dense"),
])  # fmt: skip
def test_a_clearly_better_baseline_is_the_first_to_teach(home, dataset, model, width, teacher):
    base = Recipe(dataset=dataset, model=model, width=width)
    assert search_starts.usual_teacher(home, base) == teacher


def test_students_are_trained_networks_of_other_models_with_less_arithmetic(home):
    found = search_starts.students(home, Recipe(dataset="names", model="lstm", width=2.0), 1.0)
    models = [one.ref.partition(":")[0] for one in found]
    assert len(found) == search_starts.STUDENTS and "lstm" not in models
    assert [one.points for one in found] == sorted(one.points for one in found)
    assert search_starts.students(home, BASE, 1.0) == (), "the small CNN is too far behind"
    assert [one.ref for one in search_starts.students(home, BASE, 2.0)] == ["cnn:1"]
    assert search_starts.students(home, BASE.with_(width=3.0), 1.0) == (), "it has no baseline yet"
