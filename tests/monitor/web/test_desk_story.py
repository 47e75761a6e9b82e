"""The alert list in a real browser: by keyboard alone, under the pointer, over a restart, full."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import func, select

from alerts.database.access import reading, writing
from alerts.database.bulk import insert_rows
from alerts.database.tables import alert, journal
from alerts.model import Actor, Role, Step
from monitor.web.app import create_app
from monitor.web.sessions import COOKIE
from tests.monitor.web.conftest import cookie_of
from tests.monitor.web.house import House, Running
from tests.support.wait import until

expect.set_options(timeout=15_000)
WANG = Actor("王强", Role.OPERATOR)
PAGES = {
    "a": "/alerts",
    "l": "/lifts",
    "u": "/firm",
    "o": "/handover",
    "e": "/drills",
    "q": "/quality",
    "m": "/admin",
}


@pytest.fixture(autouse=True)
def no_errors(page: Page) -> Iterator[None]:
    """Nothing may stand in the browser's console, but what a lost connection puts there."""
    told: list[str] = []
    page.on("console", lambda m: told.append(m.text) if m.type == "error" else None)
    yield
    assert [text for text in told if "ERR_" not in text] == []


def enter(page: Page, running: Running, house: House, lang: str = "zh_CN") -> None:
    value, _ = cookie_of(running.server.config.app, house, "operator")  # type: ignore[arg-type]
    for name, said in ((COOKIE, value), ("lang", lang)):
        page.context.add_cookies([{"name": name, "value": said, "url": running.url}])


def open_list(page: Page, running: Running, query: str = "") -> None:
    page.goto(f"{running.url}/alerts{query}")
    expect(page.locator("#pulse")).to_have_attribute("data-state", "live")


def shown(page: Page) -> list[int]:
    found: list[int] = page.locator("#alerts tbody tr").evaluate_all(
        "rows => rows.map(r => +r.dataset.id)"
    )
    return found


def fill(house: House, count: int) -> None:
    """Many open alerts, copies of the one with id 1."""
    with writing(house.engine) as conn:
        row = dict(conn.execute(select(alert).where(alert.c.id == 1)).mappings().one())
        for i in range(2, count + 1, 2000):
            some = range(i, min(i + 2000, count + 1))
            insert_rows(conn, alert, [row | {"id": k, "since_ms": k, "raised_ms": row["raised_ms"] - k} for k in some])  # fmt: skip  # noqa: E501


def test_many_by_keyboard_alone(page: Page, running: Running, house: House) -> None:
    enter(page, running, house)
    for i in range(4):
        house.raise_alert(i, "12", people=None)
    trapped = house.raise_alert(5)
    open_list(page, running)
    order = shown(page)
    assert order[0] == trapped, "people in the car stand first"
    for key in ("j", "j", " ", "ArrowDown", " "):
        page.keyboard.press(key)
    expect(page.locator("#picked")).to_have_text("已选 2 条")
    house.desk.act(order[2], Step.ACKNOWLEDGE, WANG, house.now_ms())  # somebody is faster
    page.keyboard.press("a")
    expect(page.locator("#bulk [name=comment]")).to_be_focused()
    page.keyboard.type("停电, already known")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_have_text("已处理 1 条")
    expect(page.locator("#outcome")).to_contain_text("他人已先处理")
    expect(page.locator(f"#alert-{order[1]}")).to_contain_text("已确认")

    page.keyboard.press("Escape")
    until(lambda: set(shown(page)[3:]) == set(order[1:3]), what="what is seen to stand behind")
    order = shown(page)
    for key in ("j", "j", "s"):
        page.keyboard.press(key)
    expect(page.locator("#shelve")).to_be_visible()
    page.keyboard.type("等配件")
    page.keyboard.press("Enter")
    expect(page.locator(f"#alert-{order[1]}")).to_contain_text("已搁置")
    for key in ("k", "s"):
        page.keyboard.press(key)
    expect(page.locator("#toast")).to_contain_text("轿内有人")
    expect(page.locator("#shelve")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("[name=q]")).to_be_focused()
    page.keyboard.press("Escape")


