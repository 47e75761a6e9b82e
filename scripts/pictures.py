"""Take the pictures of docs/tour.md anew: every page, two languages, two widths.

    make run                                  # in one window, for some minutes
    .venv/bin/python scripts/pictures.py --data var

It signs in as the demo's accounts (var/sign-in.toml), waits until somebody is trapped (about 45 s
after the start) and only looks: nothing is acknowledged. A page that this service does not have is
left out and said. `--only NAME…` takes some; `--strict` ends with 1 if a page is wider than its
screen. Needs playwright, Pillow and a Chromium.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import sqlite3
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright
from tour import FOLDER, STOPS, Stop, write_tour

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
COLOURS, EXACT = 128, 40
SCREENS = {1440: 900, 360: 740}
LOOKS = {"zh": ("zh_CN", "light"), "en": ("en", "dark")}
HELD = ("raised", "accepted", "on_the_way", "arrived")


def context(browser: Browser, address: str, look: str, width: int) -> BrowserContext:
    """Open a browser of its own; nothing moves in it, so that no icon is caught blinking."""
    lang, theme = LOOKS[look]
    made = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": SCREENS[width]},
        device_scale_factor=1 if width > 500 else 1.5,
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        has_touch=width < 500,
        locale="zh-CN" if look == "zh" else "en",
    )
    made.set_default_timeout(20_000)
    made.add_cookies([{"name": "lang", "value": lang, "url": address}])
    return made


def sign_in(page: Page, name: str, password: str) -> list[Any]:
    """Sign in and return the session's cookies. Raises SystemExit where it is refused."""
    page.context.clear_cookies(name="liftwatch")
    page.goto("/sign-in")
    page.fill("[name=name]", name)
    page.fill("[name=password]", password)
    with page.expect_navigation():
        page.click("main button")
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


def link_of(database: Path, alert: dict[str, Any]) -> str:
    """Return the one-tap link that the maintenance firm got, as a path of the console; or ""."""
    with sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True) as db:
        query = "select payload from outbox where alert_id = ? and unit = ? order by id"
        row = db.execute(query, (alert["id"], alert["maintenance"])).fetchone()
    return "/p/" + json.loads(row[0])["link"].rsplit("/", 1)[1] if row else ""


def places(page: Page, data: Path, alert: dict[str, Any]) -> dict[str, str]:
    """Return what fills the addresses: an alert, its lift, its firm, a gateway, a message."""
    gateways = page.request.get("/api/v1/links?limit=1").json()["gateways"]
    found = {
        "alert": str(alert["id"]),
        "lift": alert["subject"],
        "unit": alert["maintenance"],
        "link": link_of(data / "liftwatch.db", alert),
        "gateway": gateways[0]["gateway"] if gateways else "",
    }
    page.goto("/quarantine?state=all")
    message = page.locator("a[href^='/quarantine/']").first
    path = message.get_attribute("href") if message.count() else ""
    return found | {"message": (path or "").rsplit("/", 1)[-1]}


def take(page: Page, stop: Stop, path: str) -> bytes | None:
    """Return the picture as PNG, once the page is live; None where there is no such page."""
    answer = page.goto(path)
    if answer is None or answer.status == 404:
        return None
    if page.locator("#pulse").count():
        page.locator("#pulse[data-state=live]").wait_for()
    if stop.ready and page.locator(stop.ready.split("[")[0]).count():
        page.locator(stop.ready.split("[")[0]).scroll_into_view_if_needed()
        page.locator(stop.ready).wait_for()
        page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(600)
    size = page.viewport_size or {"width": 0, "height": 0}
    height = page.evaluate("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": size["width"], "height": min(height, stop.tall)}
    return page.screenshot(full_page=True, clip=clip)  # type: ignore[arg-type]


def packed(png: bytes) -> bytes:
    """Return the picture with few colours: what there is most of exactly, so that surfaces keep
    their tone, and the rest of what there is little of, the marks."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    counted = sorted(image.getcolors(image.width * image.height) or [], reverse=True)
    few = image.quantize(COLOURS - EXACT, method=Image.Quantize.MAXCOVERAGE)
    colours = [value for _, colour in counted[:EXACT] for value in colour]  # type: ignore[union-attr]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours + (few.getpalette() or [])[: 3 * (COLOURS - EXACT)])
    out = io.BytesIO()
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def asked() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--address", default="http://127.0.0.1:8080", help="the console")
    parser.add_argument("--data", type=Path, default=Path("var"), help="the service's data_dir")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where pictures go")
    parser.add_argument("--lines", type=int, default=3, help="wait for so many alerts")
    parser.add_argument("--wait", type=float, default=240, help="but no longer than this, in s")
    parser.add_argument("--browser", default=shutil.which("chromium"), help="path of Chromium")
    parser.add_argument("--invitation", default="", help="path of an open one, to be taken too")
    parser.add_argument("--only", nargs="*", default=[], help="these pages, by name")
    parser.add_argument("--strict", action="store_true", help="fail where a page is too wide")
    return parser.parse_args()


def main() -> int:
    """Take every picture and write it, then the tour's page."""
    ask = asked()
    ask.folder.mkdir(parents=True, exist_ok=True)
    known = tomllib.loads((ask.data / "sign-in.toml").read_text("utf-8"))
    too_wide, total = 0, 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=ask.browser, args=FLAGS)
        first = context(browser, ask.address, "en", 1440).new_page()
        sessions: dict[str, list[Any]] = {"": []}
        for name in ("firm", "admin", "operator"):
            first.context.clear_cookies()
            sessions[name] = sign_in(first, name, known[name]["password"])
        fill = places(first, ask.data, trapped(first, ask.lines, ask.wait))
        fill["invitation"] = ask.invitation
        for look in LOOKS:
            for width in SCREENS:
                made = context(browser, ask.address, look, width)
                page = made.new_page()
                for stop in STOPS:
                    if ask.only and stop.name not in ask.only:
                        continue
                    page.goto("about:blank")  # or the last page asks to sign in, and goes there
                    made.clear_cookies()
                    cookie = {"name": "lang", "value": LOOKS[look][0], "url": ask.address}
                    made.add_cookies([cookie, *sessions[stop.who]])  # type: ignore[list-item]
                    path = stop.path.format_map(fill)
                    name = f"{stop.name}-{look}-{width}"
                    try:
                        png = take(page, stop, path) if path and path[-1] != "/" else None
                    except Error as error:
                        sys.stderr.write(f"{name}: {str(error).splitlines()[0]}\n")
                        continue
                    if png is None:
                        sys.stderr.write(f"{name}: {path or stop.path} is not there; left out\n")
                        continue
                    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                    if wide > 0:
                        too_wide += 1
                        sys.stderr.write(f"{name}: {wide} px wider than the screen\n")
                    small = packed(png)
                    total += len(small)
                    (ask.folder / f"{name}.png").write_bytes(small)
                made.close()
        browser.close()
    write_tour(ask.folder)
    sys.stderr.write(f"{total / 1e6:.1f} MB\n")
    return 1 if ask.strict and too_wide else 0


if __name__ == "__main__":
    sys.exit(main())
