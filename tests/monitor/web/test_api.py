from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from alerts.model import Actor, Role, Step
from config.text import Text
from monitor.web.api import examples
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import reg_code


async def test_pages_of_the_list_join_without_gap_or_double(enter: Enter, house: House) -> None:
    made = [house.raise_alert(i, "12", people=None) for i in range(7)]
    client, seen, cursor = enter("operator"), [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/api/v1/alerts", params=query)).json()
        seen += [alert["id"] for alert in page["alerts"]]
        house.raise_alert(10 + len(seen), "12", people=None)  # what comes meanwhile is newer
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {0, 1, 2}),
        ({"state": "all"}, {0, 1, 2, 3}),
        ({"state": "closed"}, {3}),
        ({"state": "unacknowledged"}, {0, 2}),
        ({"severity": "critical"}, {0}),
        ({"severity": "critical", "state": "all"}, {0, 3}),
        ({"people": "yes"}, {0}),
        ({"street_office": "jie-2"}, {1}),
        ({"subject": reg_code(2)}, {2}),
        ({"q": "花园 2"}, {1}),
        ({"q": "1004"}, {2}),
        ({"q": "TRAPPED"}, {0}),
        ({"q": "%"}, set()),
        ({"rescue_state": "raised"}, {0}),
        ({"raised_from_ms": 99999999999999}, set()),
        ({"raised_to_ms": 1}, set()),
    ],
)
async def test_filters(
    query: dict[str, Any], expected: set[int], enter: Enter, house: House
) -> None:
    desk = Actor("desk", Role.OPERATOR)
    ids = [
        house.raise_alert(0, "1", people=2),
        house.raise_alert(1, "12", people=None),
        house.raise_alert(2, "18", people=None),
        house.raise_alert(3, "7", people=None),
    ]
    house.desk.act(ids[1], Step.ACKNOWLEDGE, desk, house.now_ms())
    house.desk.act(ids[3], Step.CANCEL, desk, house.now_ms(), comment="test")
    found = (await enter("operator").get("/api/v1/alerts", params=query)).json()["alerts"]
    assert {ids.index(alert["id"]) for alert in found} == expected


async def test_steps_tell_who_was_first_and_why_not(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    desk, firm = enter("operator"), enter("firm-a", "zh-CN")
    assert (await desk.get(f"/api/v1/alerts/{alert}")).json()["legal_steps"] == [
        "acknowledge", "accept", "depart", "arrive", "free", "cancel",
    ]  # fmt: skip
    first = (await desk.step(alert, "accept")).json()
    assert (first["ok"], first["changed"]) == (True, True)
    again = (await firm.step(alert, "accept")).json()
    assert (again["ok"], again["changed"]) == (True, False)
    assert again["message"].startswith("operator 已于")
    early = await firm.step(alert, "verify")
    assert early.status_code == 409
    assert early.json()["detail"] == early.json()["text"]["zh"]
    silent = await desk.step(alert, "cancel")
    assert (silent.status_code, silent.json()["title"]) == (409, "not possible")
    assert "comment" in silent.json()["detail"]


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("/api/v1/alerts?severity=urgent", "severity", "urgent"),
        ("/api/v1/alerts?sevrity=major", "sevrity", "major"),
        ("/api/v1/alerts?limit=0", "limit", "0"),
        ("/api/v1/alerts/abc", "alert_id", "abc"),
        ("/api/v1/alerts/999", "alert", "999"),
        ("/api/v1/lifts/1", "lift", "1"),
        (f"/api/v1/lifts/{reg_code(0)}/series", "channel", None),
        (f"/api/v1/lifts/{reg_code(0)}/series?channel=sped", "channel", "sped"),
        (f"/api/v1/lifts/{reg_code(0)}/series?channel=speed&from_ms=9&to_ms=5", "from_ms", "9"),
        ("/api/v1/nothing", "page", "/api/v1/nothing"),
    ],
)
async def test_an_error_names_field_and_value_in_the_readers_language(
    path: str, field: str, value: str | None, enter: Enter
) -> None:
    for lang, side in (("zh-CN", "zh"), ("en", "en")):
        answer = await enter("operator", lang).get(path)
        body = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.status_code == body["status"] >= 400
        assert body["field"] == field
        assert value is None or body["value"] == value
        assert body["detail"] == body["text"][side]


async def test_a_step_with_a_misspelt_word_is_refused_before_it_is_taken(
    enter: Enter, house: House
) -> None:
    alert, client = house.raise_alert(0), enter("operator")
    wrong = await client.step(alert, "cancel", coment="not needed")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "coment")
    assert (await client.step(alert, "resolve")).json()["field"] == "step"


