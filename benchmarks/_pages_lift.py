"""The page of a lift with a year of history: 1 Hz status of 12 channels, seen by a browser.

31.5 million rows of one lift go through the store's own writer (a day a commit), its compaction
(365 segments) and its rollups; then the console is served by a real uvicorn and opened in Debian's
chromium. Only the registry and the live values are those of the tests' house.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

from benchmarks._browser import fresh_page, launched, weighed
from benchmarks._lift_year import write_year
from devices.vocabulary import load_vocabulary
from monitor.store.history import History
from monitor.web.app import create_app
from monitor.web.sessions import COOKIE
from tests.monitor.web.conftest import cookie_of
from tests.monitor.web.house import House, Running
from tests.monitor.web.town import reg_code
from tests.support.ports import free_port
from tests.support.wait import until

TURNS = 9
SPANS = {"1h": "page", "7d": "week", "1y": "year"}


@contextmanager
def served(folder: Path, history: History) -> Iterator[tuple[House, Running, str]]:
    """Serve the console over this history; yields the house, the server, a session's cookie."""
    house = House(folder)
    house.users()
    house.quarantine.__dict__["_history"] = history  # what its cached property would open
    running = Running(create_app(house), free_port())
    running.thread.start()
    try:
        until(lambda: running.server.started, what="uvicorn to listen")
        app: Any = running.server.config.app
        yield house, running, cookie_of(app, house, "operator")[0]
    finally:
        running.stop()
        house.engine.dispose()


def lift_page(folder: Path, days: int = 365, turns: int = TURNS) -> dict[str, Any]:
    """Return the figures of the lift page; folder/history is used again where it is there.

    server_*_ms: median of GETs of the whole page, by range of its charts · server_*_cpu_ms: what
    all threads but the asking one used for one · bytes: over the wire on
    the first load, all of the page · interactive_ms: from navigation until the module has run and
    the first live values were asked for · chart_ms: a click on "1 year" until it is drawn.
    """
    fresh = not (folder / "history" / "history.duckdb").exists()
    with tempfile.TemporaryDirectory() as name:
        return _measured(folder, Path(name), fresh, days, turns)


def _measured(folder: Path, own: Path, fresh: bool, days: int, turns: int) -> dict[str, Any]:
    history = History(folder / "history", load_vocabulary())
    try:
        history.number_lifts([reg_code(0)])
        made = write_year(history, time.time_ns() // 1_000_000, days=days) if fresh else {}
        with served(own, history) as (house, running, cookie):
            house.say(0, people=3.0, load=40.0)
            address = f"{running.url}/lifts/{reg_code(0)}"
            return made | _server(address, cookie, turns) | _browser(address, cookie, turns)
    finally:
        history.close()


def _server(address: str, cookie: str, turns: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with httpx.Client(cookies={COOKIE: cookie}, timeout=60) as client:
        for span, name in SPANS.items():
            took, used = [], []
            client.get(address, params={"range": span}).raise_for_status()
            for _ in range(turns):
                begin, cpu = time.perf_counter(), time.process_time() - time.thread_time()
                answer = client.get(address, params={"range": span})
                took.append((time.perf_counter() - begin) * 1000)
                used.append((time.process_time() - time.thread_time() - cpu) * 1000)
                answer.raise_for_status()
            found[f"server_{name}_ms"] = round(statistics.median(took), 1)
            found[f"server_{name}_cpu_ms"] = round(statistics.median(used), 1)
    return found


def _browser(address: str, cookie: str, turns: int) -> dict[str, Any]:
    interactive, chart, sizes = [], [], []
    with sync_playwright() as play:
        browser = launched(play)
        for _ in range(max(1, turns // 3)):
            with fresh_page(browser, address, {COOKIE: cookie}) as page:
                size = weighed(page)
                with page.expect_response(lambda answer: answer.url.endswith("/live")):
                    page.goto(address)
                sizes.append(size())
                interactive.append(_interactive_ms(page))
                begin = time.perf_counter()
                year = '.ranges a[href*="range=1y"]'
                page.locator(year).click()
                page.locator(f"{year}[aria-current]").wait_for()
                chart.append((time.perf_counter() - begin) * 1000)
        browser.close()
    return {
        "bytes": max(sizes),
        "interactive_ms": round(statistics.median(interactive), 1),
        "chart_1y_ms": round(statistics.median(chart), 1),
    }


def _interactive_ms(page: Page) -> float:
    """Return when the page's module first asked for live values, ms after navigation."""
    asked = "performance.getEntriesByType('resource').find(e => e.name.endsWith('/live'))"
    page.wait_for_function(asked)  # the browser notes it after the answer has come
    found: float = page.evaluate(f"{asked}.startTime")
    return found
