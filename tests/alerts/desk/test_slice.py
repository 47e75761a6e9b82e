"""The thin slice: a transition in, an alert, a page at a real receiver, a tap, silence."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

from alerts.directory.units import Directory
from alerts.model import Step
from alerts.notify.outbox import OutboxWorker
from alerts.notify.webhook import WebhookChannel
from tests.alerts.conftest import T0, House, raised
from tests.support.webhook import Webhook


async def test_a_trapped_passenger_reaches_the_mechanic_and_a_tap_ends_the_calls(
    tmp_path: Path,
    site_directory: Callable[[Callable[[str], str]], Directory],
    webhook: Webhook,
) -> None:
    directory = site_directory(lambda who: f'webhook = "{webhook.url}/{who}"')
    house = House(f"sqlite:///{tmp_path / 'slice.db'}", directory)
    now = [T0]
    worker = OutboxWorker(
        house.engine, {"webhook": WebhookChannel("s3cret")}, lambda: now[0], name="w1"
    )

    house.raise_(raised())
    await worker.drain()

    by_path = {one.path.rsplit("/", 1)[1]: one for one in webhook.accepted}
    assert set(by_path) == {"desk1", "pm1", "zhang"}
    got = by_path["zhang"]
    assert got.headers["idempotency-key"] == "1:maintenance:zhang:webhook"
    mac = hmac.new(b"s3cret", got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-liftwatch-signature"] == f"sha256={mac}"
    page = got.json["page"]
    assert page["people"] == 2
    assert page["deadline_ms"] == T0 + 900_000
    assert "豪庭花园 3 栋" in page["text"]["zh"]
    assert "trapped, not level" in page["text"]["en"]

    token = page["link"].rsplit("/", 1)[1]
    claim = house.desk.pages.links.read(token, T0 + 60_000)
    actor = house.desk.actor(claim)
    assert actor is not None and actor.name == "张伟"
    assert house.desk.act(claim.alert_id, Step.ACCEPT, actor, T0 + 20_000).ok

    for after_s in (30, 60, 180, 300):
        now[0] = T0 + after_s * 1000
        house.desk.tick(now[0])
        await worker.drain()
    told = [one.path.rsplit("/", 1)[1] for one in webhook.accepted]
    # The use unit has not answered: its second contact is still wanted. Nobody else is.
    assert told[3:] == ["pm2"]
    assert "delivered" in house.kinds()
    await worker.channels["webhook"].close()
    house.engine.dispose()