def test_every_key_that_is_promised_leads_there(page: Page, running: Running, house: House) -> None:
    enter(page, running, house)
    open_list(page, running, "?severity=major")
    keys = page.locator("#keys dt").evaluate_all(
        "all => all.map(dt => [...dt.children].map(key => key.textContent))"
    )
    assert {last for first, *rest in keys if first == "g" for last in rest} == set(PAGES)
    for key, path in PAGES.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(running.url + path)
        open_list(page, running, "?severity=major")


def test_what_is_heard_while_rows_are_fetched_is_still_new(
    page: Page, running: Running, house: House
) -> None:
    enter(page, running, house)
    house.raise_alert(0, "12", people=None)
    open_list(page, running)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if len(held) < 2:
            held.append(route)
        else:
            route.continue_()

    page.route("**/alerts/rows*", hold)
    first = house.raise_alert(1, "18", people=None)
    until(lambda: page.title() and len(held) == 1, what="the first one to be asked for")
    trapped = house.raise_alert(2)
    with reading(house.engine) as conn:
        newest = conn.execute(select(func.max(journal.c.id))).scalar_one()
    seen = "localStorage.getItem('seen operator')"
    until(lambda: page.evaluate(seen) == str(newest), what="the second one to be heard")
    held[0].continue_()
    row = page.locator(f"#alert-{first}")
    expect(row).to_be_visible()
    row.locator(".c-type").hover()
    until(lambda: page.title() and len(held) == 2, what="the second one to be asked for")
    held[1].continue_()
    expect(page.locator("#urgent a")).to_have_attribute("data-id", str(trapped))
    expect(page.locator("#news")).to_be_visible()
    page.mouse.move(5, 5)
    expect(page.locator(f"#alert-{trapped}")).to_have_class(re.compile("fresh"))
    page.unroute_all(behavior="ignoreErrors")


def test_what_is_selected_is_counted_as_it_is_and_sent_once(
    page: Page, running: Running, house: House
) -> None:
    enter(page, running, house)
    ids = [house.raise_alert(i, "12", people=None) for i in range(3)]
    open_list(page, running)
    for ident in ids[:2]:
        page.locator(f"#alert-{ident} .c-pick input").check()
    expect(page.locator("#picked")).to_have_text("已选 2 条")
    page.mouse.move(5, 5)
    house.desk.act(ids[0], Step.CANCEL, WANG, house.now_ms(), comment="误报")
    house.wake()
    expect(page.locator("#alerts tbody tr")).to_have_count(2)
    expect(page.locator("#picked")).to_have_text("已选 1 条")
    held: list[Route] = []

    def hold(route: Route) -> None:  # playwright marks the function: it has to be one of ours
        held.append(route)

    page.route("**/api/v1/alerts/bulk", hold)
    page.locator("#bulk [name=comment]").focus()
    for _ in range(2):
        page.keyboard.press("Enter")
    until(lambda: page.title() and held, what="it to be sent")
    held[0].continue_()
    expect(page.locator("#toast")).to_have_text("已处理 1 条")
    assert len(held) == 1


def test_who_is_trapped_is_seen_at_once_and_moves_nothing(
    page: Page, running: Running, house: House
) -> None:
    enter(page, running, house)
    ids = [house.raise_alert(i, "12", people=None) for i in range(8)]
    open_list(page, running)
    row = page.locator(f"#alert-{shown(page)[2]}")
    row.locator(".c-type").hover()
    before = row.bounding_box()
    assert before is not None
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
    page.mouse.move(x, y)
    trapped = house.raise_alert(9)
    urgent = page.locator("#urgent a")
    expect(urgent).to_contain_text("非平层困人")
    expect(page.locator("#news")).to_contain_text("按 n 显示")
    assert row.bounding_box() == before
    under = "([x, y]) => document.elementFromPoint(x, y).closest('tr')?.id"
    assert page.evaluate(under, [x, y]) == row.get_attribute("id"), "nothing lies over it"
    house.desk.act(ids[0], Step.ACKNOWLEDGE, WANG, house.now_ms())
    house.wake()
    expect(page.locator(f"#alert-{ids[0]}")).to_contain_text("已确认")
    assert row.bounding_box() == before
    page.mouse.move(5, 5)
    expect(page.locator(f"#alert-{trapped}")).to_be_visible()
    assert shown(page)[0] == trapped
    expect(urgent).to_have_count(0)


