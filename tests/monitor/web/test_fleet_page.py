"""Wall, map, search and big screen in a real browser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from monitor.web.fleet.outlines import FILE
from monitor.web.sessions import COOKIE
from tests.monitor.web import house as houses
from tests.monitor.web.conftest import cookie_of
from tests.monitor.web.house import House, Running
from tests.monitor.web.town import PASSWORD, reg_code
from tests.support.accounts import add_account
from tests.support.browser import box_of

expect.set_options(timeout=15_000)
RING = [[106.44, 29.51], [106.56, 29.51], [106.56, 29.6], [106.44, 29.6], [106.44, 29.51]]


@pytest.fixture
def desk(house: House, running: Running, page: Page) -> Page:
    for row in range(len(house.registry)):
        house.say(row, age_ms=-120_000)  # fresh for as long as the test may take
    outline = {"type": "Polygon", "coordinates": [RING]}
    told = {"kind": "office", "name_zh": "石桥铺街道", "name_en": "Shiqiaopu"}
    feature = {"type": "Feature", "properties": told, "geometry": outline}
    body = {"type": "FeatureCollection", "features": [feature]}
    (house.settings.site.folder / FILE).write_text(json.dumps(body), "utf-8")
    sign_in(house, running, page, "operator")
    return page


def sign_in(house: House, running: Running, page: Page, name: str) -> None:
    value, _ = cookie_of(running.server.config.app, house, name)  # type: ignore[arg-type]
    page.context.add_cookies([{"name": COOKIE, "value": value, "url": running.url}])


def fleet(page: Page, what: str) -> Any:
    return page.evaluate(
        f"(() => {{ const f = document.querySelector('.stage').fleet; return {what} }})()"
    )


def test_the_wall_is_live_and_goes_by_keyboard_alone(
    house: House, running: Running, desk: Page
) -> None:
    desk.goto(f"{running.url}/lifts/wall")
    expect(desk.locator("#stage[data-ready=yes]")).to_be_visible()
    expect(desk.locator("#tally [data-state=normal] b")).to_have_text("24")
    house.raise_alert(5)
    house.say(8, age_ms=900_000)
    expect(desk.locator("#tally [data-state=people] b")).to_have_text("1")
    expect(desk.locator("#tally [data-state=silent] b")).to_have_text("1")
    expect(desk.locator("#changed")).to_contain_text("770105")
    expect(desk.locator("#calling a")).to_have_count(1)
    desk.locator("#stage").focus()
    desk.keyboard.press("n")
    expect(desk.locator("#said")).to_contain_text("770105, 轿内有人")
    desk.keyboard.press("ArrowRight")
    expect(desk.locator("#said")).not_to_contain_text("770105")
    desk.keyboard.press("+")
    assert fleet(desk, "f.stage.view.k") > 1
    desk.keyboard.press("n")
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"**/lifts/{reg_code(5)}")


def test_a_wall_that_hears_nothing_shows_nothing_as_well(
    house: House, running: Running, desk: Page
) -> None:
    desk.goto(f"{running.url}/lifts/wall")
    expect(desk.locator("#stage[data-ready=yes]")).to_be_visible()
    desk.route("**/api/v1/lifts/states*", lambda route: route.abort())
    expect(desk.locator("#stale")).to_be_visible()
    assert fleet(desk, "f.data.stale")
    desk.unroute("**/api/v1/lifts/states*")
    expect(desk.locator("#stale")).to_be_hidden()


def test_one_source_that_is_well_hides_no_warning_of_another(
    house: House, running: Running, desk: Page
) -> None:
    desk.goto(f"{running.url}/wall")
    expect(desk.locator("#big-wall[data-ready=yes]")).to_be_visible()
    desk.route("**/api/v1/lifts/states*", lambda route: route.abort())
    expect(desk.locator("#stale")).to_be_visible()
    desk.evaluate(
        "(() => { const banner = document.getElementById('stale'); window.seen = new Set();"
        " window.hid = 0; new MutationObserver(() => { window.hid += banner.hidden;"
        " seen.add(banner.textContent); }).observe(banner, { attributes: true, childList: true });"
        "})()"
    )
    desk.wait_for_function("() => window.seen.size > 2")  # so many seconds later
    assert desk.evaluate("window.hid") == 0
    desk.unroute("**/api/v1/lifts/states*")
    expect(desk.locator("#stale")).to_be_hidden()


def test_the_overview_is_renewed_under_the_keyboard(
    house: House, running: Running, desk: Page
) -> None:
    desk.goto(f"{running.url}/lifts")
    expect(desk.get_by_role("link", name="大屏")).to_have_attribute("href", "/wall")
    link = desk.locator("#overview tbody th a").nth(3)
    href = link.get_attribute("href")
    link.focus()
    for lift, count in ((5, "1"), (6, "2")):
        house.raise_alert(lift)
        expect(desk.locator("#tally [data-state=people] b")).to_have_text(count)
        assert desk.evaluate("document.activeElement.getAttribute('href')") == href


def test_a_press_that_ends_outside_leaves_nothing_at_the_pointer(
    house: House, running: Running, desk: Page
) -> None:
    desk.goto(f"{running.url}/lifts/map")
    expect(desk.locator("#stage[data-ready=yes]")).to_be_visible()
    box = box_of(desk.locator("#stage"))
    x, y = box["x"], box["y"] + box["height"] / 2
    desk.mouse.move(x + 2, y)
    desk.mouse.down()
    desk.mouse.move(x - 8, y)
    desk.mouse.up()
    before = fleet(desk, "({...f.view.stage.view})")
    desk.mouse.move(x + 100, y, steps=4)
    assert fleet(desk, "({...f.view.stage.view})") == before


def test_the_map_draws_outlines_and_opens_lifts(house: House, running: Running, desk: Page) -> None:
    foreign: list[str] = []
    desk.on(
        "request", lambda one: None if one.url.startswith(running.url) else foreign.append(one.url)
    )
    house.raise_alert(3)
    desk.goto(f"{running.url}/lifts/map")
    expect(desk.locator("#stage[data-ready=yes]")).to_be_visible()
    assert fleet(desk, "f.view.map.features.length") == 1
    desk.wait_for_function(
        "() => document.querySelector('.stage').fleet.view.map.raised?.length === 1"
    )
    desk.locator("#stage").focus()
    desk.keyboard.press("n")
    expect(desk.locator("#tip")).to_contain_text("770103")
    desk.mouse.move(700, 500)
    before = fleet(desk, "f.view.stage.view.k")
    desk.mouse.wheel(0, -300)
    desk.wait_for_function(
        f"() => document.querySelector('.stage').fleet.view.stage.view.k > {before}"
    )
    assert not [one for one in foreign if not one.startswith("data:")]


def test_search_opens_by_a_slash_and_by_initials(running: Running, desk: Page) -> None:
    desk.goto(f"{running.url}/lifts")
    expect(desk.locator("#find[data-ready=yes]")).to_be_visible()
    desk.keyboard.press("/")
    desk.keyboard.type("qrmyy")
    expect(desk.locator("#found a")).to_have_count(4)
    expect(desk.locator("#found a").first).to_contain_text("区人民医院")
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"**/lifts/{reg_code(3)}")


def test_the_big_screen_stays_on_what_is_life_critical(
    house: House, running: Running, desk: Page
) -> None:
    add_account(house.engine, "screen", PASSWORD, "viewer")
    sign_in(house, running, desk, "screen")
    desk.goto(f"{running.url}/wall")
    expect(desk.locator("#big-wall[data-ready=yes]")).to_be_visible()
    expect(desk.locator("header.bar")).to_have_count(0)
    house.raise_alert(2)
    expect(desk.locator("body")).to_have_attribute("data-view", "map")
    expect(desk.locator("body")).to_have_attribute("data-staying", "yes")
    expect(desk.locator(".big-people b")).to_have_text("1")
    expect(desk.locator(".big-due li").first).to_be_visible()


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The house has 10,000 lifts."""
    small = houses.registry_of
    monkeypatch.setattr(houses, "registry_of", lambda _count: small(9999 + 1))


