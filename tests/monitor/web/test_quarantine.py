"""The quarantine on the web: a look for the desk, a second try for administrators."""

from __future__ import annotations

import base64
import time

import pytest

from monitor.quarantine import runs
from monitor.web import local
from tests.monitor.web.conftest import Client, Enter
from tests.monitor.web.house import House


def post(client: Client, **body: object) -> object:
    headers = {"X-CSRF-Token": client.csrf}
    return client.post("/api/v1/quarantine/runs", json=body, headers=headers)


async def test_by_reason_with_filters(enter: Enter, house: House) -> None:
    for i in range(5):
        house.quarantine.add(gateway=f"gw-{i % 2 + 1}", at_ms=1000 + i)
    house.quarantine.add(reason="unknown_lift", field="lift", value='"7"')
    client = enter("operator")
    found = (await client.get("/api/v1/quarantine/reasons")).json()["reasons"]
    assert [(one["reason"], one["rows"], one["gateways"]) for one in found] == [
        ("out_of_range", 5, ["gw-1", "gw-2"]), ("unknown_lift", 1, ["gw-1"]),
    ]  # fmt: skip
    assert (found[0]["first_ms"], found[0]["last_ms"]) == (1000, 1004)
    only = (await client.get("/api/v1/quarantine?reason=unknown_lift")).json()["refused"]
    assert [one["value"] for one in only] == ['"7"']
    page = (await client.get("/quarantine?reason=unknown_lift")).text
    assert "unknown lift" in page and "35.0" not in page


async def test_one_message_with_its_fault_marked(enter: Enter, house: House) -> None:
    house.quarantine.add()
    client = enter("operator")
    found = (await client.get("/api/v1/quarantine/1")).json()
    raw = base64.b64decode(found["payload"])
    start, end = found["refusals"][0]["at"]
    assert raw[start:end] == b"35.0"
    assert found["today"]["samples"] == 0
    assert found["today"]["refusals"][0]["reason"] == "missing_field"
    for lang, words in (("en", "nothing is"), ("zh-CN", "按现在的配置")):
        page = (await enter("operator", lang=lang).get("/quarantine/1")).text
        assert "<mark>35.0</mark>" in page and "<mark>33</mark>" in page
        assert words in page or lang == "en"
    assert (await client.get("/api/v1/quarantine/9")).status_code == 404
    assert (await client.get("/quarantine/9")).status_code == 404


@pytest.mark.parametrize("kind", ["replay", "drop"])
async def test_who_may_change_something(enter: Enter, house: House, kind: str) -> None:
    answer = await post(enter("operator"), kind=kind, why="x")  # type: ignore[misc]
    assert answer.status_code == 403
    answer = await post(enter("admin"), kind=kind, why="x", ids=[1])  # type: ignore[misc]
    assert answer.json()["run"]["state"] == "due"
    found = runs.find(house.engine, answer.json()["run"]["id"])
    assert found is not None and (found.by, found.kind) == ("admin", kind)
    listed = (await enter("operator").get("/api/v1/quarantine/runs?limit=1")).json()
    assert listed["runs"][0]["filter"] == {"ids": [1], "state": "open"}
    assert listed["next_cursor"] and "cursor=" in listed["next"]


async def test_a_look_is_for_the_desk_and_a_drop_needs_a_reason(enter: Enter) -> None:
    looked = await post(enter("operator"), kind="try", reason="unknown_lift")  # type: ignore[misc]
    assert looked.status_code == 200
    dropped = await post(enter("admin"), kind="drop", ids=[1], why=" ")  # type: ignore[misc]
    assert (dropped.status_code, dropped.json()["field"]) == (422, "why")


async def test_the_command_line_has_a_token_of_its_own(enter: Enter, house: House) -> None:
    client, now = enter("operator"), time.time()
    client.cookies.clear()
    for token, status in (
        (local.make(house.secret, "root (liftwatch quarantine)", now), 200),
        (local.make(house.secret, "root", now - 100), 401),
        (local.make(b"other" * 8, "root", now), 401),
        ("rubbish", 401),
        (local.make(house.secret, "root", now)[:-1] + "x", 401),
    ):
        answer = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status, token
