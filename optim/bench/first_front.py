"""`bench first-front`: a newcomer's first minute. From the app being up to six measured points on digits.

"Try it now" is pressed in a real browser where there is one; without, the same runs are submitted as the button does.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from .. import presets
from ..errors import RequestError, RunError
from ..records import Run, State
from ..store import Store
from . import report
from .live import app_server, browser, chromium

POINTS = 6
DATASET = "digits"
LIMIT_SECONDS = 300.0


def main(json: bool, *, points: int = POINTS) -> dict:
    """Seconds until `points` files are measured, and what each run spent them on."""
    most = len(presets.first_front())
    if not 1 <= points <= most:
        raise RequestError("So many points cannot be waited for.", given=points, allowed=f"1 to {most}")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with app_server(home) as address:
            started = time.time()
            how = press_try_it_now(address, home)
            runs = wait_for_points(Store(home), points)
    ended = sorted(run.ended_at or 0.0 for run in runs)
    payload = {
        "pressed": how,
        "points": points,
        "seconds": round(ended[points - 1] - started, 1),
        "runs": {f"run {run.id}": _breakdown(run, started) for run in sorted(runs, key=lambda run: run.ended_at or 0)},
    }
    return report("first-front", payload, json)


def press_try_it_now(address: str, home: Path) -> str:
    """In the browser, or without one through the same door the button uses."""
    if browser() is None:
        print("No browser was found; the runs are submitted directly.", file=sys.stderr)
        presets.try_it_now(home)
        return "without a browser"
    with chromium() as page:
        page.goto(address)
        page.get_by_role("button", name="Try it now").first.click(timeout=30_000)
        _wait_until_queued(Store(home))
    return "in the browser"


def wait_for_points(store: Store, points: int) -> list[Run]:
    """The measured runs, once there are enough; `RunError` when they cannot come any more."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        own = [run for run in store.runs(origin="own") if run.project.dataset == DATASET]
        measured = [run for run in own if run.state is State.DONE and run.latency]
        if len(measured) >= points:
            return measured
        if own and not any(run.state.live for run in own):
            break
        time.sleep(0.1)
    failures = [run.failure.reason for run in store.runs() if run.failure]
    raise RunError(
        f"Fewer than {points} points were measured.",
        given=f"{len(failures)} failed: {'; '.join(failures[:2]) or 'too slow'}",
        remedy="See 'python -m optim doctor'.",
    )


def _wait_until_queued(store: Store) -> None:
    deadline = time.monotonic() + 30
    while not store.runs(origin="own") and time.monotonic() < deadline:
        time.sleep(0.1)


def _breakdown(run: Run, started: float) -> dict:
    assert run.result is not None
    waited = (run.started_at or started) - started
    return {
        "begins_s": round(waited, 1),
        "ends_s": round((run.ended_at or started) - started, 1),
        **run.result.stage_seconds,
    }
