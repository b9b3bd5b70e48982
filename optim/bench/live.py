"""A real app server and a real Chromium, for the benchmarks and the browser test that use the app as a person does."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..doctor import ROOT
from ..errors import ParetoscopeError, RequestError

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
"""The browser talks to nobody but the app. `--no-sandbox`: root in a container has no other way."""
UP_SECONDS = 60


def browser() -> str | None:
    """Path of a Chromium or Chrome: PARETOSCOPE_BROWSER, else the first one on PATH."""
    chosen = os.environ.get("PARETOSCOPE_BROWSER")
    found = [chosen] if chosen else [*map(shutil.which, NAMES), MAC if Path(MAC).exists() else None]
    return next(filter(None, found), None)


@contextmanager
def chromium() -> Iterator[Page]:
    """One page of a fresh headless browser; `RequestError` with the remedy when a part is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        remedy = "Run: pip install -r requirements-dev.txt"
        raise RequestError("This needs Playwright, which is not installed.", remedy=remedy) from None
    path = browser()
    if path is None:
        remedy = "Install Chromium, or name one in PARETOSCOPE_BROWSER."
        raise RequestError(
            "This needs Chromium or Chrome, and none was found.", allowed=", ".join(NAMES), remedy=remedy
        )
    with sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        page = window.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True).new_page()
        try:
            yield page
        finally:
            window.close()


@contextmanager
def app_server(home: Path) -> Iterator[str]:
    """The app on a free port with this data folder; its address. Its driver is stopped with it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "PARETOSCOPE_HOME": str(home), "STREAMLIT_SERVER_HEADLESS": "true"}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    home.mkdir(parents=True, exist_ok=True)
    with (home / "app.log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            _wait_until_up(server, f"http://127.0.0.1:{port}/_stcore/health", home / "app.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=10)
            subprocess.run(
                [sys.executable, "-m", "optim", "serve", "--stop", "--home", str(home)], cwd=ROOT, capture_output=True
            )


def _wait_until_up(server: subprocess.Popen, address: str, log: Path) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2).close()  # noqa: S310 - our own loopback address
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise ParetoscopeError("The app did not come up.", given=log.read_text("utf-8")[-500:], remedy="See its log.")
