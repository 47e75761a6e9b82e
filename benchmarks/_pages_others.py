"""Every other page of the console in the same crowded house: its first load, without a cache.

Each page is loaded once as an administrator, who sees the most of it. `ms`: to the end of the load
event, when all scripts and styles of the page have run; where all lifts are drawn, until they are.
`bytes`: all it fetched, on the wire.
"""

from __future__ import annotations

import statistics
from typing import Any

from playwright.sync_api import Browser

from benchmarks._browser import fresh_page, weighed
from benchmarks._desk_service import ADMIN, Desk
from benchmarks._district import reg_code

PATHS = (
    "/wall", "/lifts", "/lifts?by=maintenance", "/lifts/wall", "/lifts/map", "/lifts/list",
    "/alerts?state=all", "/alerts/1", "/lifts/{lift}",
    *(f"/lifts/{{lift}}?tab={tab}" for tab in ("trips", "drift", "messages", "visits", "quality",
                                               "alerts", "documents", "export")),
    "/firm", "/handover", "/account", "/push", "/api", "/drills", "/quality", "/registry",
    "/quarantine", "/links", "/health", "/admin", "/admin/people", "/admin/units", "/admin/rules",
    "/admin/rules/18", "/admin/rules/18/edit", "/admin/chains?lift={lift}&rule=1&people=2",
    "/admin/channels", "/admin/codes", "/admin/settings", "/admin/retention", "/admin/audit",
)  # fmt: skip
LOADED = """() => new Promise(done => setTimeout(
  () => done(performance.getEntriesByType("navigation")[0].loadEventEnd)))"""


def other_pages(browser: Browser, desk: Desk) -> dict[str, Any]:
    """Return how many there are, the slowest, the heaviest. Raises RuntimeError for a refusal."""
    cookies = desk.cookies(ADMIN)
    took: dict[str, float] = {}
    sizes: dict[str, int] = {}
    for path in PATHS:
        with fresh_page(browser, desk.url, cookies) as page:
            size = weighed(page)
            answer = page.goto(desk.url + path.format(lift=reg_code(0)), wait_until="load")
            if answer is None or not answer.ok:
                raise RuntimeError(f"{path}: {answer and answer.status}")
            if page.locator("#stage").count():
                page.locator("#stage[data-ready=yes]").wait_for()
                took[path] = page.evaluate("performance.now()")
            else:
                took[path] = page.evaluate(LOADED)
            sizes[path] = size()
    slowest, heaviest = max(took, key=lambda p: took[p]), max(sizes, key=lambda p: sizes[p])
    return {
        "pages": len(took),
        "median_ms": round(statistics.median(took.values())),
        "slowest_ms": round(took[slowest]),
        "slowest": slowest,
        "heaviest_bytes": sizes[heaviest],
        "heaviest": heaviest,
        "over_a_second": sum(ms > 1000 for ms in took.values()),
    }
