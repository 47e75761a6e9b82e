"""The whole service: a page goes out by an SMS gateway that is asked what became of it, and the
answers come back by web hook, e-mail and MQTT, until the CAP feed says that it is over."""

from __future__ import annotations

import json
import smtplib
import sqlite3
import time
import urllib.request
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import xmlschema
from paho.mqtt.enums import CallbackAPIVersion

from alerts.notify.signing import signed_headers
from alerts.replies.tokens import ReplyTokens
from devices.gateway import Gateway
from tests.support.brokers import TestBroker
from tests.support.ports import free_port, is_listening
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until
from tests.support.webhook import Received, Webhook

CAP = "a-token-of-the-bureau"
SCHEMA = xmlschema.XMLSchema(Path(__file__).parents[1] / "support" / "cap12.xsd")


def prepared(folder: Path, webhook: Webhook, mail_port: int) -> None:
    write_small_site(folder / "site", webhook=f"{webhook.url}/hook")
    file = folder / "site" / "directory.toml"
    text = file.read_text("utf-8").replace('phone = "023-2"', 'phone = "02368000000"')
    head, own, tail = text.partition('id = "c-firm-1"')
    tail = tail.replace(f'webhook = "{webhook.url}/hook"', "sms = true", 1)
    file.write_text(head + own + tail.replace('["webhook"]', '["sms"]', 1), "utf-8")
    (folder / "site" / "channels.toml").write_text(
        f'[sms]\nurl = "{webhook.url}/sms"\njson = {{ to = "{{to}}", key = "{{key}}", '
        'link = "{link}", s = "{secret:sms}" }\n[sms.success]\nref = "id"\n'
        '[sms.receipt]\nstatus = "state"\nreached = ["DELIVRD"]\n'
        f'[sms.receipt.poll]\nurl = "{webhook.url}/state/{{ref}}"\nafter_s = 0.1\nevery_s = 0.2\n',
        "utf-8",
    )
    (folder / "more.toml").write_text(
        '[notify.replies]\nmqtt = true\nsecrets = { "firm-1" = "firm-secret" }\n'
        f'mail_port = {mail_port}\nmail_to = "reply+{{token}}@lw.example"\n'
        f'[notify.cap]\ntoken = "{CAP}"\n',
        "utf-8",
    )


def to(webhook: Webhook, path: str) -> list[Received]:
    return [one for one in webhook.accepted if one.path.startswith(f"/hook/{path}")]


def row(database: Path, query: str) -> Any:
    db = sqlite3.connect(database)
    found = db.execute(query).fetchone()
    db.close()
    return found[0] if found else None


def post(url: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    request = urllib.request.Request(url, body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.load(answer))


def test_out_by_sms_and_back_by_every_way(
    tmp_path: Path, spawn: Spawn, webhook: Webhook, mosquitto: TestBroker
) -> None:
    mail_port = free_port()
    prepared(tmp_path, webhook, mail_port)
    service = ServiceProcess(spawn, tmp_path, mosquitto.url, {"LIFTWATCH_KEY_SMS": "hush"})
    more = (tmp_path / "more.toml").read_text("utf-8")
    service.config.write_text(service.config.read_text("utf-8") + more, "utf-8")
    webhook.always_say({"id": "m-1", "state": "DELIVRD"})
    service.start()
    with Gateway("gw-0", store=tmp_path / "gw.db", url=mosquitto.url) as gateway:
        gateway.publish_message(reg_code(0), int(time.time() * 1000), 93, "on")
        until(lambda: to(webhook, "sms"), 30, "the page by SMS")
    page = to(webhook, "sms")[0].json
    assert (page["to"], page["s"]) == ("02368000000", "hush")
    asked = "SELECT reached_ms FROM outbox WHERE channel = 'sms'"
    until(lambda: row(service.database, asked), 20, "the gateway's word that it arrived")
    assert to(webhook, "state/m-1")

    body = json.dumps({"key": "1", "page": page["key"], "step": "accept"}).encode()
    headers = signed_headers("firm-secret", body, int(time.time() * 1000))
    told = post(f"{service.url}/replies/firm-1", body, headers)
    assert (told["code"], told["alert"]) == ("done", 1)

    until(lambda: is_listening(mail_port))
    secret = (tmp_path / "var" / "secret.key").read_text("utf-8").strip()
    token = ReplyTokens(secret).make(1, "c-firm-1", int(time.time() * 1000))
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = "x@y.example", f"reply+{token}@lw.example", "<1>"
    mail.set_content("到场\n")
    with smtplib.SMTP("127.0.0.1", mail_port, timeout=10) as server:
        server.send_message(mail)
    assert row(service.database, "SELECT rescue_state FROM alert WHERE id = 1") == "arrived"

    told = by_mqtt(mosquitto, {"token": page["link"].rsplit("/", 1)[-1], "text": "freed"})
    assert (told["code"], told["step"]) == ("done", "free")

    status, index = service.get(f"/cap/{CAP}/index.atom")
    assert status == 200 and "Update" in index
    name = index.partition(f"/cap/{CAP}/lw-1-")[2].partition("<")[0]
    document = service.get(f"/cap/{CAP}/lw-1-{name}")[1]
    SCHEMA.validate(document)
    assert "<urgency>Past</urgency>" in document
    assert "hush" not in service.output
    assert token not in service.output and CAP not in service.output
    assert service.stop() == 0, "every listener lets go"


def by_mqtt(broker: TestBroker, said: dict[str, str]) -> dict[str, Any]:
    topic, heard = "liftwatch/v1/replies/firm-1/c-firm-1", list[bytes]()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    subscribed = list[int]()
    client.on_subscribe = lambda *_: subscribed.append(1)
    client.on_message = lambda _c, _d, message: heard.append(message.payload)
    client.connect(broker.host, broker.port)
    client.loop_start()
    client.subscribe(f"{topic}/answer", qos=1)
    until(lambda: subscribed)
    client.publish(topic, json.dumps(said), qos=1)
    until(lambda: heard, 10, "the answer by MQTT")
    client.disconnect()
    client.loop_stop()
    return dict(json.loads(heard[0]))
