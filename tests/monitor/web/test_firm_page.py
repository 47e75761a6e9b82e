"""The unit's desk on a mechanic's telephone, installed, pushed to, and without a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from config.notify_settings import Notify, Push
from monitor.web.sessions import COOKIE
from tests.monitor.web import shift_site
from tests.monitor.web.conftest import cookie_of
from tests.monitor.web.house import House, Running
from tests.monitor.web.town import PASSWORD
from tests.support.browser import box_of
from tests.support.push import BrowserKeys
from tests.support.wait import until
from tests.support.webhook import Webhook

expect.set_options(timeout=15_000)
Opened = Callable[..., Page]


@pytest.fixture
def house(tmp_path: Path, webhook: Webhook) -> Iterator[House]:
    webhook.always(201)
    push = Push(services=[f"http://127.0.0.1:{webhook.port}"])
    house = House(tmp_path, notify=Notify(push=push))
    house.users()
    yield house
    house.engine.dispose()


@contextmanager
def browser_of(chromium: Browser, **more: Any) -> Iterator[tuple[BrowserContext, Page]]:
    """A context whose page may make no mistake in its console."""
    told: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "locale": "zh-CN"}
    context = chromium.new_context(**told | more)
    context.set_default_timeout(15_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield context, page
    context.close()
    assert not errors, f"errors in the browser's console: {errors}"


def sign_in(page: Page, running: Running, name: str = "firm-a") -> None:
    page.goto(running.url + "/")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.locator("form.sign-in button").click()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_rescue_by_one_thumb(
    chromium: Browser, running: Running, house: House, script: bool
) -> None:
    ident = house.raise_alert(0)
    with browser_of(chromium, java_script_enabled=script, has_touch=True) as (_, page):
        sign_in(page, running)
        assert page.url.startswith(running.url + "/firm"), "a firm lands on its desk"
        card = page.locator(f"#card-{ident}")
        expect(page.locator("table.alerts.wide")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        for button, then in (("接单", "已接单"), ("到场", "已到场"), ("解困", "已解困")):
            box = box_of(card.get_by_role("button", name=button, exact=True))
            assert box["height"] >= 44 and box["width"] >= 44
            card.get_by_role("button", name=button, exact=True).tap()
            expect(card.locator(".facts")).to_contain_text(then)
        card.locator("summary", has_text="原因").tap()
        card.locator(".causes summary", has_text="门系统").tap()
        card.get_by_role("button", name="层门锁触点").tap()
        expect(card.locator(".ticked")).to_contain_text("等待值班台复查")
        card.get_by_role("link").first.tap()
        expect(page).to_have_url(f"{running.url}/alerts/{ident}")
        page.go_back()
        expect(page.locator(f"#card-{ident}")).to_be_visible()


def test_what_comes_appears_by_itself_and_disturbs_nobody(
    chromium: Browser, running: Running, house: House
) -> None:
    first = house.raise_alert(0, rule="18", people=None)
    with browser_of(chromium, has_touch=True) as (_, page):
        sign_in(page, running)
        expect(page.locator("#pulse")).to_have_attribute("data-state", "live")
        card = page.locator(f"#card-{first}")
        card.locator("summary", has_text="原因").tap()
        card.locator("[name=more]").fill("层门")
        second = house.raise_alert(2, rule="18", people=None)
        news = page.get_by_role("button", name="有新情况")
        expect(news).to_be_visible()
        expect(page.locator(f"#card-{second}")).to_have_count(0)
        expect(card.locator("[name=more]")).to_have_value("层门")
        news.tap()
        expect(page.locator(f"#card-{second}")).to_be_visible()
        expect(news).to_be_hidden()
        expect(card.locator("[name=more]")).to_have_value("层门")
        expect(page.locator(f"#card-{second} [name=more]")).to_have_value("")
        third = house.raise_alert(4, rule="12", people=None)
        expect(news).to_be_visible()
        card.locator("summary", has_text="原因").tap()
        expect(page.locator(f"#card-{third}")).to_be_visible()
        house.raise_alert(1)  # of another firm
        expect(page.locator("#open-title")).to_contain_text("3")


def test_a_desk_that_was_left_open_is_renewed_again(
    chromium: Browser, running: Running, house: House
) -> None:
    first = house.raise_alert(0, rule="18", people=None)
    with browser_of(chromium, has_touch=True) as (_, page):
        page.clock.install()
        sign_in(page, running)
        expect(page.locator("#pulse")).to_have_attribute("data-state", "live")
        page.locator(f"#card-{first} summary", has_text="原因").tap()
        second = house.raise_alert(2)
        expect(page.get_by_role("button", name="有新情况")).to_be_visible()
        page.clock.fast_forward("02:01")
        expect(page.locator(f"#card-{second}")).to_be_visible()
        expect(page.locator(f"#card-{first} .big > details")).to_have_attribute("open", "")


def test_without_a_connection_nothing_old_is_shown(
    chromium: Browser, running: Running, house: House
) -> None:
    house.raise_alert(0)
    told = {"viewport": {"width": 360, "height": 740}, "locale": "zh-CN"}
    context = chromium.new_context(**told)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    page = context.new_page()
    sign_in(page, running)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    kept = page.evaluate(
        "caches.keys().then(async n => (await (await caches.open(n[0])).keys()).map(r => r.url))"
    )
    assert all("/static/" in url or url.endswith("/offline") for url in kept), kept
    context.set_offline(True)
    page.reload()
    expect(page.locator("h1").first).to_have_text("无法连接服务")
    assert "非平层" not in page.content()
    context.set_offline(False)
    page.locator("a.again").click()
    expect(page.locator(".job h3")).to_have_text("非平层困人")
    context.close()


def test_a_browser_subscribes_and_is_pushed_to(
    chromium: Browser, running: Running, house: House, webhook: Webhook
) -> None:
    """The browser's own push service is out of reach here: its answer is ours, all else is real."""
    keys = BrowserKeys()
    told = keys.json(f"http://127.0.0.1:{webhook.port}/push/7")
    with browser_of(chromium) as (context, page):
        context.grant_permissions(["notifications"], origin=running.url)
        page.add_init_script(
            "PushManager.prototype.subscribe = async (asked) => { window.asked = asked;"
            f" return {{ toJSON: () => ({told!r}), unsubscribe: async () => true }}; }};"
        )
        sign_in(page, running)
        page.get_by_role("button", name="在本设备开启").click()
        expect(page.locator("#toast")).to_contain_text("推送到这台设备")
        expect(page.locator(".devices li")).to_contain_text("张伟")
        assert len(house.push.of("c-anda")) == 1
        page.get_by_role("button", name="关闭").click()
        expect(page.locator(".devices li")).to_have_count(0)
        assert house.push.of("c-anda") == ()


