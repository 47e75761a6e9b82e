"""apprise's services, before a real local receiver (its json:// scheme)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from alerts.notify.channel import DeliveryError, Item
from alerts.notify.longtail import LongTailChannel
from config.secrets import Secrets
from tests.support.ports import free_port
from tests.support.webhook import Webhook

SECRETS = Secrets(environment={"LIFTWATCH_KEY_BOT": "abcdef0123456789"})


def channel(timeout_s: float = 5) -> LongTailChannel:
    return LongTailChannel(SECRETS, ("json", "wecombot", "dingtalk"), timeout_s)


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_title_and_text_arrive(page: dict[str, Any], webhook: Webhook, lang: str) -> None:
    way = channel()
    address = f"json://127.0.0.1:{webhook.port}/{{secret:bot}}"
    receipt = await way.send(Item("k", address, lang, page, 1))
    await way.close()
    assert receipt.text == "JSON"
    got = webhook.accepted[0]
    assert got.path.startswith("/abcdef0123456789")
    assert got.json["title"] == page["title"][lang]
    assert page["link"] in got.json["message"]
    assert got.json["type"] == "failure"


async def test_errors_are_named_and_tell_no_key(page: dict[str, Any], webhook: Webhook) -> None:
    assert not logging.getLogger("apprise").propagate, "its own words would go into our log"
    way = channel(1)
    address = f"json://127.0.0.1:{webhook.port}/{{secret:bot}}"
    webhook.fail(1, 403)
    with pytest.raises(DeliveryError, match=r"JSON: .*error=403") as refused:
        await way.send(Item("k", address, "zh", page, 1))
    assert not refused.value.final
    with pytest.raises(DeliveryError, match=r"JSON: .*[Cc]onnection"):
        await way.send(Item("k", f"json://127.0.0.1:{free_port()}/x", "zh", page, 1))
    webhook.hang(1)
    with pytest.raises(DeliveryError, match="JSON: "):
        await way.send(Item("k", address, "zh", page, 1))
    await way.close()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("file:///etc/passwd", "file:// is not allowed; allowed: json, wecombot, dingtalk"),
        ("syslog://x", "syslog:// is not allowed"),
        ("nothing", "?:// is not allowed"),
        ("wecombot://", "not an address"),
        ("wecombot://{secret:none}", "there is no such secret"),
        ("wecombot://{key}", "there is no such secret"),
    ],
)
async def test_what_may_not_or_cannot_be_is_final(
    page: dict[str, Any], address: str, told: str
) -> None:
    way = channel()
    with pytest.raises(DeliveryError) as refused:
        await way.send(Item("k", address, "zh", page, 1))
    await way.close()
    assert told in str(refused.value)
    assert refused.value.final


@pytest.mark.parametrize(
    ("address", "service"),
    [("wecombot://{secret:bot}", "WeCom"), ("dingtalk://{secret:bot}/13500000000", "DingTalk")],
)
def test_what_is_shown_names_the_service_and_masks_the_key(
    page: dict[str, Any], address: str, service: str
) -> None:
    shown = channel().show(Item("k", address, "zh", page, 1))
    assert service in shown
    assert "abcdef0123456789" not in shown
    assert page["title"]["zh"] in shown
