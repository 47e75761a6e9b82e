"""What a duty desk asks of many alerts at once: order and pages, steps, counts, a sheet."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from sqlalchemy import update

from alerts.database.access import writing
from alerts.database.tables import alert, timer
from alerts.model import Actor, Role, Step
from monitor.web import order, sheet
from monitor.web.console import alerts as console
from tests.monitor.web.conftest import Client, Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import reg_code

WANG = Actor("王强", Role.OPERATOR)


async def bulk(client: Client, step: str, ids: list[int], **more: object) -> tuple[int, Any]:
    headers = {"X-CSRF-Token": client.csrf}
    body = {"step": step, "ids": ids, **more}
    answer = await client.post("/api/v1/alerts/bulk", json=body, headers=headers)
    return answer.status_code, answer.json()


def due(house: House, alert_id: int, in_ms: int) -> None:
    """Give an alert one pending deadline."""
    with writing(house.engine) as conn:
        mine = timer.c.alert_id == alert_id
        conn.execute(update(timer).where(mine).values(due_ms=house.now_ms() + in_ms))


async def all_pages(client: Client, **query: str | int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await client.get("/api/v1/alerts", params={**query, **cursor})).json()
        found += page["alerts"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_people_come_first_then_the_deadline_then_severity(
    enter: Enter, house: House
) -> None:
    hour = 4 * order.QUARTER_MS
    minor_soon = house.raise_alert(0, "18", people=None)
    grave_later = house.raise_alert(1, "7", people=None)
    major_soon = house.raise_alert(2, "12", people=None)
    held = house.raise_alert(3, "1", people=2)
    for ident, later in ((minor_soon, 1), (major_soon, 1), (grave_later, 2), (held, 9)):
        due(house, ident, later * hour)
    found = await all_pages(enter("operator"), order="urgency")
    assert [a["id"] for a in found] == [held, major_soon, minor_soon, grave_later]


@pytest.mark.parametrize("state", ["open", "all"])
async def test_pages_by_cursor_hold_every_alert_once(
    state: str, enter: Enter, house: House
) -> None:
    ids = [house.raise_alert(i, ("1", "12", "18")[i % 3], people=None) for i in range(11)]
    for ident in ids[::4]:
        house.desk.act(ident, Step.ACKNOWLEDGE, WANG, house.now_ms())
    client = enter("operator")
    found = await all_pages(client, order="urgency", state=state, limit=3)
    assert sorted(a["id"] for a in found) == ids
    keys = [order.sort_key(a, state == "open") for a in found]
    assert keys == sorted(keys)
    newest = await all_pages(client, limit=3)
    assert [a["id"] for a in newest] == ids[::-1]
    for by, cursor in (("urgency", "12"), ("newest", "9" * 30)):
        wrong = await client.get("/api/v1/alerts", params={"order": by, "cursor": cursor})
        assert (wrong.status_code, wrong.json()["field"]) == (422, "cursor")


async def test_a_page_further_by_the_console(
    enter: Enter, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "PAGE", 4)
    ids = [house.raise_alert(i, "12", people=None) for i in range(10)]
    client, seen, path = enter("operator"), [], "/alerts"
    while path:
        page = (await client.get(path)).text
        seen += [int(n) for n in re.findall(r'<tr id="alert-(\d+)"', page)]
        assert "of 10 shown" in page
        further = re.search(r'<a href="(\?[^"]*after=\d+)" rel="next"', page)
        path = "/alerts" + further[1].replace("&amp;", "&") if further else ""
    assert sorted(seen) == ids
    assert (await client.get("/alerts?after=17")).status_code == 422


async def test_filters_that_only_a_desk_has(enter: Enter, house: House) -> None:
    first = house.raise_alert(0, "12", people=None)  # anda, wanda
    second = house.raise_alert(1, "1", people=2)  # kaili, longhu
    house.desk.act(second, Step.ACCEPT, WANG, house.now_ms())
    client = enter("operator")
    for query, ids in (
        ("maintenance=anda", [first]), ("use_unit=longhu", [second]), ("rule=12", [first]),
        ("code=1012", [second]), ("owner=-", [first]), ("owner=王强", [second]),
        ("people=true", [second]), ("code=&people=", [second, first]), ("q=770101", [second]),
    ):  # fmt: skip
        found = (await client.get(f"/api/v1/alerts?{query}")).json()["alerts"]
        assert [a["id"] for a in found] == ids, query
        page = (await client.get(f"/alerts?{query}")).text
        assert sorted(int(n) for n in re.findall(r'<tr id="alert-(\d+)"', page)) == sorted(ids)


async def test_one_step_on_many_tells_of_each(enter: Enter, house: House) -> None:
    first, second = (house.raise_alert(i, "12", people=None) for i in range(2))
    trapped = house.raise_alert(2)
    desk, firm = enter("operator", "zh-CN"), enter("firm-a")
    house.desk.act(second, Step.ACKNOWLEDGE, WANG, house.now_ms())
    ids = [first, second, 4711, first]
    status, told = await bulk(desk, "acknowledge", ids, comment="停电，已知")
    assert (status, told["done"]) == (200, 1)
    outcomes = [(one["id"], one["outcome"]) for one in told["results"]]
    assert outcomes == [(first, "done"), (second, "already"), (4711, "not_found")]
    assert "王强" in told["results"][1]["message"]
    detail = (await desk.get(f"/api/v1/alerts/{first}")).json()
    line = next(one for one in detail["timeline"] if one["kind"] == "acknowledged")
    assert line["data"]["comment"] == "停电，已知"

    again = (await bulk(desk, "acknowledge", ids, comment="停电，已知"))[1]
    assert again["done"] == 0, "a repeat changes nothing"
    assert (await desk.get(f"/api/v1/alerts/{first}")).json()["version"] == detail["version"]

    told = (await bulk(desk, "shelve", [first, trapped], comment="等配件", hours=2))[1]
    assert [one["outcome"] for one in told["results"]] == ["done", "refused"]
    assert "轿内有人" in told["results"][1]["message"]
    told = (await bulk(firm, "shelve", [first, second], comment="x", hours=2))[1]
    assert [one["outcome"] for one in told["results"]] == ["refused", "not_found"], (
        "no firm shelves, and another firm's alert is none of its business"
    )
    assert (await bulk(desk, "free", [first]))[0] == 422
    assert (await bulk(desk, "acknowledge", []))[0] == 422


async def test_many_by_a_plain_form(enter: Enter, house: House) -> None:
    ids = [house.raise_alert(i, "12", people=None) for i in range(3)]
    client = enter("operator")
    form = {"csrf": client.csrf, "ids": [str(i) for i in ids[:2]], "comment": "seen"}
    answer = await client.post("/alerts/bulk", data=form)
    assert answer.status_code == 303
    assert "done for 2" in (await client.get("/alerts")).text
    left = (await client.get("/api/v1/alerts?state=unacknowledged")).json()["alerts"]
    assert [a["id"] for a in left] == ids[2:]


async def test_counts_let_the_other_filters_stand(enter: Enter, house: House) -> None:
    for i in range(4):
        house.raise_alert(i, "12" if i < 3 else "1", people=None if i < 3 else 2)
    house.desk.act(4, Step.ACCEPT, WANG, house.now_ms())
    path = "/api/v1/alerts/counts?maintenance=anda"
    found = (await enter("operator").get(path)).json()["counts"]
    assert found["maintenance"] == {"anda": 2, "kaili": 2}
    assert found["severity"] == {"major": 2} and found["total"] == {"all": 2}
    assert found["owner"] == {"-": 2}
    assert found["state"] == {"open": 2, "unacknowledged": 2, "aside": 0}
    every = (await enter("operator").get("/api/v1/alerts/counts")).json()["counts"]
    assert every["owner"] == {"-": 3, "王强": 1} and every["people"] == {"true": 1}
    firm = (await enter("firm-b").get("/api/v1/alerts/counts")).json()["counts"]
    assert firm["maintenance"] == {"kaili": 2}


async def test_no_sign_in_page_is_put_into_a_page(enter: Enter) -> None:
    parts = ("/alerts/rows", "/alerts/health", "/alerts/away?after=0", f"/lifts/{reg_code(0)}/part")
    for path in parts:
        assert (await enter().get(path)).status_code == 401, path
    assert (await enter().get("/health")).status_code == 303


async def test_what_happened_while_somebody_was_away(enter: Enter, house: House) -> None:
    house.raise_alert(0, "12", people=None)
    client = enter("operator")
    seen = (await client.get("/api/v1/alerts/since?after=0")).json()["newest"]
    assert (await client.get(f"/alerts/away?after={seen}")).text == ""
    trapped = house.raise_alert(1)
    later = house.now_ms() + 120_000
    house.desk.tick(later)  # two minutes on, nobody has answered: the next are called
    house.desk.act(1, Step.CANCEL, WANG, later, comment="test of the line")
    told = (await client.get(f"/api/v1/alerts/since?after={seen}")).json()
    assert {k: told[k]["count"] for k in ("raised", "escalated", "closed")} == {
        "raised": 1, "escalated": 1, "closed": 1,
    }  # fmt: skip
    assert told["escalated"]["alerts"][0]["id"] == trapped
    page = (await client.get(f"/alerts/away?after={seen}")).text
    assert "1 raised" in page and "1 escalated" in page and "1 closed" in page
    firm = (await enter("firm-a").get(f"/api/v1/alerts/since?after={seen}")).json()
    assert firm["raised"]["count"] == 0, "another firm's"
    assert (await client.get("/api/v1/alerts/since?after=999999")).json()["raised"]["count"] == 0


async def test_the_sheet_has_every_row_and_runs_nothing(
    enter: Enter, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "AT_ONCE", 3)
    ids = [house.raise_alert(i, "12", people=None) for i in range(8)]
    ids.append(house.raise_alert(8, "1", people=2))
    with writing(house.engine) as conn:
        conn.execute(update(alert).where(alert.c.id == ids[0]).values(place="=HYPERLINK(1)"))
    answer = await enter("operator").get("/api/v1/alerts.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    text = answer.content.decode("utf-8")
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text[1:])))
    assert [int(row["id"]) for row in rows] == ids[::-1]
    assert rows[-1]["place"] == "'=HYPERLINK(1)"
    assert (rows[0]["severity"], rows[0]["people"], rows[0]["code"]) == ("Critical", "2", "1012")
    assert rows[0]["raised"].endswith("+08:00"), "the site's zone"
    some = await enter("firm-b").get("/api/v1/alerts.csv?severity=major")
    assert len(some.text.splitlines()) == 5
    assert (await enter().get("/api/v1/alerts.csv")).status_code == 401


async def test_the_desk_shows_the_services_own_health(enter: Enter, house: House) -> None:
    client = enter("operator", "zh-CN")
    assert 'class="part well"' in (await client.get("/alerts/health")).text
    assert (await enter("firm-a").get("/alerts/health")).status_code == 403
