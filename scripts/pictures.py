"""Make the pictures of the console in docs/pictures/ anew, against a running service.

    make run                                  # in one window; it prints the sign-in
    .venv/bin/python scripts/pictures.py --password=… --database var/liftwatch.db

It waits until somebody is trapped (in the demo that takes about 45 s) and until the list has a few
lines, and only looks: no alert is acknowledged. Needs playwright, Pillow and a Chromium.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import sqlite3
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
MOST_BYTES = 300_000
HELD = ("raised", "accepted", "on_the_way", "arrived")


@dataclass(frozen=True)
class Shot:
    """One picture: what address, in which language and theme, on how large a screen.

    `whole`: the whole page however long; else what the screen shows.
    """

    name: str
    path: str
    lang: str = "zh_CN"
    theme: str = "light"
    width: int = 1440
    height: int = 900
    whole: bool = False


def shots(alert: int, lift: str, link: str | None) -> list[Shot]:
    """Return the pictures of a rescue under way."""
    page, of_lift = f"/alerts/{alert}", f"/lifts/{lift}"
    found = [
        Shot("console-list", "/alerts", height=620),
        Shot("console-list-en-dark", "/alerts", "en", "dark", height=620),
        Shot("list-360", "/alerts", width=360, height=760),
        Shot("alert-page", page, whole=True),
        Shot("alert-page-en", page, "en", "dark", whole=True),
        Shot("lift-page", of_lift, whole=True),
        Shot("lift-page-en", of_lift, "en", whole=True),
        Shot("lifts-wall", "/lifts/wall", height=1000),
    ]
    if link:
        found.append(Shot("one-tap-360", link, width=360, height=760, whole=True))
        found.append(Shot("one-tap-360-en", link, "en", "dark", 360, 760, whole=True))
    return found


def context(browser: Browser, address: str, shot: Shot) -> BrowserContext:
    """Open a browser of its own; nothing moves in it, so that no icon is caught blinking."""
    made = browser.new_context(
        base_url=address,
        viewport={"width": shot.width, "height": shot.height},
        device_scale_factor=2 if shot.width < 500 else 1,
        color_scheme="dark" if shot.theme == "dark" else "light",
        reduced_motion="reduce",
    )
    made.set_default_timeout(20_000)
    made.add_cookies([{"name": "lang", "value": shot.lang, "url": address}])
    return made


def sign_in(page: Page, name: str, password: str) -> list[Any]:
    """Sign in and return the session's cookies. Raises SystemExit where it is refused."""
    page.goto("/sign-in")
    page.fill("[name=name]", name)
    page.fill("[name=password]", password)
    page.click("main button")
    page.wait_for_load_state()
    if "/sign-in" in page.url:
        sys.exit(f"{name} cannot sign in: {page.inner_text('main')}")
    return [cookie for cookie in page.context.cookies() if cookie["name"] != "lang"]


def trapped(page: Page, lines: int, wait_s: float) -> dict[str, Any]:
    """Wait for somebody in need of rescue and for a list of some lines."""
    until = time.monotonic() + wait_s
    while True:
        answer = page.request.get("/api/v1/alerts").json()
        held = [one for one in answer["alerts"] if one["rescue_state"] in HELD]
        late = time.monotonic() > until
        if held and (len(answer["alerts"]) >= lines or late):
            found: dict[str, Any] = min(held, key=lambda one: int(one["id"]))
            return found
        if late:
            sys.exit(f"nobody was trapped within {wait_s:.0f} s; is the demo district running?")
        page.wait_for_timeout(1000)


def link_of(database: Path, alert: dict[str, Any]) -> str | None:
    """Return the one-tap link that the maintenance firm got, as a path of the console."""
    with sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True) as db:
        query = "select payload from outbox where alert_id = ? and unit = ? order by id"
        row = db.execute(query, (alert["id"], alert["maintenance"])).fetchone()
    return "/p/" + json.loads(row[0])["link"].rsplit("/", 1)[1] if row else None


def take(page: Page, shot: Shot) -> bytes:
    """Return the picture as PNG, once the page is live."""
    page.goto(shot.path)
    if page.locator("#pulse").count():
        page.locator("#pulse[data-state=live]").wait_for()
    page.wait_for_timeout(700)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if wide > 0:
        sys.stderr.write(f"{shot.name}: {wide} px wider than the screen\n")
    return page.screenshot(full_page=shot.whole)


def reduced(png: bytes) -> bytes:
    """Return the picture packed well; with fewer colours only where it is large.

    Fewer colours are taken from what there is little of: the marks of severity.
    """
    image = Image.open(io.BytesIO(png)).convert("RGB")
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    if out.tell() > MOST_BYTES:
        out = io.BytesIO()
        image.quantize(256, method=Image.Quantize.MAXCOVERAGE).save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    """Take every picture and write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--address", default="http://127.0.0.1:8080", help="the console")
    parser.add_argument("--name", default="operator", help="who signs in; not a firm")
    parser.add_argument("--password", required=True, help="as `liftwatch run` prints it")
    parser.add_argument("--database", type=Path, help="var/liftwatch.db: for the one-tap link")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where pictures go")
    parser.add_argument("--lines", type=int, default=3, help="wait for so many alerts")
    parser.add_argument("--wait", type=float, default=240, help="but no longer than this, in s")
    parser.add_argument("--browser", default=shutil.which("chromium"), help="path of Chromium")
    parser.add_argument("--only", nargs="*", default=[], help="these pictures, by name")
    asked = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=asked.browser, args=FLAGS)
        page = context(browser, asked.address, Shot("", "")).new_page()
        session = sign_in(page, asked.name, asked.password)
        alert = trapped(page, asked.lines, asked.wait)
        link = link_of(asked.database, alert) if asked.database else None
        for shot in shots(int(alert["id"]), alert["subject"], link):
            if asked.only and shot.name not in asked.only:
                continue
            own = context(browser, asked.address, shot)
            if shot.path != link:
                own.add_cookies(session)
            png = reduced(take(own.new_page(), shot))
            own.close()
            (asked.folder / f"{shot.name}.png").write_bytes(png)
            big = " - too large" if len(png) > MOST_BYTES else ""
            sys.stderr.write(f"{shot.name}.png {len(png) // 1000} KB{big}\n")
        browser.close()


if __name__ == "__main__":
    main()
