"""Answers that units sign, and what gateways tell, by HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from alerts.database.access import reading, writing
from alerts.database.tables import outbox
from alerts.notify import signing
from alerts.notify.channel import Receipt
from alerts.notify.gateway import GatewayChannel
from alerts.notify.gateway_file import load_gateways
from config.notify_settings import Notify
from config.secrets import Secrets
from monitor.web.find import read_alert
from tests.monitor.web.conftest import Client, Enter
from tests.monitor.web.house import House
from tests.support import by_hand

SECRETS = Secrets(environment={"LIFTWATCH_KEY_PATH": "a-long-secret-path"})
GATEWAYS = """
[voice]
url = "http://127.0.0.1:1/"
[voice.receipt]
status = "state"
at = "when"
reached = ["rung"]
read = ["answered"]
failed = ["busy"]
reply = "digits"
replies = { "1" = "accept", "2" = "arrive" }
say = "success"
[sms]
url = "http://127.0.0.1:1/"
[sms.receipt]
status = "stat"
ref = "msgid"
reached = ["DELIVRD"]
secret = "path"
reply = "text"
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    notify = Notify.model_validate({"replies": {"secrets": {"anda": "anda-secret"}}})
    house = House(tmp_path, notify=notify)
    (tmp_path / "channels.toml").write_text(GATEWAYS, "utf-8")
    for name, spec in load_gateways(tmp_path, SECRETS).items():
        house.channels[name] = GatewayChannel(spec, SECRETS, ZoneInfo("Asia/Shanghai"))
    house.users()
    yield house
    house.engine.dispose()


def alert_of(house: House, alert: int) -> dict[str, Any]:
    with reading(house.engine) as conn:
        found = read_alert(conn, alert, None, None)
    assert found is not None
    return found


def page_of(house: House, alert: int, contact: str = "c-anda") -> dict[str, Any]:
    with reading(house.engine) as conn:
        query = select(outbox).where(outbox.c.alert_id == alert, outbox.c.contact == contact)
        return dict(conn.execute(query.order_by(outbox.c.id)).mappings().first() or {})


async def post(
    client: Client, said: object, secret: str = "anda-secret", unit: str = "anda", off_s: int = 0
) -> tuple[int, dict[str, Any]]:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    headers = signing.signed_headers(secret, body, (int(time.time()) + off_s) * 1000)
    answer = await client.post(f"/replies/{unit}", content=body, headers=headers)
    return answer.status_code, answer.json()


# --- replies ---------------------------------------------------------------------------------


async def test_a_signed_answer_acts_like_a_tap_once(enter: Enter, house: House) -> None:
    alert, client = house.raise_alert(0), enter()
    page = page_of(house, alert)["key"]
    said = {"key": "r-1", "page": page, "step": "accept", "comment": "ten minutes"}
    status, told = await post(client, said)
    assert (status, told["code"], told["contact"]) == (200, "done", "c-anda")
    assert told["text"] == {"zh": "已接单", "en": "done: accepted"}
    assert told["message"] == "done: accepted"
    assert await post(client, said) == (200, told), "the same again is told the same"
    status, other = await post(client, {"key": "r-2", "page": page, "text": "接单"})
    assert (status, other["code"]) == (200, "already")
    found = alert_of(house, alert)
    assert found["rescue_state"] == "accepted"
    assert found["owner"] == "张伟"
    token = house.desk.pages.links.token(alert, "c-anda", house.now_ms())
    status, told = await post(client, {"token": token, "text": "到场"})
    assert (status, told["step"]) == (200, "arrive")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"secret": "other"}, 401, "not_signed"),
        ({"unit": "kaili"}, 401, "not_signed"),
        ({"unit": "nobody"}, 401, "not_signed"),
        ({"off_s": -301}, 401, "not_signed"),
        ({"said": {"page": "1:maintenance:c-kaili:mqtt", "step": "accept"}}, 403, "not_proven"),
        ({"said": {"token": "x", "step": "accept"}}, 403, "not_proven"),
        ({"said": {"step": "accept"}}, 403, "not_proven"),
        ({"said": {"step": "fly"}, "page": True}, 422, "not_understood"),
        ({"said": {"text": "hello"}, "page": True}, 422, "not_understood"),
        ({"said": {"step": "file_cause", "cause": "door"}, "page": True}, 409, "refused"),
        ({"said": {"step": "accept", "who": "me"}}, 422, "unknown_parameter"),
        ({"said": {"step": 1}}, 422, "invalid"),
        ({"said": b"[]"}, 422, "invalid"),
        ({"said": b"{"}, 422, "invalid"),
        ({"said": b"[" + b" " * 70_000 + b"]"}, 413, "too_large"),
    ],
)
async def test_what_is_not_shown_or_cannot_be_is_told_and_changes_nothing(
    enter: Enter, house: House, change: dict[str, Any], status: int, code: str
) -> None:
    alert = house.raise_alert(0)
    said = change.pop("said", {"page": page_of(house, alert)["key"], "step": "accept"})
    if change.pop("page", False):
        said |= {"page": page_of(house, alert)["key"]}
    before = alert_of(house, alert)["version"]
    got, told = await post(enter(), said, **change)
    assert (got, told["type"]) == (status, f"urn:liftwatch:problem:{code}")
    assert told["text"]["zh"] and told["text"]["en"]
    assert alert_of(house, alert)["version"] == before


