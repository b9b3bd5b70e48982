"""What INT8 lost, with real files: a network that answers as before in floats, and badly in 8 bits."""

import numpy as np
import pytest
import torch

from optim import after_int8, cures, pipeline
from optim.baseline_training import obtain
from optim.cures import LEAVE_INT8
from optim.errors import GateFailed
from optim.models.network import ConvUnit
from tests import factories
from tests.heavy import a_context, a_task, warmed
from tests.small_kinds import LETTERS, TASTES
from tests.small_kinds import a_context as a_small_context


def job_of(home, monkeypatch, factor, *steps):
    """One channel comes out `factor` times as large and counts as much less in the next layer: floats do not mind,
    but the one scale of all channels does."""

    def spoiled(model, width, ctx):
        network = obtain(model, width, ctx)
        first, second = [part for part in network.modules() if isinstance(part, ConvUnit)][:2]
        with torch.no_grad():
            first.norm.get_parameter("weight")[0] *= factor
            first.norm.get_parameter("bias")[0] *= factor
            second.conv.get_parameter("weight")[:, 0] /= factor
        return network

    monkeypatch.setattr(pipeline, "obtain", spoiled)
    events = []
    job = pipeline._Job(a_task(home, steps=steps), events.append, lambda: False)
    (home / "made").mkdir()
    return job, events


@pytest.fixture(autouse=True)
def warm(home, templates):
    warmed(home, templates)


def test_a_sound_file_is_left_alone(home, monkeypatch):
    job, events = job_of(home, monkeypatch, 1, "quantize-int8")
    job.made(home / "made")
    assert job.ctx.warnings == job.ctx.cures == [] and not any(event.trouble for event in events)


def test_what_int8_lost_is_named_with_its_cure(home, monkeypatch):
    monkeypatch.setattr(after_int8.gate, "AGREEMENT", 0.3)
    job, events = job_of(home, monkeypatch, 300, "quantize-int8")
    job.made(home / "made")
    (told,) = job.ctx.warnings
    assert told.startswith("Quantizing to INT8 lost ") and " points (" in told and "% before" in told
    assert job.ctx.cures == [LEAVE_INT8]
    assert [event.stage for event in events if event.trouble] == ["Score"]


def test_a_collapse_that_the_gate_stops_is_named_with_its_cure(home, monkeypatch):
    job, _ = job_of(home, monkeypatch, 1000, "quantize-int8")
    with pytest.raises(GateFailed, match=r"INT8 lost .* which is chance") as failed:
        job.made(home / "made")
    assert failed.value.cure == LEAVE_INT8


def test_without_int8_nothing_is_compared(home, monkeypatch):
    monkeypatch.setattr(after_int8, "answers", None)
    job, _ = job_of(home, monkeypatch, 1)
    job.made(home / "made")


def test_a_loss_inside_the_noise_or_of_a_point_is_no_trouble(home):
    ctx, n = a_context(home), 300
    before = np.arange(n) % 50 > 0
    assert after_int8.trouble(before, before, ctx) is None
    less = before.copy()
    less[1:5] = False
    assert after_int8.trouble(before, less, ctx) is None, "1.3 points"
    less[1:40] = False
    assert "lost 13.0 points (" in after_int8.trouble(before, less, ctx).sentence
    assert after_int8.trouble(less, before, ctx) is None, "a gain"


@pytest.mark.parametrize("row", [LETTERS, TASTES], ids=lambda row: row.name)
def test_texts_and_rankings_have_their_own_metric(home, row):
    ctx = a_small_context(home, row)
    n = len(ctx.splits.validation.labels)
    right = np.arange(n) % 5 > 0
    fewer = right & (np.arange(n) % 2 > 0)
    before, after = (worth.astype(np.float32) if row.ranks else worth for worth in (right, fewer))
    told = after_int8.trouble(before, after, ctx)
    assert told.cure == LEAVE_INT8
    assert ("NDCG at 10" in told.sentence) == row.ranks and f"validation {row.items[1]}" in told.sentence


def test_the_cure_leaves_out_int8_and_calibration_is_offered_where_there_is_one():
    static = factories.done(1, "quantize-int8", accuracy=0.1, p50_ms=0.1, kb=30)
    first, second = cures.cures(static.with_(result=static.result.with_(cures=(LEAVE_INT8,))))
    assert first.label == "Leave out INT8" and first.recipe.steps == ()
    assert second.label == "Calibrate with 1,024 items"
    assert second.recipe.steps[0].knobs["calibration_items"] == 1024
    assert cures.without_int8(first.recipe) is None and cures.calibrated(first.recipe) is None
