"""The estimate of a file's size beside files that are made."""

import pytest

from optim import baselines, file_size, plan, recipes
from optim.baseline_training import obtain
from optim.export import export
from optim.records import Recipe, Step
from optim.techniques.prune_channels import prune_channels
from optim.techniques.quantize_int8 import quantize_int8
from tests.heavy import a_context


@pytest.mark.parametrize("model", ["cnn", "resnet8"])
@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.75])
def test_the_estimate_is_within_three_percent_of_the_file(home, tmp_path, templates, model, sparsity):
    ctx, recipe, path = a_context(home), Recipe(dataset="digits", model=model), tmp_path / "model.onnx"
    network, body = obtain(model, 1.0, ctx), baselines.anatomy("digits", model, 1.0, home)
    if sparsity:
        network = prune_channels(network, ctx, sparsity=sparsity)
        pruned = recipes.complete_step(Step(technique="prune-channels", knobs={"sparsity": sparsity}))
        body = plan.after(body, (pruned,), 0, None)
    export(network, ctx.row, recipe, path, templates)
    assert file_size.fp32(body) == pytest.approx(path.stat().st_size, rel=0.03)
    assert file_size.int8(body, "image") == pytest.approx(quantize_int8(path, ctx).stat().st_size, rel=0.03)


def test_of_texts_in_eight_bits_only_the_run_can_tell(home):
    body = baselines.anatomy("names", "lstm", 1.0, home)
    assert body is not None and file_size.int8(body, "text") is None and file_size.fp32(body) > 800_000
