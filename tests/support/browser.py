"""Chromium driven by playwright.

The synchronous playwright keeps an event loop in the main thread, so a module that uses `page`
must hold no async tests; the fixture ends with its module for the same reason.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.wait import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FloatRect, Locator, Page

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--autoplay-policy=document-user-activation-required",  # as a desk's browser has it
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_MAC = [
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
]


def chromium_path() -> str:
    """The installed chromium; a test that needs it fails with the way out when there is none."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    for app in _MAC:
        if app.exists():
            return str(app)
    pytest.fail("chromium is not installed; `make test` installs it or names the command")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh page (own cookies), 1440 × 900; an error in its JavaScript fails the test."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.set_default_timeout(15_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, f"errors in the page's JavaScript: {errors}"


def box_of(locator: Locator) -> FloatRect:
    """Return where something stands; asked again while it is just being replaced by its like."""
    box = until(locator.bounding_box, what="a place on the page")
    assert box is not None
    return box
