"""Every page as a picture, light and dark, wide and narrow: `python -m tests.e2e.screenshots HOME OUT`.

HOME is a data folder, OUT the folder the pictures go to. People look at them; nothing is compared.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

from optim.bench.live import app_server, chromium

PAGES = {
    "start": "",
    "design": "design",
    "auto": "design?mode=auto",
    "runs": "runs",
    "pareto": "pareto",
    "compare": "compare?runs=2,3,4",
    "export": "export",
    "system": "system",
}
THEMES, WIDTHS = ("light", "dark"), (1440, 1024, 420)
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
HEIGHT = "() => document.querySelector('[data-testid=stMain]').scrollHeight"
DRAWN_MS = 1500


def main(home: Path, out: Path) -> None:
    """As high as the page is, so that nothing hides under the fold."""
    out.mkdir(parents=True, exist_ok=True)
    with app_server(home) as address, chromium() as page:
        for theme, width, (name, path) in product(THEMES, WIDTHS, PAGES.items()):
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{address}/{path}")
            page.locator("h1").first.wait_for(timeout=60_000)
            page.locator(SETTLED).wait_for(timeout=60_000)
            page.wait_for_timeout(DRAWN_MS)
            page.set_viewport_size({"width": width, "height": max(900, page.evaluate(HEIGHT))})
            page.wait_for_timeout(DRAWN_MS)
            page.screenshot(path=out / f"{name}-{theme}-{width}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
