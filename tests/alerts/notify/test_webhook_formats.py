"""Alertmanager's format of a web hook, and signatures that carry their time."""

from __future__ import annotations

import hashlib
import hmac
import shutil
from typing import Any

import httpx
import pytest

from alerts.model import Step
from alerts.notify import alertmanager, signing
from alerts.notify.channel import Item
from alerts.notify.outbox import OutboxWorker
from alerts.notify.webhook import WebhookChannel
from alerts.replies.notes import write_resolved
from tests.alerts.conftest import T0, House, raised
from tests.alerts.notify.test_outbox import Clock, Make
from tests.support.ports import free_port
from tests.support.process import Spawn
from tests.support.wait import until
from tests.support.webhook import Webhook

S = 1000


async def test_a_receiver_made_for_alertmanager_finds_every_field(
    page: dict[str, Any], webhook: Webhook
) -> None:
    channel = WebhookChannel(format="alertmanager")
    await channel.send(Item("k", webhook.url, "en", page, 1))
    await channel.close()
    body = webhook.accepted[0].json
    assert set(body) == {
        "version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels",
        "commonLabels", "commonAnnotations", "externalURL", "alerts",
    }  # fmt: skip
    assert (body["version"], body["status"], body["truncatedAlerts"]) == ("4", "firing", 0)
    one = body["alerts"][0]
    assert set(one) == {
        "status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"
    }  # fmt: skip
    assert one["labels"]["alertname"] == "trapped, not level"
    assert one["labels"]["place"] == "豪庭花园 3 栋"
    assert one["annotations"]["summary"] == page["title"]["en"]
    assert (one["startsAt"], one["endsAt"]) == ("2026-01-01T00:00:00.000Z", alertmanager.NEVER)
    assert all(
        isinstance(value, str) for value in (*one["labels"].values(), *one["annotations"].values())
    )
    assert webhook.accepted[0].headers["idempotency-key"] == "k"


def test_the_fingerprint_is_alertmanagers_own() -> None:
    # FNV-1a of nothing is its offset basis; of "a=b" by hand: a 0xff b 0xff.
    assert alertmanager.fingerprint({}) == "cbf29ce484222325"
    value = 0xCBF29CE484222325
    for byte in b"a\xffb\xff":
        value = (value ^ byte) * 0x100000001B3 % 2**64
    assert alertmanager.fingerprint({"a": "b"}) == f"{value:016x}"


async def test_who_was_paged_is_told_when_it_is_over_once(
    tmp_path: Any, site_directory: Make, webhook: Webhook
) -> None:
    def address(who: str) -> str:
        return f'alertmanager = "{webhook.url}/{who}"\n'

    house, clock = House(f"sqlite:///{tmp_path / 'am.db'}", site_directory(address)), Clock()
    channel = WebhookChannel(format="alertmanager", concurrency=2)
    worker = OutboxWorker(house.engine, {"alertmanager": channel}, clock)
    house.raise_(raised("16", people=None))
    await worker.drain()
    assert write_resolved(house.desk, T0 + S) == 0, "it is still open"
    house.act(1, Step.CANCEL, "operator", T0 + 60 * S, comment="test")
    assert house.alert()["closed_ms"] == T0 + 60 * S
    clock.ms = T0 + 61 * S
    for _ in range(3):
        write_resolved(house.desk, T0 + 61 * S)
        await worker.drain()
    firing, resolved = (one.json for one in webhook.accepted)
    assert (firing["status"], resolved["status"]) == ("firing", "resolved")
    assert firing["alerts"][0]["fingerprint"] == resolved["alerts"][0]["fingerprint"]
    assert firing["alerts"][0]["labels"] == resolved["alerts"][0]["labels"]
    assert firing["groupKey"] == resolved["groupKey"]
    assert resolved["alerts"][0]["endsAt"] == "2026-01-01T00:01:00.000Z"
    keys = [one.headers["idempotency-key"] for one in webhook.accepted]
    assert keys == ["1:maintenance:zhang:alertmanager", "1:resolved:zhang:alertmanager"]
    await channel.close()
    house.engine.dispose()


# --- signatures ------------------------------------------------------------------------------