async def test_a_units_secret_serves_no_other_units_people(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    token = house.desk.pages.links.token(alert, "c-longhu", house.now_ms())
    status, told = await post(enter(), {"token": token, "step": "accept"})
    assert (status, told["type"]) == (403, "urn:liftwatch:problem:not_proven")


async def test_get_is_no_answer(enter: Enter, house: House) -> None:
    assert (await enter().get("/replies/anda")).status_code in (404, 405)


# --- receipts --------------------------------------------------------------------------------


def sent(house: House, alert: int, channel: str, ref: str | None = None) -> dict[str, Any]:
    """The page went out by a gateway."""
    row = page_of(house, alert)
    key = row["key"].rsplit(":", 1)[0] + f":{channel}"
    with writing(house.engine) as conn:
        values = {"channel": channel, "key": key, "address": "139"}
        conn.execute(update(outbox).where(outbox.c.id == row["id"]).values(values))
    now_ms = house.now_ms()
    row = by_hand.claim(house.engine, channel, 1, now_ms, "w", 60_000)[0]
    by_hand.delivered(house.engine, row, "w", now_ms, Receipt("OK", ref))
    return row


def delivery(house: House, alert: int) -> dict[str, Any]:
    rows = alert_of(house, alert)["deliveries"]
    return dict(next(row for row in rows if row["contact"] == "c-anda"))


async def test_a_voice_gateway_tells_by_the_address_it_was_given(
    enter: Enter, house: House
) -> None:
    alert, client = house.raise_alert(0), enter()
    row = sent(house, alert, "voice")
    url = house.incoming.callbacks.url("voice", row["key"], row["created_ms"])
    path = "/receipts/" + url.partition("/receipts/")[2]
    answer = await client.post(path, data={"state": "rung"})
    assert (answer.status_code, answer.text) == (200, "success")
    await client.post(path, json={"state": "answered", "when": time.time()})
    one = delivery(house, alert)
    assert one["reached_ms"] and one["read_ms"]
    for _ in range(2):
        await client.post(path, json={"state": "answered", "digits": "1"})
    found = alert_of(house, alert)
    assert (found["rescue_state"], found["owner"]) == ("accepted", "张伟")
    assert [line["kind"] for line in found["timeline"]].count("accepted") == 1
    await client.get(path + "?digits=2")
    assert alert_of(house, alert)["rescue_state"] == "arrived"


async def test_an_sms_gateway_tells_by_its_own_number_and_a_secret_path(
    enter: Enter, house: House
) -> None:
    alert, client = house.raise_alert(0), enter()
    sent(house, alert, "sms", "m-9")
    path = "/receipts/sms/a-long-secret-path"
    assert (await client.post(path, json={"msgid": "m-9", "stat": "DELIVRD"})).text == "OK"
    assert delivery(house, alert)["reached_ms"]
    await client.post(path, data={"msgid": "m-9", "text": "接单"})
    assert alert_of(house, alert)["rescue_state"] == "accepted"


@pytest.mark.parametrize(
    "path",
    ["sms/another-secret", "sms/", "fax/a-long-secret-path", "voice/a-long-secret-path", "sms/a/b"],
)
async def test_who_proves_nothing_is_told_nothing(enter: Enter, house: House, path: str) -> None:
    alert, client = house.raise_alert(0), enter()
    sent(house, alert, "sms", "m-9")
    answer = await client.post(f"/receipts/{path}", json={"msgid": "m-9", "stat": "DELIVRD"})
    assert answer.status_code == 404
    assert delivery(house, alert)["reached_ms"] is None


async def test_an_expired_page_takes_no_answer_by_its_gateway(enter: Enter, house: House) -> None:
    alert, client = house.raise_alert(0), enter()
    row = sent(house, alert, "sms", "m-9")
    with writing(house.engine) as conn:
        old = row["created_ms"] - 25 * 3_600_000
        conn.execute(update(outbox).where(outbox.c.id == row["id"]).values(created_ms=old))
    path = "/receipts/sms/a-long-secret-path"
    await client.post(path, json={"msgid": "m-9", "stat": "DELIVRD", "text": "接单"})
    found = alert_of(house, alert)
    assert found["rescue_state"] == "raised"
    assert delivery(house, alert)["reached_ms"], "that it arrived is still worth knowing"


# --- read ------------------------------------------------------------------------------------


async def test_opening_the_one_tap_page_marks_it_read(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    sent(house, alert, "sms")
    token = house.desk.pages.links.token(alert, "c-anda", house.now_ms())
    assert (await enter().get(f"/p/{token}")).status_code == 200
    assert delivery(house, alert)["read_ms"]
    shown = (await enter("operator").get(f"/alerts/{alert}")).text
    assert ">read<" in shown.replace("\n", "")
    answer = (await enter("operator").get(f"/api/v1/alerts/{alert}")).json()
    assert [one["read_ms"] is not None for one in answer["deliveries"]].count(True) == 1
