"""The zip of a recommender: a script that runs on its own and answers with titles it has not been told."""

import subprocess
import sys
import zipfile
from io import BytesIO

import numpy as np
import pytest

from optim import asking, catalog, infer_ranking, package
from optim.data import movielens
from optim.export import export
from optim.home import ASSETS
from optim.records import Recipe
from optim.runtime import logits, open_session
from tests.factories import MODEL, some_runs
from tests.recommending import DATA, a_context, a_recommender


def test_the_script_recommends_by_title_what_the_user_has_not_chosen(home, templates, tmp_path):
    ctx = a_context(home)
    row = ctx.row
    export(a_recommender(ctx, "matrix-factorization"), row, Recipe(dataset=DATA, model="matrix-factorization"),
           tmp_path / "model.onnx", templates)  # fmt: skip
    (tmp_path / "infer.py").write_text(infer_ranking.script(row))
    for name, content in infer_ranking.extras(row).items():
        (tmp_path / name).write_bytes(content)
    np.save(tmp_path / "users.npy", ctx.splits.train.inputs[:2])
    told = subprocess.run(
        [sys.executable, tmp_path / "infer.py", tmp_path / "users.npy"], capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    titles = catalog.answers(row)
    for user, line in enumerate(told.stdout.splitlines()):
        number, _, films = line.partition(" ")
        assert int(number) == user
        known = {titles[film - 1] for film in ctx.splits.train.inputs[user, 1:] if film}
        assert len(films.split("; ")) == 10
        assert not set(films.split("; ")) & known
    example = subprocess.run([sys.executable, tmp_path / "infer.py"], capture_output=True, text=True)
    one = asking._user(row, str(infer_ranking.example(row)))
    assert one.barred is not None
    scores = np.where(one.barred, -np.inf, logits(open_session(tmp_path / "model.onnx"), one.inputs)[0])
    assert one.barred.sum() > movielens.HISTORY and f"left out {one.barred.sum()} items" in example.stderr
    told = " ".join([str(infer_ranking.example(row)), "; ".join(titles[i] for i in np.argsort(-scores)[:10])])
    assert example.stdout == told + "\n"
    users = ctx.splits.train.inputs[:2].copy()
    for place, wrong in (((0, 0), 671), ((0, 0), -3), ((1, 5), 9067)):
        bad = users.copy()
        bad[place] = wrong
        np.save(tmp_path / "wrong.npy", bad)
        said = subprocess.run(
            [sys.executable, tmp_path / "infer.py", tmp_path / "wrong.npy"], capture_output=True, text=True
        )
        assert said.returncode and said.stderr.startswith("error: needed: users (n, 101)"), wrong
    said = subprocess.run([sys.executable, tmp_path / "infer.py", "17"], capture_output=True, text=True)
    assert said.stderr == "error: no file 17; needed: users.npy\n"


@pytest.mark.parametrize("user", [0, 14, 670])
def test_all_that_a_user_has_chosen_is_told_the_newest_last(user):
    row, splits = catalog.dataset(DATA), movielens.load()
    assert splits.seen is not None
    number, _, ids = infer_ranking.seen(row, user).decode().partition(":")
    told = np.array(ids.split(), dtype=int)
    assert int(number) == user and len(set(told)) == len(told)
    assert set(told - 1) == set(np.flatnonzero(splits.seen["validation"][user]))
    inputs = splits.validation.inputs[user, 1:]
    assert told[-movielens.HISTORY :].tolist() == inputs[inputs > 0].tolist()


def test_the_zip_holds_the_titles_what_is_barred_and_the_terms(tmp_path):
    run = some_runs()[3]
    run = run.with_(recipe=run.recipe.with_(dataset=DATA, model="matrix-factorization"))
    (tmp_path / "model.onnx").write_bytes(MODEL)
    archive = zipfile.ZipFile(BytesIO(package.everything(run, tmp_path / "model.onnx")))
    assert len(archive.read(infer_ranking.TITLES).decode().splitlines()) == 9066
    assert archive.read(infer_ranking.SEEN).startswith(b"3: ")
    assert archive.read("LICENSE-movielens") == (ASSETS / "data" / "LICENSE-movielens").read_bytes()
    assert "LICENSE-movielens" in archive.read("MODEL_CARD.md").decode()
