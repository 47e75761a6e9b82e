"""Debian's chromium for the benchmarks of pages, and what a page weighs on the wire."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, Playwright

ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu")


def _path() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise SystemExit("chromium is not installed")


def launched(playwright: Playwright) -> Browser:
    """Start the installed chromium. Raises SystemExit where there is none."""
    return playwright.chromium.launch(executable_path=_path(), args=[*ARGUMENTS])


@contextmanager
def fresh_page(browser: Browser, url: str, cookies: dict[str, str]) -> Iterator[Page]:
    """Open a page at a desk's size that has nothing in a cache, with these cookies for `url`."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.add_cookies([{"name": n, "value": v, "url": url} for n, v in cookies.items()])
    yield context.new_page()
    context.close()


def weighed(page: Page) -> Callable[[], int]:
    """Count what comes from now on; call the result for the bytes so far, headers included."""
    sizes: list[int] = []

    def add(event: dict[str, Any]) -> None:
        sizes.append(int(event["encodedDataLength"]))

    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", add)
    return lambda: sum(sizes)
