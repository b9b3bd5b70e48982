"""`bench ui`: how long a person waits for the pages, in a real browser, with a warm server and many stored runs.

First paint: from asking for a page to the first frame with its title. Settled: until the server has sent everything.
Answer: from a key press on the sparsity slider to the first change of the numbers it stands for.
Estimate: the same to the first change of the estimated latency, which stands there once the model is profiled. The
profile is the one of the user's data folder where it has one of this model; else one is measured first.
All by the browser's own clock: asking it from outside waits behind whatever it is drawing.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .. import profile_jobs, profiles
from ..doctor import ROOT
from ..errors import RunError
from ..home import home_dir
from . import p50_p95, report
from .filled import DATASET, MODEL, WIDTH, fill
from .live import app_server, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = {"Start": "", "Design": "design", "Runs": "runs", "Pareto": "pareto"}
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
WAIT_MS = 30_000

LIMIT_MS = 10_000

_ARRIVAL = """
() => {
    const seen = window.arrival = {};
    const look = () => {
        const title = document.querySelector("h1");
        if (title && title.innerText && title.getClientRects().length) seen.title ??= performance.now();
        if (seen.title && document.querySelector('SETTLED')) seen.settled ??= performance.now();
        if (!seen.settled) requestAnimationFrame(look);
    };
    look();
}
""".replace("SETTLED", SETTLED)

_WATCH = """
([limit, label]) => {
    const metrics = () => [...document.querySelectorAll('[data-testid="stMetric"]')];
    const facts = () => metrics().map(e => e.innerText).filter(told => told.startsWith(label)).join("|");
    const before = facts();
    window.answer = new Promise(resolve => {
        let pressed = 0;
        const look = () => {
            const waited = performance.now() - pressed;
            if (pressed && (facts() !== before || waited > limit)) resolve(waited);
            else requestAnimationFrame(look);
        };
        document.addEventListener("keydown", () => { pressed = performance.now(); }, {once: true, capture: true});
        look();
    });
    return before;
}
"""


def main(json: bool, *, runs: int = 1000, loads: int = 15, presses: int = 30) -> dict:
    """Fill a data folder, open each page `loads` times and press the slider's keys `presses` times."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        print(f"storing {runs:,} runs ...", file=sys.stderr)
        fill(home, runs)
        with app_server(home) as address, chromium() as page:
            page.add_init_script(f"({_ARRIVAL})()")
            pages = {name: open_page(page, f"{address}/{path}", loads) for name, path in PAGES.items()}
            answer = press_slider(page, f"{address}/{PAGES['Design']}", presses)
            give_profile(home, home_dir())
            estimate = press_slider(page, f"{address}/{PAGES['Design']}?width={WIDTH:g}", presses, "Latency")
    payload = {
        "runs": runs,
        "first_paint_ms": {name: p50_p95(paints) for name, (paints, _) in pages.items()},
        "settled_ms": {name: p50_p95(settled) for name, (_, settled) in pages.items()},
        "slider_answer_ms": p50_p95(answer),
        "slider_estimate_ms": p50_p95(estimate),
    }
    return report("ui", payload, json)


def open_page(page: Page, address: str, loads: int) -> tuple[list[float], list[float]]:
    """Milliseconds to the title and to the end, after one load that warms server and browser cache."""
    paints, settled = [], []
    for load in range(loads + 1):
        page.goto("about:blank")
        page.goto(address, wait_until="commit")
        page.wait_for_function("() => window.arrival && window.arrival.settled", timeout=WAIT_MS)
        seen = page.evaluate("() => window.arrival")
        if load:
            paints.append(float(seen["title"]))
            settled.append(float(seen["settled"]))
    return paints, settled


def give_profile(home: Path, own: Path) -> None:
    """A measured profile of the runs' model in `home`: a copy of the one in `own`, or a new one."""
    known = profile_jobs.complete(profile_jobs.request(own, DATASET, MODEL, WIDTH))
    if known is not None:
        profiles.save(home, known)
        return
    print("measuring a profile, in about two minutes ...", file=sys.stderr)
    command = [sys.executable, "-m", "optim", "profile", "--dataset", DATASET, "--model", MODEL]
    command += ["--width", f"{WIDTH:g}", "--home", str(home)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if made.returncode:
        raise RunError("The profile could not be measured.", given=made.stderr[-500:], remedy="Try it alone.")


def press_slider(page: Page, address: str, presses: int, label: str = "") -> list[float]:
    """Milliseconds from each key press to the change on screen; the browser's own clock.

    `label`: how the labels of the numbers begin that must change; empty: any number.
    """
    page.goto(address)
    page.locator(SETTLED).wait_for(timeout=WAIT_MS)
    slider = page.get_by_role("slider", name="Sparsity").first
    slider.wait_for(timeout=WAIT_MS)
    answers = []
    for press in range(presses):
        page.locator(SETTLED).wait_for(timeout=WAIT_MS)
        slider.focus()
        page.evaluate(_WATCH, [LIMIT_MS, label])
        page.keyboard.press("ArrowRight" if press % 2 else "ArrowLeft")
        answers.append(float(page.evaluate("() => window.answer")))
        if answers[-1] > LIMIT_MS:
            remedy = "Are the model's baseline and profile there? See 'python -m optim doctor'."
            raise RunError("Design did not answer the slider.", given=f"{LIMIT_MS / 1000:g} s", remedy=remedy)
    return answers
