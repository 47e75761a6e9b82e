"""An administrator in a real browser: changes a rule, sees its back-test, saves, the next alert
obeys, and undoes it. And every page of administration for everybody's eyes and hands."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.tables import alert
from monitor.web.sessions import COOKIE
from tests.monitor.web.admin_history import write_history
from tests.monitor.web.conftest import cookie_of
from tests.monitor.web.house import House, Running

expect.set_options(timeout=120_000)


def enter(page: Page, running: Running, house: House, name: str = "admin") -> None:
    value, _ = cookie_of(running.server.config.app, house, name)  # type: ignore[arg-type]
    page.context.add_cookies([{"name": COOKIE, "value": value, "url": running.url}])


def severity(house: House, number: int) -> str:
    with reading(house.engine) as conn:
        query = select(alert.c.severity).where(alert.c.id == number)
        return str(conn.execute(query).scalar_one())


def test_a_rule_is_changed_back_tested_obeyed_and_undone(
    page: Page, running: Running, house: House
) -> None:
    write_history(house, hours=6)
    enter(page, running, house)
    page.goto(f"{running.url}/admin")
    page.get_by_role("link", name="规则", exact=True).first.click()
    page.fill("[name=q]", "16b")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="16b 长时间开门").click()
    page.get_by_role("link", name="修改", exact=True).click()

    page.fill("[name=hold_s]", "soon")
    page.get_by_role("button", name="检查").click()
    expect(page.get_by_role("alert")).to_contain_text("hold_s")
    expect(page.locator("[name=hold_s]")).to_have_attribute("aria-invalid", "true")
    page.fill("[name=hold_s]", "190")  # the doors stand open for 200 s: it still rings, later
    page.select_option("[name=severity]", "major")
    page.get_by_role("button", name="检查").click()
    expect(page.get_by_role("status")).to_contain_text("检查通过")

    page.fill("[name=days]", "3")
    page.get_by_role("button", name="回测", exact=True).click()
    table = page.locator("#trial table.trial")
    expect(table).to_contain_text("会触发", timeout=120_000)  # a process of its own, of low rank
    rung = table.locator("tr", has_text="会触发").first.locator("td")
    in_force = int(rung.nth(1).inner_text())
    assert in_force > 0 and int(rung.nth(0).inner_text()) == in_force
    expect(page.locator("#trial")).to_contain_text("秒")
    expect(page.locator("[name=hold_s]")).to_have_value("190")

    page.fill("[name=comment]", "夜间搬运")
    page.get_by_role("button", name="保存为第 1 版").click()
    expect(page.locator(".desk-notice")).to_contain_text("admin")
    expect(page.locator("main")).to_contain_text("文件为 60")
    expect(page.locator("main")).to_contain_text("夜间搬运")
    assert severity(house, house.raise_alert(5, "16b", people=0)) == "major"

    page.get_by_role("button", name="恢复为文件").click()
    expect(page.locator(".desk-notice")).to_have_count(0)
    assert severity(house, house.raise_alert(6, "16b", people=0)) == "minor"
    page.get_by_role("button", name="恢复第 1 版").click()
    expect(page.locator(".desk-notice")).to_be_visible()
    assert house.rulebook.read().version("16b") == 3


def test_a_person_is_invited_and_sets_a_password(
    page: Page, running: Running, house: House
) -> None:
    enter(page, running, house)
    page.goto(f"{running.url}/admin/people")
    page.fill("[name=name]", "li.wei")
    page.get_by_role("button", name="邀请", exact=True).click()
    link = page.locator(".secret-once").inner_text()
    path = link[link.index("/invitation/") :]
    page.context.clear_cookies()
    page.goto(running.url + path)
    page.fill("[name=password]", "a long password")
    page.fill("[name=again]", "a long password")
    page.get_by_role("button", name="设置", exact=True).click()
    page.fill("[name=name]", "li.wei")
    page.fill("[name=password]", "a long password")
    page.get_by_role("button", name="登录").click()
    expect(page).to_have_url(f"{running.url}/alerts")


def test_the_menus_fold_on_a_phone(page: Page, running: Running, house: House) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    enter(page, running, house)
    page.goto(f"{running.url}/health")
    menu = page.locator("#main-menu")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="主菜单").click()
    expect(menu.get_by_role("link", name="系统管理")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="管理栏目").click()
    page.locator("#side-menu").get_by_role("link", name="审计").click()
    expect(page).to_have_url(f"{running.url}/admin/audit")
