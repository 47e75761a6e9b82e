"""A whole night by keyboard alone, from the bell to an empty list; and the same rescue on a
mechanic's phone, from the page that was sent to the second opening of its link."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.tables import alert as alert_table
from alerts.database.tables import journal, outbox
from tests.monitor.web.house import House, Running
from tests.monitor.web.test_story import COUNT_TONES
from tests.monitor.web.town import PASSWORD
from tests.support.browser import box_of
from tests.support.wait import until

expect.set_options(timeout=20_000)
STEPS = (
    "acknowledged",
    "accepted",
    "note",
    "departed",
    "arrived",
    "freed",
    "cause_filed",
    "verified",
)


@pytest.fixture(autouse=True)
def quiet(page: Page) -> Iterator[None]:
    """Nothing the browser would complain about."""
    told: list[str] = []
    page.set_default_timeout(20_000)
    page.on("console", lambda m: told.append(m.text) if m.type == "error" else None)
    yield
    assert not told


def tab_to(page: Page, selector: str, most: int = 40) -> None:
    """Go there as somebody without a mouse does."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"{selector} is not reached by {most} tabs")


def kinds(house: House, number: int) -> list[str]:
    with reading(house.engine) as conn:
        query = select(journal.c.kind).where(journal.c.alert_id == number).order_by(journal.c.id)
        return [str(kind) for kind in conn.execute(query).scalars()]


def since(house: House, number: int) -> int:
    with reading(house.engine) as conn:
        query = select(alert_table.c.since_ms).where(alert_table.c.id == number)
        return int(conn.execute(query).scalar_one())


def test_a_night_from_the_bell_to_an_empty_list(page: Page, running: Running, house: House) -> None:
    page.add_init_script(COUNT_TONES)
    house.say(0, age_ms=-300_000, people=3.0, door_zone=0.0)
    page.goto(running.url)
    page.keyboard.type("operator")  # the field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#pulse")).to_have_attribute("data-state", "live")
    expect(page.locator("#empty")).to_contain_text("没有未结警情")
    tab_to(page, "#sound")
    page.keyboard.press("Enter")
    expect(page.locator("#sound")).to_have_text("声音开")
    heard = page.evaluate("window.tones")

    number = house.raise_alert(0)
    row = page.locator(f"#alert-{number}")
    expect(row).to_contain_text("非平层困人")
    expect(row).to_contain_text("未确认")
    until(lambda: page.evaluate("window.tones") > heard, what="the bell")
    expect(page.locator(".tile.held")).to_contain_text("3 人")
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(row).to_contain_text("已确认")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/alerts/{number}")
    expect(page.locator("#pulse")).to_have_attribute("data-state", "live")
    expect(page.locator("h1")).to_contain_text("轿内 3 人")
    head = page.locator("#head")

    def step(key: str, done: str) -> None:
        page.keyboard.press(key)
        page.keyboard.press("Enter")
        expect(head).to_contain_text(done)

    step("c", "已接单")
    page.keyboard.press("n")
    page.keyboard.type("乘客情绪稳定，钥匙在门岗")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#note .note-text")).to_have_text("乘客情绪稳定，钥匙在门岗")
    step("d", "赶往")
    step("r", "已到场")
    step("f", "已解困")
    house.say(0, age_ms=-300_000, door_state=4.0)
    house.clear_alert(0, "1", since(house, number))
    expect(head).to_contain_text("锁定，待复查")
    page.keyboard.press("u")
    page.keyboard.press("Space")
    step("u", "门系统")
    step("v", "已结")
    expect(page.locator("#acts")).to_be_hidden()
    for word in ("已接单", "赶往", "到场", "解困", "复查"):
        expect(page.locator("#timeline")).to_contain_text(word)

    page.keyboard.press("Shift+Tab")
    tab_to(page, "a.brand", most=120)
    page.keyboard.press("Enter")
    expect(page.locator("#empty")).to_contain_text("没有未结警情")
    written = kinds(house, number)
    assert [kind for kind in written if kind in STEPS] == list(STEPS)
    assert written[0] == "raised" and "cleared" in written


def link_for(house: House, number: int, contact: str) -> str:
    """The link that stands in the page that was sent, as a path of the console."""
    with reading(house.engine) as conn:
        query = select(outbox.c.payload).where(
            outbox.c.alert_id == number, outbox.c.contact == contact
        )
        payload = conn.execute(query.order_by(outbox.c.id)).scalars().first()
    assert payload is not None, "the firm was paged"
    told = payload if isinstance(payload, dict) else json.loads(payload)
    return "/p/" + str(told["link"]).rsplit("/", 1)[1]


def test_a_mechanic_on_a_phone_from_the_page_to_the_second_opening(
    chromium: Browser, running: Running, house: House, tmp_path: Path
) -> None:
    context = chromium.new_context(
        viewport={"width": 360, "height": 740}, device_scale_factor=2, is_mobile=True,
        has_touch=True, locale="zh-CN",
    )  # fmt: skip
    context.set_default_timeout(20_000)
    phone = context.new_page()
    number = house.raise_alert(0)
    link = running.url + link_for(house, number, "c-anda")
    phone.goto(link)
    expect(phone.locator("h1")).to_have_text("非平层困人")
    big = phone.locator(".big > form > button, .big > details > summary")
    expect(big).to_have_count(4)
    for i in range(4):
        box = box_of(big.nth(i))
        assert min(box["width"], box["height"]) >= 44, "for a thumb in a glove"
    for button, done in (("接单", "已接单"), ("到场", "已到场"), ("解困", "已解困")):
        phone.get_by_role("button", name=button, exact=True).tap()
        expect(phone.locator(".done")).to_contain_text(done)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360, done
    phone.locator("summary", has_text="门系统").tap()
    phone.get_by_role("button", name="层门锁触点").tap()
    expect(phone.locator(".cause")).to_contain_text("层门锁触点")
    out = BytesIO()
    Image.linear_gradient("L").resize((800, 600)).convert("RGB").save(out, "JPEG")
    (tmp_path / "photo.jpg").write_bytes(out.getvalue())
    phone.set_input_files("[name=photo]", tmp_path / "photo.jpg")
    phone.locator(".photo button").tap()
    expect(phone.locator(".photos img")).to_be_visible()

    again = context.new_page()  # the link in the message is tapped a second time
    again.goto(link)
    expect(again.locator(".done")).to_contain_text("张伟")
    expect(again.locator(".cause")).to_contain_text("层门锁触点")
    expect(again.locator(".photos img")).to_have_count(1)
    disabled = again.locator(".big > form > button")
    assert all(disabled.nth(i).is_disabled() for i in range(disabled.count()))
    once = [kind for kind in kinds(house, number) if kind in STEPS]
    assert once == ["acknowledged", "accepted", "arrived", "freed", "cause_filed"], "each once"
    context.close()