def test_a_pushed_page_is_shown_and_leads_to_its_alert(
    chromium: Browser, running: Running, house: House
) -> None:
    with browser_of(chromium) as (context, page):
        context.grant_permissions(["notifications"], origin=running.url)
        sign_in(page, running)
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        session = context.new_cdp_session(page)
        found: list[str] = []
        session.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda told: found.extend(one["registrationId"] for one in told["registrations"]),
        )
        session.send("ServiceWorker.enable")
        until(lambda: page.evaluate("1") == 1 and bool(found), what="the registration's number")
        data = (
            '{"v":1,"alert":7,"severity":"critical","lang":"zh","title":"【紧急】非平层困人",'
            '"body":"地点：龙湖花园 1 栋","path":"/p/abc","sent_ms":1}'
        )
        told = {"origin": running.url, "registrationId": found[0], "data": data}
        session.send("ServiceWorker.deliverPushMessage", told)
        shown = (
            "navigator.serviceWorker.ready.then(r => r.getNotifications())"
            ".then(all => all.map(n => [n.title, n.body, n.tag, n.data.path]))"
        )
        until(lambda: bool(page.evaluate(shown)), what="the notification")
        assert page.evaluate(shown) == [
            ["【紧急】非平层困人", "地点：龙湖花园 1 栋", "alert-7", "/p/abc"]
        ]


def enter(page: Page, running: Running, house: House, name: str) -> None:
    value, _ = cookie_of(running.server.config.app, house, name)  # type: ignore[arg-type]
    page.context.add_cookies([{"name": COOKIE, "value": value, "url": running.url}])


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 360)])
def test_everybody_can_use_the_page_without_a_connection(
    page: Page, running: Running, scheme: Literal["light", "dark"], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(running.url + "/offline")
    found = Axe().run(page)
    assert not found.violations_count, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_report_prints_on_a4(chromium: Browser, running: Running, house: House) -> None:
    shift_site.busy(house)
    with browser_of(chromium, viewport={"width": 1440, "height": 900}) as (_, page):
        enter(page, running, house, "operator")
        page.goto(running.url + "/handover")
        page.emulate_media(media="print")
        for hidden in (".bar", ".handover-choose", "#sign form"):
            expect(page.locator(hidden).first).to_be_hidden()
        expect(page.locator(".signatures")).to_be_visible()
        assert page.pdf(format="A4", prefer_css_page_size=True).startswith(b"%PDF")
