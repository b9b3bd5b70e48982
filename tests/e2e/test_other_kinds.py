"""A text and a recommender from Design to the file a user takes away, in a real browser; its script answers alone."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from optim import catalog
from optim.bench.live import app_server, chromium
from optim.data import movielens
from optim.errors import RequestError
from optim.records import State
from optim.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
BROKEN = '[data-testid="stException"]'
DONE_SECONDS = 150
NAME, USER = "Kowalczyk", 17


@pytest.fixture
def page(home):
    """The app over an empty data folder, in a browser."""
    try:
        with app_server(home) as address, chromium() as opened:
            opened.set_default_timeout(30_000)
            opened.goto(f"{address}/design")
            opened.locator("h1").first.wait_for()
            yield opened
    except RequestError as error:
        pytest.skip(str(error))


def settle(page):
    page.locator(SETTLED).wait_for()
    assert not page.locator(BROKEN).count()


def choose(page, label, option):
    """In a list of Design, as a mouse does."""
    settle(page)
    page.get_by_role("combobox", name=re.compile(label)).first.click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def switch(page, *labels):
    """Cards on or off."""
    for label in labels:
        page.locator("label").filter(has_text=re.compile(f"^{label}$")).first.click()
        settle(page)


def run(page, home):
    """Press Run, and wait for the file of the newest run that has steps."""
    page.get_by_role("button", name=re.compile(r"^(play_arrow )?Run$")).first.click()
    page.wait_for_url("**/runs*")
    store, deadline = Store(home), time.monotonic() + DONE_SECONDS
    while time.monotonic() < deadline:
        runs = [one for one in store.runs(origin="own") if one.recipe.steps]
        assert not [one.failure for one in store.runs() if one.state is State.FAILED]
        if runs and runs[0].state is State.DONE:
            return runs[0]
        time.sleep(0.2)
    raise AssertionError(f"no run was measured in {DONE_SECONDS} s")


def take_away(page, run, folder):
    """To Export by the menu, and the whole zip."""
    page.get_by_role("link", name="Export").first.click()
    page.wait_for_url("**/export*")
    page.get_by_role("button", name="Download everything").wait_for()
    settle(page)
    assert f"run={run.id}" in page.url
    with page.expect_download() as download:
        page.get_by_role("button", name="Download everything").click()
    zipfile.ZipFile(download.value.path()).extractall(folder)
    return folder


def infer(folder, argument):
    """What the script in the zip says, in a process that knows nothing else."""
    child = subprocess.run([sys.executable, folder / "infer.py", argument], cwd=folder, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    return child.stdout.strip()


def test_a_text_classifier(page, home, tmp_path):
    choose(page, "Data set", "Names to languages")
    choose(page, "Model", "Text CNN")
    switch(page, "Distil", "Quantize weights to INT8")
    made = run(page, home)
    assert [step.technique for step in made.recipe.steps] == ["prune-channels", "quantize-dynamic"]

    folder = take_away(page, made, tmp_path / "zip")
    assert (folder / "model.onnx").read_bytes() == (Store(home).folder(made.id) / "model.onnx").read_bytes()
    name, language = infer(folder, NAME).rsplit(" ", 1)
    assert name == NAME and language in catalog.dataset("names").classes
    for wrong in ("", "  "):
        said = subprocess.run([sys.executable, folder / "infer.py", wrong], capture_output=True, text=True)
        assert said.returncode and "an empty text" in said.stderr

    page.get_by_label("Type a name").fill(NAME)
    page.get_by_label("Type a name").press("Enter")
    page.get_by_role("cell", name=f"{language}, ").first.wait_for()
    assert page.get_by_role("columnheader", name="reference").count()
    settle(page)


def test_a_recommender(page, home, tmp_path):
    choose(page, "Data set", "MovieLens small")
    choose(page, "Model", "Matrix factorization")
    switch(page, "Prune", "Distil", "Lower the rank", "Quantize weights to INT8")
    made = run(page, home)
    assert [step.technique for step in made.recipe.steps] == ["low-rank", "quantize-dynamic"]

    folder = take_away(page, made, tmp_path / "zip")
    users = movielens.load().validation.inputs[[3, USER]]
    np.save(folder / "users.npy", users)
    lines = infer(folder, "users.npy").splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["3", str(USER)]
    films = lines[1].partition(" ")[2].split("; ")
    before = {catalog.answers(catalog.dataset("movielens-small"))[film - 1] for film in users[1, 1:] if film}
    assert len(films) == 10 and not before & set(films)

    page.get_by_label("Choose a user").fill(str(USER))
    page.get_by_label("Choose a user").press("Enter")
    page.get_by_role("cell", name=f"{films[0]}, ").first.wait_for()
    settle(page)