async def test_both_signatures_go_out_and_hold(page: dict[str, Any], webhook: Webhook) -> None:
    channel = WebhookChannel("geheim", clock_ms=lambda: T0 + 999)
    await channel.send(Item("k", webhook.url, "zh", page, 1))
    await channel.close()
    got = webhook.accepted[0]
    stamp = got.headers["x-liftwatch-timestamp"]
    assert stamp == str(T0 // 1000)
    plain = hmac.new(b"geheim", got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-liftwatch-signature"] == f"sha256={plain}"
    dated = hmac.new(b"geheim", stamp.encode() + b"." + got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-liftwatch-signature-v2"] == f"sha256={dated}"
    signature = got.headers["x-liftwatch-signature-v2"]
    assert signing.check("geheim", got.body, stamp, signature, T0) is None
    shown = channel.show(Item("k", webhook.url, "zh", page, 1))
    assert plain not in shown and dated not in shown and "***" in shown


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"secret": "other"}, "does not fit"),
        ({"body": b"{} "}, "does not fit"),
        ({"stamp": str(T0 // 1000 - 1)}, "does not fit"),
        ({"now_ms": T0 + 301 * S}, "off our clock"),
        ({"now_ms": T0 - 301 * S}, "off our clock"),
        ({"stamp": "soon"}, "Unix seconds"),
        ({"stamp": "١٢٣"}, "Unix seconds"),
        ({"signature": None}, "missing"),
        ({"signature": "sha256=é"}, "does not fit"),
    ],
)
def test_a_signature_that_does_not_hold_says_why(change: dict[str, Any], told: str) -> None:
    headers = signing.signed_headers("s", b"{}", T0)
    asked = {
        "secret": "s", "body": b"{}", "stamp": headers[signing.TIMESTAMP],
        "signature": headers[signing.SIGNATURE_V2], "now_ms": T0 + 299 * S,
    }  # fmt: skip
    assert signing.check(**asked) is None
    wrong = signing.check(**(asked | change))
    assert wrong is not None and told in wrong.en


# --- beside the real Alertmanager -------------------------------------------------------------

CONFIG = """
route: {{receiver: ours, group_by: [incident], group_wait: 0s, group_interval: 1s}}
receivers: [{{name: ours, webhook_configs: [{{url: "{url}", send_resolved: true}}]}}]
"""


@pytest.fixture
def alertmanager_url(tmp_path: Any, webhook: Webhook, spawn: Spawn) -> str:
    program = shutil.which("prometheus-alertmanager")
    assert program, "prometheus-alertmanager is missing: make test installs it"
    (tmp_path / "am.yml").write_text(CONFIG.format(url=webhook.url), "utf-8")
    address = f"127.0.0.1:{free_port()}"
    spawn(
        program, f"--config.file={tmp_path / 'am.yml'}", f"--storage.path={tmp_path / 'am'}",
        f"--web.listen-address={address}", "--cluster.listen-address=",
    )  # fmt: skip
    until(lambda: httpx.get(f"http://{address}/-/ready").is_success, 20)
    return f"http://{address}"


def test_our_body_has_the_form_of_alertmanagers_own(
    page: dict[str, Any], webhook: Webhook, alertmanager_url: str
) -> None:
    ours = alertmanager.message(page, "en")
    one = ours["alerts"][0]
    labels = one["labels"] | ours["groupLabels"]
    posted = {"labels": labels, "annotations": one["annotations"], "startsAt": one["startsAt"]}
    posted["generatorURL"] = one["generatorURL"]
    httpx.post(f"{alertmanager_url}/api/v2/alerts", json=[posted]).raise_for_status()
    theirs = webhook.wait_for(1)[0].json
    assert _form(ours) == _form(theirs)
    assert _form(one) == _form(theirs["alerts"][0])
    assert theirs["alerts"][0]["fingerprint"] == alertmanager.fingerprint(labels)
    assert ours["groupKey"] == theirs["groupKey"]
    assert one["annotations"] == theirs["alerts"][0]["annotations"]
    assert one["endsAt"] == theirs["alerts"][0]["endsAt"]


def _form(body: dict[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in body.items()}
