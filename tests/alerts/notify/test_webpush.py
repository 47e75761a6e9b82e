"""Pages to browsers: encrypted for one, retried, ended when the person has switched it off."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from sqlalchemy import delete, insert, select, update

from alerts.database.access import reading, writing
from alerts.database.shift_tables import push_subscription
from alerts.database.tables import app_user, journal, outbox
from alerts.model import Actor, Role, Step
from alerts.notify.outbox import OutboxWorker
from alerts.notify.queue import RetryPolicy
from alerts.notify.subscriptions import SubscriptionRefused, Subscriptions, allowed, checked
from alerts.notify.webpush import LONGEST, WebPushChannel, notice
from monitor.secret import load_vapid
from tests.alerts.conftest import T0, House, raised
from tests.alerts.notify.test_outbox import Clock, Make
from tests.support.push import BrowserKeys, b64
from tests.support.webhook import Webhook

S = 1000
FIRM = Actor("firm-a", Role.FIRM, "anda")
NAMES = ("张伟", "李强", "王芳", "139")


class Rig:
    """zhang has a browser at a push service on loopback; his web hook is out of order."""

    def __init__(self, house: House, service: Webhook, folder: Path) -> None:
        self.house, self.service, self.clock = house, service, Clock()
        self.vapid, self.keys = load_vapid(folder), BrowserKeys()
        raw = self.vapid.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        base = f"http://127.0.0.1:{service.port}"
        self.endpoint = f"{base}/push/abc"
        self.book = Subscriptions(
            house.engine, (base,), b64(raw), lambda: house.desk.directory
        ).open()
        with writing(house.engine) as conn:
            row = {"name": "firm-a", "role": "firm", "unit": "anda", "password_hash": "x"}
            conn.execute(insert(app_user), row | {"created_ms": T0})
        house.desk.push_to(self.book.of)
        self.channel = WebPushChannel(
            self.book, self.vapid, "mailto:desk@example.org", lambda: time.time_ns() // 1_000_000
        )
        policy = RetryPolicy(attempts=3, first_s=2, cap_s=5)
        self.worker = OutboxWorker(house.engine, {"webpush": self.channel}, self.clock, policy)

    def subscribe(self) -> int:
        browser = checked(self.endpoint, self.keys.p256dh, self.keys.auth, self.book.services)
        return self.book.subscribe(browser, FIRM, "zhang", "Android", T0)

    def row(self) -> dict[str, Any]:
        with reading(self.house.engine) as conn:
            query = select(outbox).where(outbox.c.channel == "webpush").order_by(outbox.c.id)
            return dict(conn.execute(query).mappings().one())

    async def after(self, seconds: float) -> None:
        self.clock.ms += round(seconds * S)
        await self.worker.drain()


@pytest.fixture
async def rig(tmp_path: Path, site_directory: Make, webhook: Webhook) -> AsyncIterator[Rig]:
    book = site_directory(lambda who: f'webhook = "http://127.0.0.1:9/{who}"\n')
    house = House(f"sqlite:///{tmp_path / 'push.db'}", book)
    webhook.always(201)
    made = Rig(house, webhook, tmp_path)
    yield made
    await made.channel.close()
    house.engine.dispose()


async def test_a_page_is_read_by_that_browser_alone(rig: Rig) -> None:
    ident = rig.subscribe()
    rig.house.desk.apply(T0, [raised("1")])
    await rig.after(0)
    (sent,) = rig.service.accepted
    assert sent.path == "/push/abc"
    assert b"zhang" not in sent.body and "困".encode() not in sent.body
    told = rig.keys.read(sent.body)
    assert "困人" in str(told["title"]) and "豪庭花园 3 栋" in str(told["body"])
    assert str(told["path"]).startswith("/") and told["severity"] == "critical"
    assert not any(name in json.dumps(told, ensure_ascii=False) for name in NAMES)
    with pytest.raises(Exception):  # noqa: B017 - whatever the library says of another's key
        BrowserKeys().read(sent.body)

    row = rig.row()
    assert (row["state"], row["receipt"]) == ("delivered", "HTTP 201 127.0.0.1")
    assert row["key"].endswith(f":zhang:webpush-{ident}") and row["address"] == str(ident)


async def test_a_push_service_can_tell_whose_it_is(rig: Rig) -> None:
    rig.subscribe()
    rig.house.desk.apply(T0, [raised("1")])
    await rig.after(0)
    headers = rig.service.accepted[0].headers
    assert headers["content-encoding"] == "aes128gcm"
    assert (headers["urgency"], headers["ttl"]) == ("high", "3600")
    assert Vapid02.verify(headers["authorization"])
    token = headers["authorization"].split("t=")[1].split(",")[0].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(token + "=="))
    parts = urlsplit(rig.endpoint)
    assert claims["aud"] == f"{parts.scheme}://{parts.netloc}"
    assert 0 < claims["exp"] - time.time() <= 24 * 3600
    assert rig.book.public_key in headers["authorization"]


async def test_trouble_is_tried_again_and_ends_as_a_dead_letter(rig: Rig) -> None:
    rig.subscribe()
    rig.service.fail(1, 503)
    rig.house.desk.apply(T0, [raised("1")])
    await rig.after(0)
    assert (rig.row()["state"], rig.row()["last_error"]) == ("due", "127.0.0.1: HTTP 503")
    await rig.after(3)
    assert rig.row()["state"] == "delivered"

    rig.service.always(500)
    rig.house.desk.apply(T0 + 60 * S, [raised("16", people=0, at_ms=T0 + 60 * S)])
    await rig.after(60)
    for _ in range(3):
        await rig.after(10)
    with reading(rig.house.engine) as conn:
        query = select(outbox.c.state, outbox.c.attempts).where(outbox.c.channel == "webpush")
        states = {row.state: row.attempts for row in conn.execute(query)}
    assert states["dead"] == 3
    assert rig.book.of("zhang"), "a service in trouble ends no subscription"


@pytest.mark.parametrize("status", [404, 410])
async def test_whoever_switched_it_off_is_not_tried_again(rig: Rig, status: int) -> None:
    rig.subscribe()
    rig.service.always(status)
    rig.house.desk.apply(T0, [raised("1")])
    await rig.after(0)
    assert rig.row()["state"] == "dead" and "has ended" in rig.row()["last_error"]
    assert rig.book.of("zhang") == () and rig.book.mine("firm-a") == []
    rig.house.desk.apply(T0 + S, [raised("16", people=0, at_ms=T0 + S)])
    await rig.after(100)
    assert len(rig.service.requests) == 1
    with reading(rig.house.engine) as conn:
        kept = conn.execute(select(push_subscription)).mappings().one()
        lines = conn.execute(select(journal.c.kind, journal.c.data)).all()
    assert (kept["endpoint"], kept["auth"]) == ("", ""), "an ended address is forgotten"
    told = {row.kind: row.data for row in lines if row.kind.startswith("push_")}
    assert set(told) == {"push_on", "push_off"} and f"HTTP {status}" in told["push_off"]
    assert not any("push/abc" in row.data for row in lines), "an address is a right to send"


async def test_nothing_is_sent_for_an_account_that_is_gone(rig: Rig) -> None:
    rig.subscribe()
    with writing(rig.house.engine) as conn:
        conn.execute(delete(app_user))
    rig.house.desk.apply(T0, [raised("1")])
    await rig.after(0)
    assert rig.service.requests == [] and rig.row()["state"] == "dead"
    assert rig.book.of("zhang") == (), "and the desk writes no more such pages"


@pytest.mark.parametrize(
    "now", [{"locked_ms": T0}, {"unit": "kone"}, {"role": "operator", "unit": None}]
)
async def test_nothing_is_sent_for_an_account_that_may_not_see_it_now(
    rig: Rig, now: dict[str, object]
) -> None:
    """Changed by another process, after the page was written: the sender itself must ask."""
    ident = rig.subscribe()
    rig.house.desk.apply(T0, [raised("1")])
    with writing(rig.house.engine) as conn:
        conn.execute(update(app_user).values(**now))
    assert rig.book.of("zhang") == (ident,), "what is in memory is of before"
    await rig.after(0)
    assert rig.service.requests == [] and rig.row()["state"] == "dead"
    assert rig.book.of("zhang") == ()


def test_a_contact_that_moves_to_another_unit_takes_no_foreign_browser_along(rig: Rig) -> None:
    ident, desk = rig.subscribe(), rig.house.desk
    zhang = desk.directory.contacts["zhang"]
    moved = dict(desk.directory.contacts) | {"zhang": replace(zhang, unit="kone")}
    desk.take_up(replace(desk.directory, contacts=moved))
    assert rig.book.of("zhang") == () and rig.book.find(ident) is None


async def test_one_who_accepts_is_not_pushed_to_for_that_any_more(rig: Rig) -> None:
    rig.subscribe()
    rig.service.always(503)
    (event, *_) = rig.house.desk.apply(T0, [raised("1")])
    await rig.after(0)
    assert event.alert_id is not None
    rig.house.desk.act(event.alert_id, Step.ACCEPT, FIRM, T0 + S)
    assert rig.row()["state"] == "withdrawn"


async def test_off_unless_somebody_subscribes(rig: Rig) -> None:
    rig.house.desk.apply(T0, [raised("1")])
    await rig.after(0)
    with reading(rig.house.engine) as conn:
        channels = set(conn.execute(select(outbox.c.channel)).scalars())
    assert channels == {"webhook"} and rig.service.requests == []


def test_the_same_browser_takes_over_what_it_had(rig: Rig) -> None:
    first = rig.subscribe()
    assert rig.subscribe() == first and rig.book.of("zhang") == (first,)
    assert not rig.book.end(first, "by hand", T0, Actor("other", Role.FIRM, "kone"))
    assert rig.book.end(first, "by hand", T0, FIRM) and not rig.book.end(first, "again", T0)
    desk = rig.house.desk
    fresh = Subscriptions(desk.engine, rig.book.services, "k", lambda: desk.directory).open()
    assert fresh.of("zhang") == ()


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", True),
        ("https://db5.notify.windows.com/w/?token=x", True),
        ("https://notify.windows.com.evil.example/x", False),
        ("https://evilnotify.windows.com.example/x", False),
        ("http://fcm.googleapis.com/x", False),
        ("https://fcm.googleapis.com:8443/x", False),
        ("https://user@fcm.googleapis.com/x", False),
        ("https://169.254.169.254/latest", False),
        ("http://127.0.0.1:8080/x", False),
        ("file:///etc/passwd", False),
        ("https://[::1", False),
    ],
)
def test_only_the_allowed_push_services_are_called(address: str, fine: bool) -> None:
    assert allowed(address, ("fcm.googleapis.com", "*.notify.windows.com")) is fine


def test_loopback_is_for_trials_and_must_be_named() -> None:
    assert allowed("http://127.0.0.1:8080/x", ("http://127.0.0.1:8080",))
    assert not allowed("http://10.0.0.1:80/x", ("http://10.0.0.1:80",))


@pytest.mark.parametrize("name", ["p256dh", "auth", "endpoint"])
def test_a_refusal_names_the_field(name: str) -> None:
    keys = BrowserKeys()
    told = {"endpoint": "https://a.example/x", "p256dh": keys.p256dh, "auth": keys.auth}
    told[name] = "bm8" if name != "endpoint" else "https://b.example/x"
    with pytest.raises(SubscriptionRefused) as refused:
        checked(**told, services=("a.example",))
    assert refused.value.field == name


def test_a_long_page_is_cut_at_whole_lines() -> None:
    text = "\n".join(["困人" * 40] * 40 + ["接单：https://x/p/t"])
    page = {
        "text": {"zh": text, "en": text}, "title": {"zh": "t", "en": "t"}, "alert": 1,
        "severity": "minor", "link": "https://x/p/t", "sent_ms": 1,
    }  # fmt: skip
    told = notice(page, "zh", "k")
    assert len(told["body"].encode()) <= LONGEST and told["body"].endswith("…")
    assert told["path"] == "/p/t" and "https://" not in told["body"]


def test_the_pair_of_keys_is_made_once_and_only_for_this_user(tmp_path: Path) -> None:
    first, again = load_vapid(tmp_path), load_vapid(tmp_path)
    assert first.private_pem() == again.private_pem()
    assert (tmp_path / "vapid.pem").stat().st_mode & 0o777 == 0o600
