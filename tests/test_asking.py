"""A typed name and a chosen user: files answer beside their reference, on the command line, on pages, in the zip."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from optim import asked, catalog, package
from optim.asked import asked_apart
from optim.asking import ask
from optim.cache import sha256
from optim.cli import main
from optim.errors import RequestError, RunError
from optim.export import export
from optim.records import Project, Recipe
from optim.runtime import logits, open_session
from optim.texts import encode
from tests import factories, recommending
from tests.text_parts import a_text_context, a_text_network

APP = Path(__file__).parents[1] / "app.py"
NAME = "Oddn\u00fd"
HALF = "prune-channels:sparsity=0.5"


def stored(home, templates, ctx, project, networks):
    """Done runs with a real file each, of these networks; the first is the reference."""
    model, width = project.reference.split(":")
    runs, paths = [], []
    for number, network in enumerate(networks, start=1):
        paths.append(home / "runs" / str(number) / "model.onnx")
        paths[-1].parent.mkdir(parents=True)
        export(network, ctx.row, Recipe(dataset=ctx.row.name, model=model), paths[-1], templates)
        steps = () if number == 1 else (f"{HALF},round_to={number - 1}",)
        recipe = factories.a_recipe(*steps, dataset=ctx.row.name, model=model, width=float(width))
        run = factories.done(number, accuracy=0.7, p50_ms=0.03, kb=80, project=project).with_(recipe=recipe)
        file = run.result.file.with_(sha256=sha256(paths[-1]), name="model.onnx")
        runs.append(run.with_(result=run.result.with_(file=file)))
    contents = [path.read_bytes() for path in paths]
    factories.stored(home, runs, project)
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)  # the store's own double wrote a smaller one
    return paths


@pytest.fixture
def two(home, templates):
    """The reference and two runs on names."""
    ctx, networks = a_text_context(home), []
    for seed in range(3):
        ctx.seed = seed
        networks.append(a_text_network(ctx, "lstm"))
    return stored(home, templates, ctx, Project(dataset="names", reference="lstm:0.25"), networks)


@pytest.fixture
def films(home, templates):
    """The reference and a run that recommends films, with other weights."""
    ctx = recommending.a_context(home)
    networks = [recommending.a_recommender(ctx, "matrix-factorization") for _ in range(2)]
    networks[1].load_state_dict({name: -tensor for name, tensor in networks[1].state_dict().items()})
    project = Project(dataset=ctx.row.name, reference="matrix-factorization:0.25")
    stored(home, templates, ctx, project, networks)
    return ctx


def test_all_files_answer(two, home):
    found = ask(home, (2, 3), f"  {NAME}\u674e ")
    assert found.item == "oddn\u00fd\u674e" and found.unknown == "\u674e"
    assert found.reference is not None and (found.file.run, found.reference.run) == (2, 1)
    assert [answer.run for answer in found.others] == [3]
    for answer in (found.file, found.reference, *found.others):
        assert len(answer.first) == 3
        assert sorted(answer.probabilities, reverse=True) == list(answer.probabilities)
        assert 0 < sum(answer.probabilities) <= 1.0001
    assert ask(home, 1, NAME).reference is None
    assert found.cut == 0 and "Read up to" not in asked.known(found)
    long = ask(home, 2, "abcdefghij" * 3)
    assert (len(long.item), long.cut) == (24, 6) and "not look at" not in asked.known(found)
    assert "Read up to here: abcdefghijabcdefghijabcd. No file looks at the 6 characters after it." in asked.known(long)


def test_a_user_is_recommended_what_was_not_chosen_yet(films, home):
    found = ask(home, 2, "17")
    splits, titles = films.splits, catalog.answers(films.row)
    before = {titles[place] for place in np.flatnonzero(splits.seen["validation"][17])}
    assert found.reference is not None and found.reference.first != found.file.first
    for answer in (found.file, found.reference):
        assert len(set(answer.first)) == 10 and not before & set(answer.first)
    assert found.chosen[0] == titles[splits.validation.inputs[17, -1] - 1] and set(found.chosen) <= before
    assert set(found.later) == {titles[place] for place in np.flatnonzero(splits.validation.labels[17])}
    for item in ("671", "-1", "x", "", "9" * 30):
        with pytest.raises(RequestError, match=r"no user .* 0 to 670"):
            ask(home, 2, item)


def test_the_command_prints_both(two, home):
    told = CliRunner().invoke(main, ["ask", "2", NAME, "--home", str(home)])
    assert told.exit_code == 0 and "this file  run 2" in told.output and "reference  run 1" in told.output
    told = CliRunner().invoke(main, ["ask", "2", NAME, "--home", str(home), "--json"])
    assert json.loads(told.output)["file"]["run"] == 2


def test_the_command_lists_films_and_marks_those_chosen_next(films, home):
    found = ask(home, 2, "3")
    later = found.with_(later=found.file.first[:1])
    cells = [row["run 2"] for row in asked.rows(later, {})]
    assert ["chosen next" in cell for cell in cells] == [True] + 9 * [False]
    told = CliRunner().invoke(main, ["ask", "2", "3", "--home", str(home)])
    assert told.exit_code == 0 and f"Chosen next (*) {'; '.join(found.later)}" in told.output
    assert f"%  {found.file.first[9]}" in told.output


def test_nothing_and_other_runs_are_refused(two, home):
    with pytest.raises(RequestError, match="no name to ask about"):
        ask(home, 1, "   ")
    with pytest.raises(RequestError, match="No run was named"):
        ask(home, (), NAME)
    (home / "runs" / "1" / "model.onnx").unlink()
    with pytest.raises(RequestError, match="no file"):
        ask(home, 1, NAME)
    assert ask(home, 2, NAME).reference is None


def test_images_are_not_asked_about(home):
    factories.stored(home, factories.some_runs()[:1])
    with pytest.raises(RequestError, match=r"neither a text nor a user.*names, movielens-small"):
        ask(home, 1, NAME)


def test_a_process_of_its_own_says_the_same(two, home):
    assert asked_apart(home, (3, 2), NAME) == ask(home, (3, 2), NAME)
    with pytest.raises(RequestError, match="no name to ask about"):
        asked_apart(home, (2,), "\ud800"[:0])
    assert asked_apart(home, (2,), "\ud800\0").unknown


def test_a_process_that_fails_or_hangs_is_told(two, home, monkeypatch):
    monkeypatch.setattr(asked, "TIMEOUT_S", 0.01)
    with pytest.raises(RunError, match="no answer within"):
        asked_apart(home, (2,), NAME)
    monkeypatch.undo()
    monkeypatch.setattr(asked.sys, "executable", "false")
    with pytest.raises(RunError, match="could not be asked: no message"):
        asked_apart(home, (2,), NAME)


def opened(page, **query):
    at = AppTest.from_file(APP, default_timeout=60).run()
    at.query_params.update(query)
    at.switch_page(f"pages/{page}.py").run()
    assert not at.exception, at.exception
    return at


def told(at):
    """The table of answers, and all that is said."""
    table = next((one.value for one in at.table if "place" in one.value.columns), pd.DataFrame())
    said = " ".join(one.value for kind in (at.markdown, at.warning) for one in kind)
    return table, said.replace("\\", "")


def test_pages_show_what_files_say_of_a_name(two, home):
    at = opened("compare", runs="2,3")
    at.text_input("ask").set_value(NAME).run()
    table, _ = told(at)
    assert list(table.columns) == ["place", "reference", "run 2", "run 3"] and len(table) == 3
    best = ask(home, 2, NAME).file.first[0]
    assert table["run 2"][0].startswith(best)
    at = opened("export", run="1", ask=NAME)
    assert list(told(at)[0].columns) == ["place", "reference"]
    (home / "runs" / "1" / "model.onnx").unlink()
    assert "has no file to ask" in told(opened("export", run="1", ask="Ada"))[1]


def test_pages_show_what_files_recommend(films):
    at = opened("export", run="2")
    assert "first 10 recommendations" in told(at)[1]
    at.number_input("ask").set_value(17).run()
    assert not at.exception and len(told(at)[0]) == 10
    assert "Held out, and chosen next" in told(at)[1]


def test_the_script_that_comes_with_the_file_takes_a_name(two, home, tmp_path):
    (tmp_path / "model.onnx").write_bytes(two[0].read_bytes())
    project = Project(dataset="names", reference="lstm:0.25")
    run = factories.done(1, accuracy=0.7, p50_ms=0.03, kb=80, project=project)
    run = run.with_(recipe=factories.a_recipe(dataset="names", model="lstm", width=0.25))
    script = package.infer(run)
    assert len(script.splitlines()) <= 15
    (tmp_path / "infer.py").write_text(script, "utf-8")
    child = subprocess.run([sys.executable, tmp_path / "infer.py", NAME], capture_output=True, text=True, check=True)
    row = a_text_context(home).row
    tokens = encode(row, [NAME])[:, : len(NAME)]
    expected = row.classes[int(logits(open_session(two[0]), tokens).argmax())]
    assert child.stdout.split() == [NAME, expected]
    assert np.isfinite(tokens).all()
