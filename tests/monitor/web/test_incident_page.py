"""The incident page in a browser: a night by keyboard alone, the replay, the live lift, axe."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route, expect

from alerts.model import Step
from monitor.web.sessions import COOKIE
from tests.monitor.web.conftest import cookie_of
from tests.monitor.web.house import House, Running
from tests.monitor.web.test_incident import LIU, ZHANG, old, stuck
from tests.support.wait import until

expect.set_options(timeout=30_000)
MOST_BYTES = 500_000


@pytest.fixture(autouse=True)
def quiet_console(page: Page) -> Iterator[None]:
    """Nothing the browser would complain about."""
    told: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A step that is refused answers 409, and the browser says so by itself.
        if message.type in ("error", "warning") and "409" not in message.text:
            told.append(message.text)

    page.set_default_timeout(30_000)
    page.on("console", note)
    page.on("pageerror", lambda error: told.append(str(error)))
    yield
    assert not told


def enter(page: Page, running: Running, house: House, lang: str = "zh_CN") -> None:
    value, _ = cookie_of(running.server.config.app, house, "operator")  # type: ignore[arg-type]
    page.context.add_cookies(
        [
            {"name": COOKIE, "value": value, "url": running.url},
            {"name": "lang", "value": lang, "url": running.url},
        ]
    )


def open_alert(page: Page, running: Running, alert: int) -> None:
    page.goto(f"{running.url}/alerts/{alert}")
    expect(page.locator("#pulse")).to_have_attribute("data-state", "live")


def look(page: Page, running: Running, alert: int) -> None:
    open_alert(page, running, alert)
    page.locator("#replay").scroll_into_view_if_needed()
    expect(page.locator("#replay")).to_have_attribute("data-state", "drawn")


def part(page: Page, name: str) -> str:
    return page.locator(f"#replay [data-part={name}]").inner_text()


def place(page: Page) -> float:
    """Where the car is drawn."""
    told = page.locator("#replay .car").get_attribute("transform") or ""
    found = re.search(r"translate\(0 ([\d.]+)\)", told)
    assert found, told
    return float(found[1])


def test_the_replay_is_moved_by_keyboard_and_never_jumps(
    page: Page, running: Running, house: House
) -> None:
    alert = stuck(house)
    house.say(0, age_ms=120_000)
    enter(page, running, house)
    look(page, running, alert)
    page.locator("[data-span-choice=moment]").click()
    expect(page.locator("[data-span-choice=moment]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#replay [aria-current=true]")).to_contain_text("警情发生")
    slider = page.get_by_role("slider", name="所示时刻")
    told = slider.get_attribute("aria-valuetext") or ""
    assert "停在两层之间，层显为 7 层" in told and "轿内 2 人" in told
    expect(page.locator(".replay-shaft")).to_have_attribute("data-between", "yes")

    page.locator(".moments button", has_text=re.compile(":")).first.press("Enter")
    page.get_by_text("轿厢启动：4 层").locator("button").press("Enter")
    assert "上行，4 层" in (slider.get_attribute("aria-valuetext") or "")
    slider.focus()
    before, highest = place(page), place(page)
    for _ in range(16):  # a second each, up to the stop
        page.keyboard.press("ArrowRight")
        now = place(page)
        assert now <= before + 0.01, "on its way up it never goes back"
        assert before - now < 40, "and does not jump over a floor"
        before = now
    assert before < highest
    expect(page.locator("[data-part=floor]")).to_have_text("7 层")
    cursor = page.locator(".strips .cursor")
    at_stop = float(cursor.get_attribute("x1") or 0)
    page.keyboard.press("ArrowLeft")
    assert float(cursor.get_attribute("x1") or 0) < at_stop, "the strips' cursor goes along"
    page.locator("[data-action=zoomIn]").click()
    assert float(cursor.get_attribute("x1") or 0) != at_stop

    page.locator("[data-speed-choice='20']").click()
    page.get_by_text("轿厢启动：1 层").locator("button").press("Enter")
    low = place(page)
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="暂停")).to_be_visible()
    until(lambda: place(page) < low - 20, what="the car to have moved")
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="播放", exact=True)).to_be_visible()
    rest = place(page)
    expect(page.locator("#replay [data-part=said]")).not_to_be_empty()
    assert place(page) == rest


def test_a_lift_that_talks_is_shown_live_and_one_that_falls_silent_grey(
    page: Page, running: Running, house: House
) -> None:
    alert = stuck(house)
    enter(page, running, house)
    look(page, running, alert)
    expect(page.locator(".live-dot")).to_be_hidden()  # nothing was heard from it yet

    def opened() -> bool:
        house.say(0, people=0.0, car_position=5.0, door_zone=1.0, door_state=4.0)
        return part(page, "door") == "开到位"

    until(opened, 40, what="the door to be seen open")
    expect(page.locator(".live-dot")).to_be_visible()
    expect(page.locator("[data-part=floor]")).to_have_text("5 层")
    assert part(page, "people") == "0"
    house.say(0, age_ms=3_600_000)
    expect(page.locator(".replay-shaft")).to_have_attribute("data-state", "silent")
    expect(page.locator("[data-part=frame]")).to_contain_text("没有收到该电梯的数据")


def test_live_goes_on_after_an_answer_that_is_none(
    page: Page, running: Running, house: House
) -> None:
    alert = stuck(house)
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=409)
        else:
            route.continue_()

    page.route("**/live", answer)
    enter(page, running, house)
    look(page, running, alert)
    house.say(0, age_ms=-60_000, people=0.0)
    expect(page.locator(".live-dot")).to_be_visible()
    assert len(asked) > 1
    page.unroute_all(behavior="ignoreErrors")


def test_text_and_focus_stay_in_the_form_they_were_in(
    page: Page, running: Running, house: House
) -> None:
    alert = house.raise_alert(0, "12", people=None)
    enter(page, running, house)
    open_alert(page, running, alert)
    head, shelf = page.locator("#head"), page.locator("#acts .shelf [name=comment]")
    comment = page.locator("#acts form[action$='/comment'] [name=comment]")
    shelf.fill("等配件")
    house.desk.act(alert, Step.ACCEPT, ZHANG, house.now_ms())
    house.wake()
    expect(head).to_contain_text("已确认")
    expect(shelf).to_have_value("等配件")
    expect(shelf).to_be_focused()
    expect(comment).to_have_value("")
    cancel = page.locator("#acts [data-step=cancel]")
    cancel.focus()
    later = house.now_ms() + 3_600_000
    house.desk.act(alert, Step.SHELVE, LIU, house.now_ms(), comment="改日", until_ms=later)
    house.wake()
    expect(head).to_contain_text("已搁置")
    expect(shelf).to_have_count(0)
    expect(cancel).to_be_focused()


def test_a_comment_that_was_taken_does_not_stay_when_all_is_renewed_meanwhile(
    page: Page, running: Running, house: House
) -> None:
    alert = house.raise_alert(0)
    enter(page, running, house)
    open_alert(page, running, alert)
    held: list[Route] = []

    def hold(route: Route) -> None:  # playwright marks the function: it has to be one of ours
        held.append(route)

    page.route(f"**/api/v1/alerts/{alert}/arrive", hold)
    comment = page.locator("#acts form[action$='/comment'] [name=comment]")
    comment.fill("已去现场")
    page.locator("#acts [data-step=arrive]").click()
    until(lambda: page.title() and held, what="the step to be sent")
    house.desk.act(alert, Step.ACCEPT, ZHANG, house.now_ms())
    house.wake()
    expect(page.locator("#head")).to_contain_text("已接单")
    expect(comment).to_have_value("已去现场")  # nothing is lost before it is taken
    held[0].continue_()
    expect(page.locator("#timeline")).to_contain_text("已去现场")
    expect(comment).to_have_value("")


def test_nothing_moves_under_an_open_question(page: Page, running: Running, house: House) -> None:
    alert = house.raise_alert(0, "12", people=None)
    enter(page, running, house)
    open_alert(page, running, alert)
    page.fill("#acts form[action$='/comment'] [name=comment]", "误报")
    page.locator("#acts [data-step=cancel]").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    asked = page.evaluate(
        "() => { const was = window.fetch; window.asked = 0;"
        " window.fetch = (...told) => { asked += !String(told[0]).includes('/api/');"
        " return was(...told); };"
        " document.querySelector('[data-filter]').click(); return window.asked; }"
    )
    assert asked == 0
    page.keyboard.press("Enter")  # "no" has the focus
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.wait_for_function("() => window.asked > 0")
    expect(page.locator("#acts [data-step=cancel]")).to_be_focused()


def test_a_night_by_keyboard_alone(page: Page, running: Running, house: House) -> None:
    alert = stuck(house)
    enter(page, running, house)
    open_alert(page, running, alert)
    head = page.locator("#head")

    def step(key: str, done: str) -> None:
        page.keyboard.press(key)
        page.keyboard.press("Enter")
        expect(head).to_contain_text(done)
        page.evaluate("document.activeElement.blur()")

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("接单")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    step("c", "已接单")
    page.keyboard.press("n")
    page.keyboard.type("钥匙在门岗")
    # Meanwhile the mechanic arrives, and a colleague has written a note: nothing typed is lost.
    house.desk.act(alert, Step.ARRIVE, ZHANG, house.now_ms())
    house.desk.note(alert, "物业已到", LIU, house.now_ms())
    house.wake()
    expect(head).to_contain_text("已到场")
    expect(page.locator("#note .note-text")).to_have_text("物业已到")
    expect(page.locator("#note textarea")).to_have_value("钥匙在门岗")
    expect(page.locator("#note textarea")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("刘洋 已于")
    page.evaluate("document.activeElement.blur()")
    step("f", "已解困")
    page.keyboard.press("u")
    page.keyboard.press("Space")
    step("u", "门系统")
    page.keyboard.press("v")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("请写明后再复查")
    expect(page.locator("#acts [name=comment]").last).to_be_focused()
    page.keyboard.type("已试运行")
    page.evaluate("document.activeElement.blur()")
    step("v", "已结")


def test_cancelling_asks_twice_and_the_second_tap_is_told_kindly(
    page: Page, running: Running, house: House
) -> None:
    alert = house.raise_alert(0, "12", people=None)
    enter(page, running, house)
    open_alert(page, running, alert)
    cancel = page.get_by_role("button", name="取消警情")
    cancel.click()
    expect(page.locator("#toast")).to_contain_text("取消须写明理由")
    page.keyboard.type("误报")
    cancel.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("误报")
    page.keyboard.press("Enter")  # "no" has the focus
    expect(dialog).to_be_hidden()
    expect(page.locator("#head")).to_contain_text("未确认")
    # Somebody is a moment faster: the page has not heard of it yet.
    page.route("**/api/v1/feed*", lambda route: route.abort())
    house.desk.act(alert, Step.ACCEPT, ZHANG, house.now_ms())
    page.get_by_role("button", name="接单").click()
    toast = page.locator("#toast")
    expect(toast).to_contain_text("张伟 已于")
    expect(toast).to_have_class(re.compile(r"^notice toast\s*$"))
    page.fill("#acts [name=comment]", "误报")
    cancel.click()
    dialog.get_by_role("button", name="是，执行").click()
    expect(page.locator("#head")).to_contain_text("已结")


def test_it_is_light(chromium: Browser, running: Running, house: House) -> None:
    old(house, 60, "door.landing_lock")
    alert = stuck(house)
    house.raise_alert(6, "18", people=None)
    house.desk.note(alert, "钥匙在门岗", LIU, house.now_ms())
    context = chromium.new_context(viewport={"width": 1440, "height": 800})
    page = context.new_page()
    page.set_default_timeout(30_000)
    loaded: list[Request] = []

    def note(request: Request) -> None:  # playwright marks the function: it has to be one of ours
        loaded.append(request)

    page.on("requestfinished", note)
    enter(page, running, house, "zh_CN")
    look(page, running, alert)
    size = sum(one.sizes()["responseBodySize"] for one in list(loaded))
    assert 30_000 < size < MOST_BYTES
    assert all(one.url.startswith(running.url) for one in loaded)
    context.close()
