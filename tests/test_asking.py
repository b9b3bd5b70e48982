"""A typed name: the file and its reference answer, on the command line and in the script that comes with the file."""

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from optim import package
from optim.asking import ask
from optim.cache import sha256
from optim.cli import main
from optim.errors import RequestError
from optim.export import export
from optim.records import Project, Recipe
from optim.runtime import logits, open_session
from optim.texts import encode
from tests import factories
from tests.text_parts import a_text_context, a_text_network

NAME = "Oddn\u00fd"


@pytest.fixture
def two(home, templates):
    """Two done runs on names, each with a file of its own; the first is the reference."""
    project = Project(dataset="names", reference="lstm:0.25")
    steps = ((), ("prune-channels:sparsity=0.5",))
    recipes = [factories.a_recipe(*step, dataset="names", model="lstm", width=0.25) for step in steps]
    made = [
        factories.done(number, accuracy=0.7, p50_ms=0.03, kb=80, project=project).with_(recipe=recipe)
        for number, recipe in enumerate(recipes, start=1)
    ]
    ctx, paths = a_text_context(home), []
    for number in (1, 2):
        path = home / "runs" / str(number) / "model.onnx"
        path.parent.mkdir(parents=True)
        ctx.seed = number
        export(a_text_network(ctx, "lstm"), ctx.row, Recipe(dataset="names", model="lstm"), path, templates)
        paths.append(path)
    runs = [
        run.with_(result=run.result.with_(file=run.result.file.with_(sha256=sha256(path), name="model.onnx")))
        for run, path in zip(made, paths, strict=True)
    ]
    contents = [path.read_bytes() for path in paths]
    factories.stored(home, runs, project)
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)  # the store's own double wrote a smaller one
    return paths


def test_both_files_answer(two, home):
    found = ask(home, 2, f"  {NAME}\u674e ")
    assert found.text == "oddn\u00fd\u674e" and found.unknown == "\u674e"
    assert found.reference is not None and (found.file.run, found.reference.run) == (2, 1)
    for answer in (found.file, found.reference):
        assert len(answer.classes) == 3
        assert sorted(answer.probabilities, reverse=True) == list(answer.probabilities)
        assert 0 < sum(answer.probabilities) <= 1.0001
    assert ask(home, 1, NAME).reference is None


def test_the_command_prints_both(two, home):
    told = CliRunner().invoke(main, ["ask", "2", NAME, "--home", str(home)])
    assert told.exit_code == 0 and "this file  run 2" in told.output and "reference  run 1" in told.output
    told = CliRunner().invoke(main, ["ask", "2", NAME, "--home", str(home), "--json"])
    assert json.loads(told.output)["file"]["run"] == 2


def test_nothing_and_other_runs_are_refused(two, home):
    with pytest.raises(RequestError, match="no text"):
        ask(home, 1, "   ")


def test_the_script_that_comes_with_the_file_takes_a_name(two, home, tmp_path):
    (tmp_path / "model.onnx").write_bytes(two[0].read_bytes())
    project = Project(dataset="names", reference="lstm:0.25")
    run = factories.done(1, accuracy=0.7, p50_ms=0.03, kb=80, project=project)
    run = run.with_(recipe=factories.a_recipe(dataset="names", model="lstm", width=0.25))
    script = package.infer(run)
    assert len(script.splitlines()) <= 15
    (tmp_path / "infer.py").write_text(script, "utf-8")
    told = subprocess.run([sys.executable, tmp_path / "infer.py", NAME], capture_output=True, text=True, check=True)
    row = a_text_context(home).row
    tokens = encode(row, [NAME])[:, : len(NAME)]
    expected = row.classes[int(logits(open_session(two[0]), tokens).argmax())]
    assert told.stdout.split() == [NAME, expected]
    assert np.isfinite(tokens).all()
