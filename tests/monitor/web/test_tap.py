"""The page behind a call's one link."""

from __future__ import annotations

import httpx

from alerts.links import Links
from alerts.tables import reading
from monitor.web.find import read_alert
from tests.monitor.web.conftest import Client, Enter
from tests.monitor.web.house import House


def link(house: House, alert: int, contact: str = "c-anda", ago_ms: int = 0) -> str:
    return "/p/" + house.desk.pages.links.token(alert, contact, house.now_ms() - ago_ms)


def state(house: House, alert: int) -> tuple[str, str, int]:
    with reading(house.engine) as conn:
        found = read_alert(conn, alert, None, None)
    assert found is not None
    return found["alarm_state"], found["rescue_state"], found["version"]


async def follow(client: Client, answer: httpx.Response) -> str:
    assert answer.status_code == 303
    return (await client.get(answer.headers["location"])).text


async def test_opening_a_link_changes_nothing_however_often_scanners_do(
    enter: Enter, house: House
) -> None:
    alert = house.raise_alert(0)
    before, client = state(house, alert), enter()
    for method in ("GET", "HEAD", "GET", "OPTIONS"):
        await client.request(method, link(house, alert))
    for step in ("accept", "arrive", "free", "file_cause"):
        answer = await client.get(f"{link(house, alert)}/{step}")
        assert answer.status_code in (404, 405)
    assert state(house, alert) == before


async def test_the_page_says_what_a_mechanic_needs(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    answer = await enter(lang="zh-CN").get(link(house, alert))
    for words in ("非平层困人", "龙湖花园 1 栋", "轿内 3 人", "770100", "开锁区域", "uri.amap.com"):
        assert words in answer.text
    for button in ("接单", "到场", "解困", "原因"):
        assert f">{button}<" in answer.text
    assert "data-due=" in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


async def test_four_taps_without_an_account_and_a_second_opening(
    enter: Enter, house: House
) -> None:
    alert = house.raise_alert(0)
    path, client = link(house, alert), enter(lang="zh-CN")
    assert "已接单" in await follow(client, await client.post(f"{path}/accept"))
    assert "已到场" in await follow(client, await client.post(f"{path}/arrive"))
    assert "已解困" in await follow(client, await client.post(f"{path}/free"))
    await client.post(f"{path}/file_cause", data={"cause": "door"})
    second = (await enter(lang="zh-CN").get(path)).text
    for words in ("已接单", "已到场", "已解困", "已填原因", "张伟"):
        assert words in second
    assert state(house, alert)[1] == "cause_filed"
    late = await follow(client, await client.post(f"{path}/accept"))
    assert "张伟 已于" in late, "a double tap names who was first"


async def test_a_link_that_proves_nothing_says_why(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    forged = Links("another secret", "http://x", prefix="/p/")
    for path, words in (
        (link(house, alert, ago_ms=25 * 3_600_000), "expired"),
        (link(house, alert)[:-2] + "xx", "not valid"),
        ("/p/" + forged.token(alert, "c-anda", house.now_ms()), "not valid"),
        (link(house, alert, "c-nobody"), "no longer in the directory"),
        (link(house, 999), "no such alert"),
    ):
        client = enter()
        opened = await client.get(path)
        assert (opened.status_code, words in opened.text) == (403, True), path
        tapped = await client.post(f"{path}/accept")
        assert tapped.status_code in (303, 403)
    assert state(house, alert)[2] == 1


async def test_a_contact_cannot_verify_its_own_work(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    path, client = link(house, alert), enter()
    await client.post(f"{path}/free")
    await client.post(f"{path}/file_cause", data={"cause": "door"})
    await client.post(f"{path}/verify", data={"comment": "fine"})
    await client.post(f"{path}/cancel", data={"comment": "fine"})
    assert state(house, alert)[1] == "cause_filed"


async def test_opening_a_link_leaves_somebodys_session_alone(enter: Enter, house: House) -> None:
    client = enter("operator")
    await client.get(link(house, house.raise_alert(0)))
    assert (await client.get("/api/v1/me")).json()["name"] == "operator"
