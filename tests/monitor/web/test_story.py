"""The console in a real browser: what an operator and a mechanic go through in one night."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from alerts.model import Actor, Role, Step
from monitor.web.sessions import COOKIE
from tests.monitor.web.conftest import cookie_of
from tests.monitor.web.house import House, Running
from tests.monitor.web.town import PASSWORD, reg_code
from tests.support.wait import until

expect.set_options(timeout=15_000)
COUNT_TONES = """
window.tones = 0;
const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  window.tones += 1;
  return make.call(this);
};
"""


@pytest.fixture(autouse=True)
def no_violations(page: Page) -> Iterator[None]:
    """No page may want what its policy forbids."""
    told: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            told.append(message.text)

    page.on("console", note)
    yield
    assert not told


def enter(page: Page, running: Running, house: House, name: str = "operator") -> None:
    value, _ = cookie_of(running.server.config.app, house, name)  # type: ignore[arg-type]
    page.context.add_cookies([{"name": COOKIE, "value": value, "url": running.url}])


def open_list(page: Page, running: Running) -> None:
    page.goto(f"{running.url}/alerts")
    expect(page.locator("#pulse")).to_have_attribute("data-state", "live")


def test_from_signing_in_to_a_verified_rescue(page: Page, running: Running, house: House) -> None:
    house.say(0, people=3.0, door_zone=0.0)
    page.goto(running.url)
    page.fill("[name=name]", "operator")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#pulse")).to_have_attribute("data-state", "live")
    expect(page.locator("#empty")).to_be_visible()

    alert = house.raise_alert(0)
    row = page.locator(f"#alert-{alert}")
    expect(row).to_contain_text("非平层困人")
    expect(row).to_contain_text("未确认")
    expect(page.locator(".tile.held")).to_contain_text("3 人")
    row.get_by_role("button", name="确认").click()
    expect(row).to_contain_text("已确认")

    row.locator("a.what").click()
    expect(page.locator("h1")).to_contain_text("轿内 3 人")
    expect(page.locator("#evidence")).to_contain_text("开锁区域")
    expect(page.locator("#calls")).to_contain_text("张伟")
    page.locator("#replay").scroll_into_view_if_needed()
    expect(page.locator("#replay")).to_have_attribute("data-state", "drawn")
    page.get_by_role("button", name="接单").click()
    expect(page.locator("#toast")).to_have_text("已接单")
    expect(page.locator("#head")).to_contain_text("已接单")

    page.fill("#acts [name=comment]", "物业已在现场")  # somebody else acts while this is written
    firm = Actor("张伟", Role.FIRM, "anda", "c-anda")
    house.desk.act(alert, Step.ARRIVE, firm, house.now_ms())
    house.wake()
    expect(page.locator("#head")).to_contain_text("已到场")
    expect(page.locator("#timeline")).to_contain_text("张伟")
    expect(page.locator("#acts [name=comment]")).to_have_value("物业已在现场")

    page.get_by_role("button", name="解困", exact=True).click()
    expect(page.locator("#head")).to_contain_text("已解困")
    expect(page.locator("#timeline")).to_contain_text("物业已在现场")
    page.get_by_text("门系统").click()
    page.fill("[name=cause_more]", "7 层门锁")
    page.get_by_role("button", name="填报原因").click()
    expect(page.locator("#head")).to_contain_text("门系统：7 层门锁")
    page.get_by_role("button", name="复查结案").click()
    expect(page.locator("#toast")).to_contain_text("请写明后再复查")
    page.fill("#acts [name=comment]", "已试运行")
    page.get_by_role("button", name="复查结案").click()
    expect(page.locator("#head")).to_contain_text("已结")
    expect(page.locator("#acts")).to_be_hidden()


def test_rows_stand_still_under_the_pointer(page: Page, running: Running, house: House) -> None:
    enter(page, running, house)
    first = house.raise_alert(1, "18", people=None)
    open_list(page, running)
    row = page.locator(f"#alert-{first}")
    row.locator(".c-type").hover()
    before = row.bounding_box()
    second = house.raise_alert(0)
    expect(page.locator("#news")).to_have_text("1 条新警情，其中紧急 1 条：按 n 显示")
    expect(page.locator("#news")).to_have_class(re.compile("sev-critical"))
    house.desk.act(first, Step.ACKNOWLEDGE, Actor("x", Role.OPERATOR), house.now_ms())
    house.wake()
    expect(row).to_contain_text("已确认")  # what is seen is true, only the place is kept
    assert row.bounding_box() == before, "neither the row nor its news moved it"
    expect(page.locator("#alerts tbody tr")).to_have_count(1)
    page.keyboard.press("n")
    expect(page.locator("#alerts tbody tr")).to_have_count(2)
    page.mouse.move(5, 5)
    order = page.locator("#alerts tbody tr").evaluate_all("rows => rows.map(r => +r.dataset.id)")
    assert order == [second, first]


def test_the_keyboard_is_enough(page: Page, running: Running, house: House) -> None:
    enter(page, running, house)
    ids = [house.raise_alert(i) for i in range(3)]
    open_list(page, running)
    order = page.locator("#alerts tbody tr").evaluate_all("rows => rows.map(r => +r.dataset.id)")
    assert order == ids[::-1]
    for key in ("j", "j", "j", "k"):
        page.keyboard.press(key)
    page.keyboard.press("a")
    chosen = page.locator(f"#alert-{order[1]}")
    expect(chosen).to_contain_text("已确认")
    expect(chosen.locator("a.what")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/alerts/{order[1]}")
    page.goto(f"{running.url}/alerts")
    page.locator("[name=q]").focus()
    page.keyboard.type("ja")
    expect(page.locator("[name=q]")).to_have_value("ja")


def test_the_page_says_when_it_is_not_live(page: Page, running: Running, house: House) -> None:
    enter(page, running, house)
    open_list(page, running)
    expect(page.locator("#stale")).to_be_hidden()
    house.pulse_stands = True
    expect(page.locator("#stale")).to_contain_text("未处理数据")
    house.pulse_stands = False
    expect(page.locator("#stale")).to_be_hidden()
    running.stop()
    expect(page.locator("#stale")).to_contain_text("失去连接")
    expect(page.locator("#pulse")).to_have_attribute("data-state", "stale")


def test_sound_by_priority_and_silence_acknowledges_nothing(
    page: Page, running: Running, house: House
) -> None:
    page.add_init_script(COUNT_TONES)
    enter(page, running, house)
    open_list(page, running)
    tones = lambda: page.evaluate("window.tones")  # noqa: E731
    page.click("#sound-test")
    until(lambda: tones() == 9, what="five tones, two, one, one")
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "false")
    page.click("#sound")
    expect(page.locator("#sound")).to_have_text("声音开")
    before = tones()
    alert = house.raise_alert(0)
    until(lambda: tones() >= before + 5, what="the tones of a critical alert")
    page.click("#sound")
    expect(page.locator("#sound")).to_have_text("声音关")
    expect(page.locator(f"#alert-{alert}")).to_contain_text("未确认")


def test_the_lift_follows_what_it_says_until_it_is_silent(
    page: Page, running: Running, house: House
) -> None:
    enter(page, running, house)
    house.say(0, car_status=1.0, car_direction=1.0, car_position=3.0)
    page.goto(f"{running.url}/lifts/{reg_code(0)}")
    shaft = page.locator("#shaft")
    expect(shaft).to_have_attribute("data-direction", "up")
    house.say(0, car_position=9.0, door_state=4.0, people=2.0)
    expect(shaft).to_have_attribute("data-door", "open")
    expect(page.locator(".car-floor")).to_have_text("9")
    expect(page.locator("[data-channel=car_position] .v")).to_have_text("9 层")
    house.raise_alert(0, "12", people=None)
    expect(shaft).to_have_attribute("data-state", "alert")
    expect(page.locator("#lift-alerts")).to_contain_text("门区外停梯")
    house.say(0, age_ms=120_000)
    expect(shaft).to_have_attribute("data-state", "silent")
    expect(page.locator("#live-state")).to_contain_text("失联")


def test_a_mechanic_without_javascript_taps_through(
    chromium: Browser, running: Running, house: House
) -> None:
    alert = house.raise_alert(0)
    token = house.desk.pages.links.token(alert, "c-anda", house.now_ms())
    context = chromium.new_context(
        viewport={"width": 360, "height": 740}, java_script_enabled=False, locale="zh-CN"
    )
    page = context.new_page()
    page.goto(f"{running.url}/p/{token}")
    for button, done in (("接单", "已接单"), ("到场", "已到场"), ("解困", "已解困")):
        page.get_by_role("button", name=button).click()
        expect(page.locator(".done")).to_contain_text(done)
    page.locator("summary", has_text="门系统").click()  # the causes are open by then
    page.get_by_role("button", name="层门锁触点").click()
    expect(page.locator(".done")).to_contain_text("已填原因")
    context.close()


@pytest.mark.parametrize("lang", ["zh_CN", "en"])
def test_nothing_scrolls_sideways_on_a_phone(
    page: Page, running: Running, house: House, lang: str
) -> None:
    enter(page, running, house)
    page.context.add_cookies([{"name": "lang", "value": lang, "url": running.url}])
    page.set_viewport_size({"width": 360, "height": 740})
    house.say(0, people=3.0)
    alert = house.raise_alert(0)
    house.quarantine.add(value="x" * 200)
    token = house.desk.pages.links.token(alert, "c-anda", house.now_ms())
    lift = f"/lifts/{reg_code(0)}"
    for path in ("/alerts", "/alerts/1", "/lifts", lift, "/quarantine", "/health", f"/p/{token}"):
        page.goto(running.url + path)
        if lang == "en" and path == "/alerts/1":
            drawn = page.locator("#replay")
            drawn.scroll_into_view_if_needed()
            expect(drawn).to_have_attribute("data-state", "drawn")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, path
