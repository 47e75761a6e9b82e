"""The console's first views under load: server time, bytes over the wire, time to interactive.

    python -m benchmarks pages [--open 10000] [--times 5] [--history FOLDER] [--days 365] [--only X]

`list`: the alert list with 10,000 open alerts in a real database, served by the real service with
its broker, loaded by Debian's chromium without a cache. Each page is a `View`: what it is called,
its address, and what must be there before somebody can work with it. `lift`: the page of a lift
with a year of history, see _pages_lift.py; --history names a folder to build that year in, and to
use it again from. `others`: each other page once in the house of `list`, see _pages_others.py.

`server_ms`: median of requests on a warm service that has kept no answer, from the first byte sent
to the last received; `server_cpu_ms`: processor time of the service beside it, of all its threads
and with what it does meanwhile. `server_kept_*`: the same within a second of another's request.
`bytes`: everything a first load fetches, as it is on the wire (gzip), with headers.
`interactive_ms`: from the start of the navigation until the first row can have the focus and the
page hears the keyboard; `rows` are then in the page. Medians of --times loads, and the worst.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, sync_playwright

from benchmarks._browser import fresh_page, launched, weighed
from benchmarks._desk_service import Desk, load, prepare, running
from benchmarks._district import say
from benchmarks._open_alerts import raise_all
from benchmarks._pages_lift import lift_page
from benchmarks._pages_others import other_pages
from benchmarks.pipeline import cpu_s
from monitor.web.known_lists import MOST_S

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


def served(desk: Desk, view: View, cookies: dict[str, str], times: int) -> dict[str, Any]:
    """Ask for the bare page again and again."""
    headers = {"Accept-Encoding": "gzip"}
    with httpx.Client(base_url=desk.url, cookies=cookies, headers=headers, timeout=60) as client:
        client.get(view.path).raise_for_status()

        def asked(count: int, pause_s: float) -> tuple[list[float], float]:
            """Return ms of each request, and ms of processor time of one."""
            took, cpu = [], 0.0
            for _ in range(count):
                time.sleep(pause_s)
                begun, used = time.perf_counter(), cpu_s(desk.process.pid)
                client.get(view.path).raise_for_status()
                took.append((time.perf_counter() - begun) * 1000)
                cpu += cpu_s(desk.process.pid) - used
            return took, cpu * 1000 / count

        anew, anew_cpu = asked(times, MOST_S * 1.1)
        kept, kept_cpu = asked(4 * times, 0.0)
    return {
        "server_ms": round(statistics.median(anew)),
        "server_worst_ms": round(max(anew)),
        "server_cpu_ms": round(anew_cpu),
        "server_kept_ms": round(statistics.median(kept)),
        "server_kept_cpu_ms": round(kept_cpu),
    }


def loaded(
    browser: Browser, desk: Desk, view: View, cookies: dict[str, str], times: int
) -> dict[str, Any]:
    """Load the page in fresh contexts, so nothing is in a cache."""
    interactive, sizes, rows = [], [], 0
    for _ in range(times):
        with fresh_page(browser, desk.url, cookies) as page:
            size = weighed(page)
            page.add_init_script(_WHEN_READY % view.first)
            page.goto(desk.url + view.path)
            page.wait_for_function("window.interactive !== null", timeout=60_000)
            interactive.append(page.evaluate("window.interactive"))
            rows = page.locator(view.counted).count()
            sizes.append(size())
    return {
        "bytes": round(statistics.median(sizes)),
        "interactive_ms": round(statistics.median(interactive)),
        "interactive_worst_ms": round(max(interactive)),
        "rows": rows,
    }


def measure(desk: Desk, views: Sequence[View], times: int) -> dict[str, Any]:
    """Measure each view of a running desk, and all other pages once."""
    cookies, found = desk.cookies(), {}
    with sync_playwright() as playwright:
        browser = launched(playwright)
        for view in views:
            say(view.name)
            found[view.name] = served(desk, view, cookies, times) | loaded(
                browser, desk, view, cookies, times
            )
        say("others")
        found["others"] = other_pages(browser, desk)
        browser.close()
    return found


def list_view(count: int, times: int) -> dict[str, Any]:
    """Build a database with so many open alerts, start the service, load the list."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = prepare(folder, count)
        raise_all(engine, folder / "site", count)
        with running(folder, engine) as desk:
            found = measure(desk, [LIST], times)
        engine.dispose()
    return found


def lift_view(history: Path | None, days: int, times: int) -> dict[str, Any]:
    """Load the page of a lift with a past, built in `history` unless it is there."""
    with tempfile.TemporaryDirectory() as name:
        return {"lift": lift_page(history or Path(name), days, 3 * times)}


def run(argv: list[str]) -> dict[str, Any]:
    """Measure both pages; return the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pages", description=__doc__)
    parser.add_argument("--open", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--history", type=Path)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--only", choices=("list", "lift"))
    args = parser.parse_args(argv)
    found: dict[str, Any] = {"open": args.open, "days": args.days, "load_before": load()}
    if args.only != "lift":
        found |= list_view(args.open, args.times)
    if args.only != "list":
        found |= lift_view(args.history, args.days, args.times)
    return found | {"load_after": load()}
