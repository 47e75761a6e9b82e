"""Shelving, out of service, suppression: by the API, and by the console in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from monitor.web.sessions import COOKIE
from tests.monitor.web.conftest import Client, Enter, cookie_of
from tests.monitor.web.house import House, Running
from tests.monitor.web.town import reg_code

expect.set_options(timeout=15_000)
HOUR = 3_600_000


async def post(client: Client, path: str, **body: object) -> tuple[int, dict[str, object]]:
    headers = {"X-CSRF-Token": client.csrf}
    answer = await client.post(f"/api/v1{path}", json=body, headers=headers)
    return answer.status_code, answer.json()


async def test_shelving_by_the_api(enter: Enter, house: House) -> None:
    alert, other = house.raise_alert(0, "12", None), house.raise_alert(1, "12", None)
    desk, firm = enter("operator"), enter("firm-a")
    path = f"/alerts/{alert}/shelve"
    assert "shelve" in (await desk.get(f"/api/v1/alerts/{alert}")).json()["legal_steps"]
    assert "shelve" not in (await firm.get(f"/api/v1/alerts/{alert}")).json()["legal_steps"]
    status, told = await post(desk, path, comment="parts ordered", hours=25)
    assert (status, told["field"]) == (409, "step")
    assert "24 h at most" in str(told["detail"])
    assert (await post(firm, path, comment="x", hours=2))[0] == 409
    status, told = await post(desk, path, comment="parts ordered", hours=2)
    assert (status, told["changed"]) == (200, True)
    shelved = (await desk.get("/api/v1/alerts", params={"state": "shelved"})).json()["alerts"]
    assert [(a["id"], a["aside_reason"]) for a in shelved] == [(alert, "parts ordered")]
    assert abs(shelved[0]["aside_until_ms"] - house.now_ms() - 2 * HOUR) < 60_000
    query = {"state": "unacknowledged"}
    needing = (await desk.get("/api/v1/alerts", params=query)).json()["alerts"]
    assert [a["id"] for a in needing] == [other]
    status, told = await post(desk, f"/alerts/{alert}/unshelve")
    assert (status, told["changed"]) == (200, True)
    assert (await desk.get("/api/v1/alerts", params={"state": "aside"})).json()["alerts"] == []


async def test_people_in_the_car_cannot_be_set_aside(enter: Enter, house: House) -> None:
    alert, desk = house.raise_alert(0), enter("operator", "zh-CN")
    for path in (f"/alerts/{alert}/shelve", f"/lifts/{reg_code(0)}/take_out_of_service"):
        said = {"comment" if "alerts" in path else "reason": "维修", "hours": 1}
        status, told = await post(desk, path, **said)
        assert status == 409
        assert "轿内有人" in str(told["detail"])


async def test_lifts_out_of_service_and_suppressed(enter: Enter, house: House) -> None:
    desk, firm, other = enter("operator"), enter("firm-a"), enter("firm-b")
    lift = next(
        x.reg_code for x in house.registry.lifts if x.maintenance == "anda"
    )  # firm-a's  # fmt: skip
    number = house.registry.row_of[lift]
    out = f"/lifts/{lift}/take_out_of_service"
    assert (await post(firm, out, reason="x", hours=1))[0] == 409
    assert (await post(other, out, reason="x", hours=1))[0] == 404
    status, told = await post(desk, out, reason="ropes", hours=8)
    assert (status, told["changed"]) == (200, True)
    status, told = await post(desk, out, reason="ropes", hours=8)
    assert (status, told["changed"]) == (200, False)
    alert = house.raise_alert(number, "12", None)
    aside = (await desk.get("/api/v1/alerts", params={"state": "out_of_service"})).json()["alerts"]
    assert [a["id"] for a in aside] == [alert]
    assert (await post(desk, f"/lifts/{lift}/suppress", reason="x", hours=1, rules=["nope"]))[
        0
    ] == 404
    visit = await post(desk, f"/lifts/{lift}/suppress", reason="visit", hours=2, rules=["18"])
    listed = (await firm.get("/api/v1/suppressions")).json()["suppressions"]
    assert [(o["kind"], o["rules"]) for o in listed] == [
        ("suppressed", ["18"]), ("out_of_service", []),
    ]  # fmt: skip
    assert (await other.get("/api/v1/suppressions")).json()["suppressions"] == []
    order = visit[1]["order"]
    assert (await post(other, f"/suppressions/{order}/release"))[0] == 404
    assert (await post(desk, f"/suppressions/{order}/release"))[1]["changed"] is True
    assert (await post(desk, f"/lifts/{lift}/return_to_service"))[1]["changed"] is True
    detail = (await desk.get(f"/api/v1/alerts/{alert}")).json()
    assert detail["aside"] == "none"
    assert detail["deliveries"]


async def test_a_link_does_not_shelve(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0, "12", None)
    token = house.desk.pages.links.token(alert, "c-desk", house.now_ms())
    answer = await enter().post(f"/p/{token}/shelve", data={"comment": "x"})
    assert answer.status_code == 303
    assert house.desk.next_due_ms() is not None
    detail = (await enter("operator").get(f"/api/v1/alerts/{alert}")).json()
    assert detail["aside"] == "none"
    assert detail["timeline"][-1]["data"]["outcome"] == "not_from_here"


def sign_in(page: Page, running: Running, house: House, lang: str) -> None:
    value, _ = cookie_of(running.server.config.app, house, "operator")  # type: ignore[arg-type]
    page.context.add_cookies(
        [
            {"name": COOKIE, "value": value, "url": running.url},
            {"name": "lang", "value": lang, "url": running.url},
        ]
    )


@pytest.mark.parametrize("lang", ["zh_CN", "en"])
def test_a_shelf_in_the_browser(page: Page, running: Running, house: House, lang: str) -> None:
    zh = lang == "zh_CN"
    sign_in(page, running, house, lang)
    alert = house.raise_alert(0, "12", None)
    page.goto(f"{running.url}/alerts/{alert}")
    expect(page.locator("#pulse")).to_have_attribute("data-state", "live")  # now it asks first
    form = page.locator("form.shelf")
    form.locator("[name=comment]").fill("等配件")
    form.locator("[name=hours]").select_option("4")
    form.get_by_role("button").click()
    page.get_by_role("button", name="是，执行" if zh else "Yes, do it").click()
    head = page.locator("#head")
    expect(head).to_contain_text("等配件")
    expect(head).to_contain_text("已搁置" if zh else "Shelved")
    expect(page.locator("#timeline")).to_contain_text("已搁置" if zh else "Shelved")
    page.goto(f"{running.url}/alerts?state=aside")
    expect(page.locator(f"#alert-{alert}")).to_contain_text("已搁置" if zh else "Shelved")
    page.goto(f"{running.url}/alerts/{alert}")
    page.get_by_role("button", name="取消搁置" if zh else "Take from the shelf").click()
    expect(page.locator("#timeline")).to_contain_text("恢复通知" if zh else "Pages again")
    expect(page.locator("form.shelf")).to_be_visible()
    house.raise_alert(1)
    page.goto(f"{running.url}/alerts/{alert + 1}")
    expect(page.locator("#acts")).to_be_visible()
    expect(page.locator("form.shelf")).to_have_count(0)  # people in the car


def test_out_of_service_in_the_browser(page: Page, running: Running, house: House) -> None:
    sign_in(page, running, house, "zh_CN")
    page.goto(f"{running.url}/lifts/{reg_code(0)}")
    aside = page.locator("#aside")
    form = aside.locator("form[action$=take_out_of_service]")
    form.locator("[name=reason]").fill("更换曳引绳")
    form.locator("[name=hours]").select_option("72")
    form.get_by_role("button").click()
    expect(aside).to_contain_text("电梯停用")
    expect(aside).to_contain_text("更换曳引绳")
    alert = house.raise_alert(0, "12", None)
    page.goto(f"{running.url}/alerts/{alert}")
    expect(page.locator("#head")).to_contain_text("电梯停用")
    page.goto(f"{running.url}/lifts/{reg_code(0)}")
    page.get_by_role("button", name="恢复使用").click()
    expect(page.locator("#aside form[action$=take_out_of_service]")).to_be_visible()
    visit = page.locator("#aside form[action$=suppress]")
    visit.locator("[name=reason]").fill("半月保养")
    visit.get_by_role("button").click()
    expect(page.locator("#aside")).to_contain_text("按计划抑制")
    page.get_by_role("button", name="解除抑制").click()
    expect(page.locator("#aside")).not_to_contain_text("半月保养")
