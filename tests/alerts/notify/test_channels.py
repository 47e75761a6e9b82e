from __future__ import annotations

import asyncio
import json
from typing import Any

import aiomqtt
import pytest

from alerts.notify.channel import DeliveryError, Item
from alerts.notify.email import EmailChannel
from alerts.notify.mqtt import MqttChannel
from alerts.notify.webhook import WebhookChannel
from tests.support.brokers import TestBroker
from tests.support.ports import free_port
from tests.support.smtp import SmtpServer
from tests.support.wait import until_async
from tests.support.webhook import Webhook


def item(page: dict[str, Any], address: str, lang: str = "zh") -> Item:
    return Item("1:maintenance:zhang:x", address, lang, page, 1)


def test_a_page_says_everything_a_mechanic_needs(page: dict[str, Any]) -> None:
    assert page["title"] == {
        "zh": "【紧急】非平层困人 · 豪庭花园 3 栋 1 号梯",
        "en": "[CRITICAL] trapped, not level · 豪庭花园 3 栋 1 号梯",
    }
    assert page["text"]["en"].splitlines()[:-1] == [
        "Where: 豪庭花园 3 栋 1 号梯 (code 010001)",
        "What: trapped, not level",
        "People: 2",
        "Since: 2026-01-01 07:59:30",
        "Evidence: speed: 0; door_zone: 0",
        "Due: 08:15 arrival on site",
        "Why you: tell the maintenance firm on call",
    ]
    assert page["text"]["zh"].splitlines()[-1] == f"接单：{page['link']}"
    assert page["where"]["place"] == "豪庭花园 3 栋"
    assert [one["name"] for one in page["evidence"]] == ["speed", "door_zone"]


# --- web hook --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "final"), [(500, False), (429, False), (404, True), (302, False)]
)
async def test_webhook_answers(
    page: dict[str, Any], webhook: Webhook, status: int, final: bool
) -> None:
    channel = WebhookChannel()
    webhook.fail(1, status)
    with pytest.raises(DeliveryError, match=f"HTTP {status}") as refused:
        await channel.send(item(page, webhook.url))
    assert refused.value.final is final
    assert (await channel.send(item(page, webhook.url))).text == "HTTP 200"
    assert "x-liftwatch-signature" not in webhook.accepted[0].headers
    assert webhook.accepted[0].json["page"] == page
    await channel.close()


async def test_webhook_that_nobody_serves(page: dict[str, Any]) -> None:
    channel = WebhookChannel(timeout_s=2)
    with pytest.raises(DeliveryError) as refused:
        await channel.send(item(page, f"http://127.0.0.1:{free_port()}/x"))
    assert not refused.value.final
    await channel.close()


# --- e-mail ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "first"), [("zh", "地点"), ("en", "Where")])
async def test_email(page: dict[str, Any], smtp_server: SmtpServer, lang: str, first: str) -> None:
    channel = EmailChannel(smtp_server.host, smtp_server.port, "lw@example.org", starttls=False)
    receipt = await channel.send(item(page, "zhang@example.org", lang))
    await channel.send(item(page, "zhang@example.org", lang))
    assert "OK" in receipt.text
    one, two = smtp_server.messages
    assert one["Message-ID"] == two["Message-ID"]
    assert one["Message-ID"].endswith("@example.org>")
    assert one["Subject"] == page["title"][lang]
    assert one["To"] == "zhang@example.org"
    body = one.get_content()
    assert body.startswith(first)
    assert page["link"] in body
    assert "地点" in body and "Where" in body


async def test_email_refused_for_now_and_for_good(
    page: dict[str, Any], smtp_server: SmtpServer
) -> None:
    channel = EmailChannel(smtp_server.host, smtp_server.port, starttls=False)
    for answer, final in (("451 later", False), ("550 no such user", True)):
        smtp_server.fail(1, answer)
        with pytest.raises(DeliveryError, match=answer[:3]) as refused:
            await channel.send(item(page, "zhang@example.org"))
        assert refused.value.final is final
    assert smtp_server.messages == []


async def test_email_without_a_server(page: dict[str, Any]) -> None:
    channel = EmailChannel("127.0.0.1", free_port(), starttls=False, timeout_s=2)
    with pytest.raises(DeliveryError) as refused:
        await channel.send(item(page, "zhang@example.org"))
    assert not refused.value.final


# --- mqtt ------------------------------------------------------------------------------------

TOPIC = "liftwatch/v1/pages/anda/zhang"


async def listen(broker: TestBroker, got: list[dict[str, Any]], ready: asyncio.Event) -> None:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe("liftwatch/v1/pages/#", qos=1)
        ready.set()
        async for message in client.messages:
            assert str(message.topic) == TOPIC
            assert isinstance(message.payload, bytes)
            got.append(json.loads(message.payload))


async def test_mqtt_reaches_a_subscriber(page: dict[str, Any], any_broker: TestBroker) -> None:
    got: list[dict[str, Any]] = []
    ready = asyncio.Event()
    listener = asyncio.create_task(listen(any_broker, got, ready))
    await asyncio.wait_for(ready.wait(), 10)
    channel = MqttChannel(any_broker.host, any_broker.port)
    receipts = await asyncio.gather(*(channel.send(item(page, TOPIC)) for _ in range(20)))
    assert {one.text for one in receipts} == {f"PUBACK {any_broker.host}:{any_broker.port}"}
    await until_async(lambda: len(got) == 20)
    assert got[0] == {"key": "1:maintenance:zhang:x", "lang": "zh", "page": page}
    await channel.close()
    listener.cancel()


async def test_mqtt_connects_anew_after_the_broker_was_gone(
    page: dict[str, Any], mosquitto: TestBroker
) -> None:
    channel = MqttChannel(mosquitto.host, mosquitto.port, timeout_s=2)
    await channel.send(item(page, TOPIC))
    mosquitto.kill()
    with pytest.raises(DeliveryError) as refused:
        await channel.send(item(page, TOPIC))
    assert not refused.value.final
    mosquitto.start()

    async def again() -> bool:
        return bool((await channel.send(item(page, TOPIC))).text)

    await until_async(again)
    await channel.close()


async def test_mqtt_refuses_a_topic_that_cannot_be(
    page: dict[str, Any], mosquitto: TestBroker
) -> None:
    channel = MqttChannel(mosquitto.host, mosquitto.port)
    with pytest.raises(DeliveryError, match="topic") as refused:
        await channel.send(item(page, "a/+/b"))
    assert refused.value.final
    await channel.close()
