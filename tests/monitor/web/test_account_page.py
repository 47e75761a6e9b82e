"""/account and /api in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from monitor.web.sessions import COOKIE
from tests.monitor.web.conftest import cookie_of
from tests.monitor.web.house import PASSWORD, House, Running

expect.set_options(timeout=30_000)


def enter(page: Page, running: Running, house: House, name: str, lang: str = "en") -> None:
    value, _ = cookie_of(running.server.config.app, house, name)  # type: ignore[arg-type]
    page.context.add_cookies(
        [
            {"name": COOKIE, "value": value, "url": running.url},
            {"name": "lang", "value": lang, "url": running.url},
        ]
    )


def test_a_token_is_made_shown_once_used_and_revoked(
    page: Page, running: Running, house: House
) -> None:
    house.raise_alert(0)
    enter(page, running, house, "firm-a")
    page.goto(running.url + "/account")
    expect(page.get_by_label("administer")).to_have_count(0)
    page.get_by_label("Name: which").fill("dispatch")
    page.get_by_label("may act").check()
    page.get_by_role("button", name="Make a token").click()
    text = page.locator("#token-text").inner_text()
    assert re.fullmatch(r"lw_[0-9a-f]{12}_[\w-]{32}", text)
    assert page.evaluate("document.activeElement.id") == "made"
    headers = {"Authorization": f"Bearer {text}"}
    answer = page.context.request.get(running.url + "/api/v1/me", headers=headers)
    assert answer.json()["token"]["scope"] == ["read", "act"]
    page.goto(running.url + "/account")
    assert text not in page.content()
    page.get_by_role("button", name="Revoke dispatch").click()
    expect(page.get_by_role("status").first).to_contain_text("revoked")
    assert page.context.request.get(running.url + "/api/v1/me", headers=headers).status == 401


def test_ones_own_password_sessions_and_looks(page: Page, running: Running, house: House) -> None:
    enter(page, running, house, "firm-a")
    page.goto(running.url + "/account")
    for current, again, told in (
        ("wrong wrong wrong", "a brand new one", "present password is wrong"),
        (PASSWORD, "another brand new", "differently twice"),
    ):
        page.get_by_label("Present password").fill(current)
        page.get_by_label("New password, at least").fill("a brand new one")
        page.get_by_label("New password again").fill(again)
        page.get_by_role("button", name="Change the password").click()
        expect(page.get_by_role("alert").first).to_contain_text(told)
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password, at least").fill("a brand new one")
    page.get_by_label("New password again").fill("a brand new one")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("status").first).to_contain_text("password changed")
    page.get_by_role("button", name="End all other sessions").click()
    expect(page.get_by_role("status").first).to_contain_text("other sessions have ended")
    page.locator("select[name=theme]").select_option("dark")
    page.locator("select[name=lang]").select_option("zh_CN")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("button", name="更改口令")).to_be_visible()


def test_the_api_page_finds_and_opens_an_operation(
    page: Page, running: Running, house: House
) -> None:
    enter(page, running, house, "operator")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(running.url + "/api#get-feed")
    feed = page.locator("#get-feed")
    expect(feed.get_by_text("event: beat", exact=True)).to_be_visible()
    expect(feed).to_contain_text('"behind_ms": 120')
    page.get_by_label("Find an operation").fill("post tokens revoke")
    expect(page.locator(".operation:visible")).to_have_count(1)
    page.get_by_label("Find an operation").fill("nothing like it")
    expect(page.locator("#none")).to_be_visible()
    assert all(url.startswith(running.url) for url in asked), "nothing from another host"