def test_the_service_dies_and_comes_back_under_an_open_console(
    page: Page, running: Running, house: House
) -> None:
    enter(page, running, house)
    first = house.raise_alert(0, "12", people=None)
    open_list(page, running)
    running.stop()
    expect(page.locator("#stale")).to_contain_text("失去连接")
    until(lambda: page.title().startswith("⚠"), what="the title to say that it is old")
    second = house.raise_alert(1)
    house.desk.act(first, Step.ACKNOWLEDGE, WANG, house.now_ms())
    port = int(running.url.rsplit(":", 1)[1])
    again = Running(create_app(house), port)
    again.thread.start()
    try:
        expect(page.locator("#stale")).to_be_hidden()
        expect(page.locator(f"#alert-{first}")).to_contain_text("已确认")
        expect(page.locator(f"#alert-{second}")).to_be_visible()
        third = house.raise_alert(2, "18", people=None)
        expect(page.locator(f"#alert-{third}")).to_be_visible()
        assert sorted(shown(page)) == [first, second, third], "all, and none twice"
        until(lambda: page.title().startswith("(2)"), what="the title to count what calls")
        page.goto("about:blank")
    finally:
        again.stop()


def test_ten_thousand_open_alerts(page: Page, running: Running, house: House) -> None:
    enter(page, running, house)
    house.raise_alert(0, "12", people=None)
    fill(house, 10_000)
    open_list(page, running)
    expect(page.locator("#shown")).to_have_text("已显示 100 条，共 10,000 条")
    assert len(shown(page)) == 100
    page.locator("#further").scroll_into_view_if_needed()
    until(lambda: len(shown(page)) >= 200, what="a further page")
    assert len(set(shown(page))) == len(shown(page))
    trapped = house.raise_alert(3)
    expect(page.locator(f"#alert-{trapped}")).to_be_attached()
    assert shown(page)[0] == trapped
    expect(page.locator("#shown")).to_contain_text("共 10,001 条")
    expect(page.locator(".segments [aria-current] .count")).to_have_text(" (10,001)")


def test_filters_are_the_address(page: Page, running: Running, house: House) -> None:
    enter(page, running, house, "en")
    for i in range(4):
        house.raise_alert(i, "12" if i % 2 else "18", people=None)
    open_list(page, running)
    page.locator("[name=severity]").select_option("major")
    page.wait_for_url(re.compile(r"/alerts\?severity=major$"))
    expect(page.locator("#alerts tbody tr")).to_have_count(2)
    page.get_by_text("More filters").click()
    page.locator("[name=maintenance]").select_option("anda")
    page.wait_for_url(re.compile(r"maintenance=anda"))
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("[name=maintenance] option:checked")).to_have_text("Anda Maintenance (0)")
    page.go_back()
    page.wait_for_url(re.compile(r"/alerts\?severity=major$"))
    expect(page.locator("#alerts tbody tr")).to_have_count(2)
    expect(page.locator("[name=severity]")).to_have_value("major")
    house.raise_alert(6, "18", people=None)  # does not fit, and does not come
    fits = house.raise_alert(7, "12", people=None)
    expect(page.locator(f"#alert-{fits}")).to_be_visible()
    expect(page.locator("#alerts tbody tr")).to_have_count(3)


def test_silence_of_the_browser_is_told(page: Page, running: Running, house: House) -> None:
    page.add_init_script("localStorage.setItem('sound', 'on')")
    enter(page, running, house)
    open_list(page, running)
    expect(page.locator("#sound")).to_have_attribute("data-state", "blocked")
    house.raise_alert(0)
    expect(page.locator("#toast")).to_contain_text("不允许本页发声")
    page.mouse.click(5, 300)
    expect(page.locator("#sound")).to_have_attribute("data-state", "on")
    page.click("#sound")
    expect(page.locator("#toast")).to_contain_text("静音不等于确认")


def test_what_happened_meanwhile_is_told_once(page: Page, running: Running, house: House) -> None:
    enter(page, running, house)
    house.raise_alert(0, "12", people=None)
    open_list(page, running)
    expect(page.locator("#away")).to_be_hidden()
    page.goto("about:blank")
    house.raise_alert(1)
    open_list(page, running)
    expect(page.locator("#away")).to_contain_text("1 新触发")
    page.get_by_role("button", name="知道了").click()
    expect(page.locator("#away")).to_be_hidden()
    open_list(page, running)
    expect(page.locator("#away")).to_be_hidden()
