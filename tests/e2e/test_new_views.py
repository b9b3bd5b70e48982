"""Compare, Auto and the profile on Design in a real browser, over a data folder with a forged search and profile."""

from __future__ import annotations

import pytest

from optim import baselines, conditions, profiles, searches
from optim.bench.live import app_server, chromium
from optim.errors import RequestError
from tests import profile_factory, search_factory

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
BROKEN = '[data-testid="stException"]'


@pytest.fixture
def search(home):
    """A search that has ended, and a profile of its dense model."""
    made = search_factory.ended(home)
    base = made.base
    body = baselines.anatomy(base.dataset, base.model, base.width, home)
    digest = baselines.digest(base.dataset, base.model, base.width, home)
    here = conditions.here(device="cpu", threads=1, batch=1)
    profiles.save(home, profile_factory.a_profile(body, fingerprint=here, baseline_sha256=digest))
    return made


@pytest.fixture
def page(search, home):
    """The app over this folder, in a browser; `page.look(path)` opens one and waits until it stands."""
    try:
        with app_server(home) as address, chromium() as opened:
            opened.set_default_timeout(30_000)

            def look(path):
                opened.goto(f"{address}/{path}")
                opened.locator("h1").first.wait_for()
                opened.locator(SETTLED).wait_for()
                assert not opened.locator(BROKEN).count()

            opened.look = look
            yield opened
    except RequestError as error:
        pytest.skip(str(error))


def test_auto_tells_what_was_found_and_leads_to_it(page, search):
    page.look("design?mode=auto")
    page.get_by_text(search.answer.sentence[:40]).first.wait_for()
    page.locator(".js-plotly-plot").first.wait_for()
    page.get_by_role("button", name="Show it in the plot").click()
    page.wait_for_url(f"**/pareto*run={search.answer.run_id}*")
    assert not page.locator(BROKEN).count()


def test_more_time_is_asked_for_with_one_click(page, search, home):
    page.look("design?mode=auto")
    page.get_by_role("button", name="10 minutes more").first.click()
    page.locator(SETTLED).wait_for()
    page.wait_for_function("() => document.body.innerText.includes('of 20 min')")
    assert searches.load(home, search.id).budget_s > search.budget_s


def test_compare_puts_runs_beside_the_reference(page, search):
    first, second = (trial.run_id for trial in search.trials[:2])
    page.look(f"compare?runs={first},{second}")
    for number in (first, second):
        page.get_by_text(f"run {number}", exact=False).first.wait_for()
    page.get_by_text("Which came from which").first.wait_for()


def test_design_shows_the_staircase_and_calls_its_estimate_one(page):
    page.look("design?dataset=fashion-mnist&model=resnet8&width=2.0")
    page.get_by_text("estimate", exact=False).first.wait_for()
    page.locator(".js-plotly-plot").first.wait_for()
