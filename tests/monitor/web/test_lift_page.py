"""The page of a lift in a real browser: live drawing, charts by key and mouse, parts, export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from monitor.web import i18n
from monitor.web.sessions import COOKIE
from tests.monitor.web.conftest import cookie_of
from tests.monitor.web.house import House, Running
from tests.monitor.web.town import reg_code
from tests.support.browser import box_of

expect.set_options(timeout=20_000)
LIFT = reg_code(0)


@pytest.fixture(autouse=True)
def no_errors(page: Page) -> Iterator[None]:
    told: list[str] = []
    page.on("console", lambda m: told.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    yield
    assert not [text for text in told if "ERR_CONNECTION_REFUSED" not in text]


def open_lift(
    page: Page, running: Running, house: House, query: str = "", lang: str = "en"
) -> None:
    page.set_default_timeout(20_000)
    value, _ = cookie_of(running.server.config.app, house, "operator")  # type: ignore[arg-type]
    page.context.add_cookies([{"name": COOKIE, "value": value, "url": running.url}])
    page.context.add_cookies([{"name": i18n.COOKIE, "value": lang, "url": running.url}])
    page.goto(f"{running.url}/lifts/{LIFT}{query}")


def test_the_drawing_follows_and_turns_grey(
    page: Page, running: Running, house: House, end_ms: int
) -> None:
    house.say(0, people=2.0, load=40.0, door_state=4.0, motor_temp=30.0)
    open_lift(page, running, house)
    shaft = page.locator("#shaft")
    expect(shaft).to_have_attribute("data-state", "standing")
    expect(shaft).to_have_attribute("data-door", "open")
    height = page.evaluate("document.documentElement.scrollHeight")
    house.say(0, service_mode=2.0, load=80.0, door_state=2.0, motor_temp=31.0)
    expect(shaft).to_have_attribute("data-state", "out")
    expect(shaft).to_have_attribute("data-door", "closed")
    expect(page.locator("#load")).to_have_attribute("width", "80")
    house.say(0, age_ms=600_000, load=80.0, motor_temp=31.0)
    expect(shaft).to_have_attribute("data-state", "silent")
    expect(page.locator(".stale-cover")).to_be_visible()
    expect(page.locator("#live-state")).to_contain_text("silent for 10 min")
    good = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--good')")
    assert page.evaluate("getComputedStyle(document.getElementById('shaft')).getPropertyValue("
                         "'--tone')") != good  # fmt: skip
    assert page.evaluate("document.documentElement.scrollHeight") == height, "nothing has moved"


def test_charts_by_keyboard_and_mouse(
    page: Page, running: Running, house: House, end_ms: int
) -> None:
    house.say(0)
    house.raise_alert(0)
    open_lift(page, running, house, "?range=6h&channel=speed&channel=door_state")
    strips = page.locator("#strips")
    expect(page.locator(".strip[data-name]")).to_have_count(2)
    expect(page.locator(".lane-alert.sev-critical").first).to_be_attached()
    said = page.locator("#cursor-said")
    strips.focus()
    page.keyboard.press("ArrowLeft")
    expect(said).not_to_have_text("last values")
    expect(page.locator(".strip[data-name=door_state] output")).to_have_text("closed")
    wide = int(strips.get_attribute("data-width") or 0)
    page.keyboard.press("+")
    expect(strips).not_to_have_attribute("data-width", str(wide))
    assert "from=" in page.url
    page.go_back()
    expect(strips).to_have_attribute("data-width", str(wide))
    box = box_of(strips)
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 90, steps=4)
    page.mouse.up()
    expect(strips).not_to_have_attribute("data-width", str(wide))


def test_parts_load_when_opened_and_have_an_address(
    page: Page, running: Running, house: House, end_ms: int
) -> None:
    house.say(0)
    open_lift(page, running, house)
    page.get_by_role("link", name="Data quality").click()
    expect(page.locator("#part")).to_contain_text("Times without data")
    assert page.url.endswith("tab=quality")
    page.reload()
    expect(page.locator("#part")).to_contain_text("Times without data")
    page.go_back()
    expect(page.locator("#strips")).to_be_visible()


def test_a_part_that_does_not_come_says_so_once_and_leaves_all_as_it_was(
    page: Page, running: Running, house: House, end_ms: int
) -> None:
    house.say(0)
    open_lift(page, running, house)
    expect(page.locator("#strips")).to_be_visible()
    page.route("**/part?*", lambda route: route.abort("connectionrefused"))
    for name in ("Data quality", "Documents"):
        with page.expect_event("requestfailed"):
            page.get_by_role("link", name=name).click()
        expect(page.locator("#part")).not_to_have_attribute("aria-busy", "true")
        expect(page.locator("#part > .notice.bad")).to_have_count(1)
    expect(page.locator("#strips")).to_be_visible()
    expect(page.locator(".tabs [aria-current]")).to_have_attribute("data-tab", "charts")
    page.unroute("**/part?*")
    page.get_by_role("link", name="Data quality").click()
    expect(page.locator("#part")).to_contain_text("Times without data")
    expect(page.locator("#part > .notice.bad")).to_have_count(0)


def test_an_export_shows_how_far_it_is(
    page: Page, running: Running, house: House, end_ms: int, tmp_path: Path
) -> None:
    house.say(0)
    open_lift(page, running, house, "?tab=export")
    with page.expect_download() as got:
        page.get_by_role("button", name="Download").click()
    file = tmp_path / "raw.csv"
    got.value.save_as(file)
    assert len(file.read_text("utf-8").splitlines()) == 1 + 4500
    expect(page.locator(".progress-line span")).to_contain_text("100 %, 4,500 rows")
