"""The one-tap page as a mechanic's telephone shows it: 360 px wide, with and without JavaScript."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect

from tests.monitor.web.house import House, Running

expect.set_options(timeout=15_000)
SHOTS = os.environ.get("LIFTWATCH_SHOTS")
"""A folder to keep the pictures in, for whoever wants to look at them."""


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def phone(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(
        viewport={"width": 360, "height": 740}, java_script_enabled=request.param,
        locale="zh-CN", device_scale_factor=2, color_scheme="light",
    )  # fmt: skip
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def shot(page: Page, folder: Path, name: str) -> None:
    file = Path(SHOTS or folder) / f"{name}.png"
    page.screenshot(path=file, full_page=True)
    with Image.open(file) as image:
        assert image.width == 720, "nothing makes the page wider than the telephone"


def test_a_rescue_by_one_thumb(phone: Page, running: Running, house: House, tmp_path: Path) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    phone.on("request", note)
    house.raise_alert(0, rule="18", people=None, ago_s=4000)
    alert = house.raise_alert(0)
    link = running.url + "/p/" + house.desk.pages.links.token(alert, "c-anda", house.now_ms())
    phone.goto(link)
    shot(phone, tmp_path, "tap-1-opened")
    for button, done in (
        ("接单", "已接单"), ("赶往", "赶往"), ("到场", "已到场"), ("解困", "已解困"),
    ):  # fmt: skip
        phone.get_by_role("button", name=button, exact=True).click()
        expect(phone.locator(".done")).to_contain_text(done)
    phone.locator("summary", has_text="门系统").click()
    shot(phone, tmp_path, "tap-2-causes")
    phone.get_by_role("button", name="层门锁触点").click()
    expect(phone.locator(".done")).to_contain_text("已填原因")

    photo = tmp_path / "photo.jpg"
    out = BytesIO()
    Image.linear_gradient("L").resize((800, 600)).convert("RGB").save(out, "JPEG")
    photo.write_bytes(out.getvalue())
    phone.set_input_files("[name=photo]", photo)
    phone.locator(".photo button").click()
    expect(phone.locator(".photos img")).to_be_visible()

    phone.goto(link)
    expect(phone.locator(".done")).to_contain_text("张伟")
    expect(phone.locator(".cause")).to_contain_text("层门锁触点")
    shot(phone, tmp_path, "tap-3-again")
    assert all(url.startswith(running.url) for url in asked), "no other host is asked"


def test_in_english(phone: Page, running: Running, house: House, tmp_path: Path) -> None:
    alert = house.raise_alert(0)
    phone.goto(running.url + "/p/" + house.desk.pages.links.token(alert, "c-anda", house.now_ms()))
    phone.get_by_role("link", name="English").click()
    expect(phone.get_by_role("button", name="Accept", exact=True)).to_be_enabled()
    shot(phone, tmp_path, "tap-4-english")
