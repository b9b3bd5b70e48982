"""The whole path as a person goes it, in a real browser: Start, runs on digits, a Pareto point, the ONNX file."""

from __future__ import annotations

import hashlib
import json
import time

import numpy as np
import pytest

from optim.bench.live import app_server, chromium
from optim.data import digits
from optim.errors import RequestError
from optim.records import State
from optim.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
FIRST_RUNS_SECONDS = 180
ENOUGH = 4


@pytest.fixture
def page():
    try:
        with chromium() as opened:
            opened.set_default_timeout(30_000)
            yield opened
    except RequestError as error:
        pytest.skip(str(error))


@pytest.fixture
def address(home):
    with app_server(home) as url:
        yield url


def wait_for_runs(home, count):
    """The first own runs with a valid time."""
    store, deadline = Store(home), time.monotonic() + FIRST_RUNS_SECONDS
    while time.monotonic() < deadline:
        runs = store.runs(origin="own")
        failed = [run.failure for run in runs if run.state is State.FAILED]
        assert not failed, failed
        done = [run for run in runs if run.state is State.DONE and run.latency.valid]  # others have no mark
        if len(done) >= count:
            return done
        time.sleep(0.2)
    raise AssertionError(f"fewer than {count} runs were measured in {FIRST_RUNS_SECONDS} s")


def click_a_point(page):
    """Press the middle of a drawn marker, as a mouse does; the chosen run's number from the address."""
    page.locator(".js-plotly-plot .scatterlayer .trace .points path").first.wait_for(state="attached")
    page.locator(SETTLED).wait_for()
    markers = page.locator(".js-plotly-plot .scatterlayer .trace .points path")
    for index in reversed(range(markers.count())):
        box = markers.nth(index).bounding_box()
        if not box:
            continue
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.up()
        try:
            page.wait_for_url("**run=*", timeout=5_000)
        except Exception:  # noqa: BLE001 - a marker hidden under another one; the next may answer
            continue
        return int(page.url.split("run=")[1].partition("&")[0])
    raise AssertionError("no marker answered a click")


def test_from_start_to_a_file_that_scores(page, address, home):
    page.goto(address)
    page.get_by_role("button", name="Try it now").first.click()
    wait_for_runs(home, ENOUGH)

    page.get_by_role("link", name="Pareto").first.click()
    page.wait_for_url("**/pareto*")
    chosen = Store(home).run(click_a_point(page))

    page.locator(f".st-key-to_export_{chosen.id} button").click()  # of this run's card: the one before may still stand
    page.wait_for_url("**/export*")
    page.get_by_role("button", name="Download ONNX").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download ONNX").click()
    content = download.value.path().read_bytes()

    assert chosen.result
    assert f"run={chosen.id}" in page.url
    kept = (Store(home).folder(chosen.id) / chosen.result.file.name).read_bytes()
    assert hashlib.sha256(content).digest() == hashlib.sha256(kept).digest()
    assert accuracy_on_test(content, json.loads(chosen.recipe.to_json())) == pytest.approx(
        chosen.result.file.score.test.value
    )


def test_a_run_is_chosen_with_the_keyboard_alone(page, address):
    """The same choice as a click: Tab into the table, arrows, Shift and Space."""
    page.goto(f"{address}/pareto?source=shipped")
    page.locator(".js-plotly-plot .scatterlayer .trace .points path").first.wait_for(state="attached")
    page.locator(SETTLED).wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.tagName") == "CANVAS":
            break
    for key in ("ArrowDown", "ArrowDown", "Shift+Space"):
        page.keyboard.press(key)
    page.wait_for_url("**run=*")
    number = page.url.split("run=")[1].partition("&")[0]
    page.get_by_text(f"Run {number}", exact=True).first.wait_for()


def accuracy_on_test(content: bytes, recipe: dict) -> float:
    """Straight from the promises: pixels from 0 to 1 into `input`, `logits` out, the recipe in the metadata."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["recipe"]) == recipe
    test = digits.load().test
    (logits,) = session.run(["logits"], {"input": test.inputs.astype(np.float32)})
    assert logits.shape == (len(test.labels), len(json.loads(told["labels"])))
    return float((logits.argmax(1) == test.labels).mean())