def test_ten_thousand_marks_stay_fluent(
    many: None, house: House, running: Running, page: Page
) -> None:
    sign_in(house, running, page, "operator")
    page.goto(f"{running.url}/lifts/wall")
    expect(page.locator("#stage[data-ready=yes]")).to_be_visible()
    assert fleet(page, "f.wall.shown.length") == 10_000
    assert fleet(page, "f.wall.pitch") > 5  # all on one screen, none smaller than 5 px
    sizes = page.evaluate(
        "[performance.getEntriesByType('navigation')[0],"
        " ...performance.getEntriesByType('resource')].reduce((s, e) => s + e.transferSize, 0)"
    )
    assert sizes < 500_000
    page.evaluate(
        "(() => { const { stage } = document.querySelector('.stage').fleet;"
        " const { draw } = stage.hooks; window.parts = [];"
        " stage.hooks.draw = (c, view, part) => { parts.push(part); draw(c, view, part); }; })()"
    )
    house.raise_alert(7)
    expect(page.locator("#tally [data-state=people] b")).to_have_text("1")
    place = fleet(page, f"f.cursor.screen(f.data.roster.reg_code.indexOf('{reg_code(7)}'))")
    # One mark has changed: what is drawn anew is a square around it, not ten thousand of them.
    around = (
        "([x, y]) => parts.some(([left, top, wide, high]) => wide < 200 && high < 200"
        " && left < x && x < left + wide && top < y && y < top + high)"
    )
    page.wait_for_function(around, arg=place)