async def test_lifts_say_what_is_known_and_a_silent_one_says_nothing(
    enter: Enter, house: House
) -> None:
    house.say(0, car_status=1.0, car_direction=1.0, car_position=7.0, speed=1.7)
    house.say(1, age_ms=60_000)
    house.say(2, service_mode=2.0)
    house.say(3, speed=float("nan"))
    house.raise_alert(3, "12", people=None)
    client = enter("operator")
    found = (await client.get("/api/v1/lifts", params={"limit": 6})).json()
    states = [lift["state"] for lift in found["lifts"]]
    assert states == ["moving", "silent", "out", "alert", "silent", "silent"]
    assert found["next_cursor"] == reg_code(5)
    rest = (await client.get("/api/v1/lifts", params={"cursor": reg_code(5)})).json()
    assert len(rest["lifts"]) == len(house.registry) - 6
    one = (await client.get(f"/api/v1/lifts/{reg_code(3)}")).json()
    assert one["live"]["speed"]["value"] is None
    assert one["maintenance_name"] == {"zh": "凯力维保", "en": "Kaili Maintenance"}


async def test_series_come_with_unit_and_at_most_as_many_points_as_asked(
    enter: Enter, house: House
) -> None:
    query = {"channel": "speed", "from_ms": 1000, "to_ms": 61_000, "points": 50}
    answer = await enter("operator").get(f"/api/v1/lifts/{reg_code(0)}/series", params=query)
    body = answer.json()
    assert (body["unit"], len(body["ts_ms"])) == ("m/s", 50)
    assert len(body["values"]) == 50
    assert body["ts_ms"] == sorted(body["ts_ms"])


async def test_quarantine_gives_the_bytes_and_pages_back(enter: Enter, house: House) -> None:
    for i in range(5):
        house.quarantine.add(gateway=f"gw-{i % 2 + 1}")
    client = enter("admin")
    first = (await client.get("/api/v1/quarantine", params={"limit": 3})).json()
    rest = (await client.get("/api/v1/quarantine", params={"cursor": first["next_cursor"]})).json()
    assert [row["id"] for row in first["refused"] + rest["refused"]] == [5, 4, 3, 2, 1]
    assert first["refused"][0]["payload"].startswith("eyJ2IjoxLCJ")
    of_one = (await client.get("/api/v1/quarantine", params={"gateway": "gw-2"})).json()
    assert {row["gateway"] for row in of_one["refused"]} == {"gw-2"}


async def test_probes(enter: Enter, house: House) -> None:
    client = enter()
    assert (await client.get("/healthz")).text == "ok\n"
    assert (await client.get("/readyz")).status_code == 200
    house.reasons.append(Text("未连接消息服务器", "not connected to the broker"))
    shut = await client.get("/readyz")
    assert (shut.status_code, shut.json()["reasons"][0]["en"]) == (
        503, "not connected to the broker",
    )  # fmt: skip
    page = await enter("operator").get("/health")
    assert "not connected to the broker" in page.text


async def test_metrics_are_for_this_machine_or_an_administrator(app: FastAPI, enter: Enter) -> None:
    import httpx

    here = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=here, base_url="http://test") as local:
        assert "liftwatch_samples_total 3.0" in (await local.get("/metrics")).text
        proxied = await local.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
        assert proxied.status_code == 401
    assert (await enter().get("/metrics")).status_code == 401
    assert (await enter("operator").get("/metrics")).status_code == 403
    assert (await enter("admin").get("/metrics")).status_code == 200


def test_openapi_describes_each_route_with_an_example(app: FastAPI) -> None:
    spec = app.openapi()
    for path, methods in spec["paths"].items():
        for method, route in methods.items():
            content = next(iter(route["responses"]["200"]["content"].values()))
            assert content["example"], (path, method)
            assert len(route["description"]) > 20, (path, method)
            assert {"401", "404", "422"} <= set(route["responses"]), (path, method)


async def test_the_examples_have_the_shape_of_real_answers(enter: Enter, house: House) -> None:
    alert, client = house.raise_alert(0), enter("operator")
    house.say(0)
    detail = (await client.get(f"/api/v1/alerts/{alert}")).json()
    assert set(examples.DETAIL) <= set(detail)
    assert set(examples.DELIVERY) <= set(detail["deliveries"][0])
    assert set(examples.LINE) == set(detail["timeline"][0])
    assert set(examples.STEP_DONE) == set((await client.step(alert, "acknowledge")).json())
    lift = (await client.get(f"/api/v1/lifts/{reg_code(0)}")).json()
    assert set(examples.LIFT_DETAIL) <= set(lift)
    series = await client.get(
        f"/api/v1/lifts/{reg_code(0)}/series", params={"channel": "speed", "points": 10}
    )
    assert set(examples.SERIES) == set(series.json())
