"""The console's first views under load: server time, bytes over the wire, time to interactive.

    python -m benchmarks pages [--open 10000] [--times 5]

`list`: the alert list with 10,000 open alerts in a real database, served by the real service with
its broker, loaded by Debian's chromium without a cache. Each page is a `View`: what it is called,
its address, and what must be there before somebody can work with it.

`server_ms`: median of requests on a warm service, from the first byte sent to the last received.
`bytes`: everything a first load fetches, as it is on the wire (gzip), with headers.
`interactive_ms`: from the start of the navigation until the first row can have the focus and the
page hears the keyboard; `rows` are then in the page. Medians of --times loads, and the worst.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, sync_playwright

from benchmarks._desk_service import Desk, load, prepare, running
from benchmarks._district import say
from benchmarks._open_alerts import raise_all

ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu")
_WHEN_READY = """
window.interactive = null;
const look = () => {
  if (document.documentElement?.dataset.ready && document.querySelector("%s")) {
    window.interactive = performance.now();
  } else setTimeout(look, 5);
};
look();
"""


@dataclass(frozen=True, slots=True)
class View:
    """One page: `first` selects what must be there, `counted` what is counted then."""

    name: str
    path: str
    first: str
    counted: str


LIST = View("list", "/alerts", "#alerts a.what", "#alerts tbody tr")


def chromium() -> str:
    """Return the installed chromium. Raises SystemExit."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise SystemExit("chromium is not installed")


def served(desk: Desk, view: View, cookies: dict[str, str], times: int) -> dict[str, Any]:
    """Ask for the bare page again and again."""
    took = []
    headers = {"Accept-Encoding": "gzip"}
    with httpx.Client(base_url=desk.url, cookies=cookies, headers=headers, timeout=60) as client:
        for _ in range(times + 1):
            begun = time.perf_counter()
            client.get(view.path).raise_for_status()
            took.append((time.perf_counter() - begun) * 1000)
    return {"server_ms": round(statistics.median(took[1:])), "server_worst_ms": round(max(took))}


def loaded(
    browser: Browser, desk: Desk, view: View, cookies: dict[str, str], times: int
) -> dict[str, Any]:
    """Load the page in fresh contexts, so nothing is in a cache."""
    interactive, sizes, rows = [], [], 0
    for _ in range(times):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        context.add_cookies([{"name": n, "value": v, "url": desk.url} for n, v in cookies.items()])
        page = context.new_page()
        size = 0

        def add(event: dict[str, Any]) -> None:
            nonlocal size
            size += int(event["encodedDataLength"])

        watch = context.new_cdp_session(page)
        watch.send("Network.enable")
        watch.on("Network.loadingFinished", add)
        page.add_init_script(_WHEN_READY % view.first)
        page.goto(desk.url + view.path)
        page.wait_for_function("window.interactive !== null", timeout=60_000)
        interactive.append(page.evaluate("window.interactive"))
        rows = page.locator(view.counted).count()
        sizes.append(size)
        context.close()
    return {
        "bytes": round(statistics.median(sizes)),
        "interactive_ms": round(statistics.median(interactive)),
        "interactive_worst_ms": round(max(interactive)),
        "rows": rows,
    }


def measure(desk: Desk, views: Sequence[View], times: int) -> dict[str, Any]:
    """Measure each view of a running desk."""
    cookies, found = desk.cookies(), {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS])
        for view in views:
            say(view.name)
            found[view.name] = served(desk, view, cookies, times) | loaded(
                browser, desk, view, cookies, times
            )
        browser.close()
    return found


def run(argv: list[str]) -> dict[str, Any]:
    """Build the database, start the service, load the pages; return the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pages", description=__doc__)
    parser.add_argument("--open", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=5)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = prepare(folder, args.open)
        raise_all(engine, folder / "site", args.open)
        with running(folder, engine) as desk:
            before = load()
            found = measure(desk, [LIST], args.times)
        engine.dispose()
    return {"open": args.open, **found, "load_before": before, "load_after": load()}
