"""The zip of a recommender: a script that runs on its own and answers with titles it has not been told."""

import subprocess
import sys
import zipfile
from io import BytesIO

import numpy as np

from optim import catalog, infer_ranking, package
from optim.export import export
from optim.records import Recipe
from tests.factories import MODEL, some_runs
from tests.recommending import DATA, a_context, a_recommender


def test_the_script_recommends_by_title_what_the_user_has_not_chosen(home, templates, tmp_path):
    ctx = a_context(home)
    row = ctx.row
    export(a_recommender(ctx, "matrix-factorization"), row, Recipe(dataset=DATA, model="matrix-factorization"),
           tmp_path / "model.onnx", templates)  # fmt: skip
    (tmp_path / "infer.py").write_text(infer_ranking.script(row))
    (tmp_path / infer_ranking.TITLES).write_bytes(infer_ranking.titles(row))
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
    assert subprocess.run([sys.executable, tmp_path / "infer.py"], capture_output=True).returncode == 0


def test_the_zip_holds_the_titles(tmp_path):
    run = some_runs()[3]
    run = run.with_(recipe=run.recipe.with_(dataset=DATA, model="matrix-factorization"))
    (tmp_path / "model.onnx").write_bytes(MODEL)
    archive = zipfile.ZipFile(BytesIO(package.everything(run, tmp_path / "model.onnx")))
    assert len(archive.read(infer_ranking.TITLES).decode().splitlines()) == 9066
