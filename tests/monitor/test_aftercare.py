"""Gateways are asked what became of a page, as often and as long as the site says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.tables import outbox
from alerts.directory.directory_file import load_directory
from alerts.model import Step
from alerts.notify.channel import Channel
from alerts.notify.gateway import GatewayChannel
from alerts.notify.gateway_file import load_gateways
from alerts.notify.outbox import OutboxWorker
from alerts.notify.webhook import WebhookChannel
from alerts.replies.answers import Replies
from alerts.replies.tokens import Callbacks, ReplyTokens
from config.secrets import Secrets
from config.settings import Settings
from monitor.aftercare import Aftercare
from monitor.incoming import Incoming, moment_ms
from tests.alerts.conftest import T0, House, directory_toml, raised
from tests.support.webhook import Webhook

S = 1000
SPEC = """
[sms]
url = "{url}/send"
[sms.success]
ref = "id"
[sms.receipt]
status = "state"
at = "at"
reached = ["DELIVRD"]
read = ["READ"]
failed = ["UNDELIV"]
[sms.receipt.poll]
url = "{url}/state/{{ref}}"
after_s = 10
every_s = 30
for_s = 300
"""


class Clock:
    def __init__(self) -> None:
        self.ms = T0

    def __call__(self) -> int:
        return self.ms


class Rig:
    """One page by SMS, with a web hook in reserve."""

    def __init__(self, folder: Path, hook: Webhook) -> None:
        file = folder / "directory.toml"
        reach = f'sms = true\nwebhook = "{hook.url}/hook"\nchannels = ["sms", "webhook"]'
        file.write_text(directory_toml(lambda _: reach), "utf-8")
        (folder / "channels.toml").write_text(SPEC.format(url=hook.url), "utf-8")
        self.hook, self.clock = hook, Clock()
        self.house = House(f"sqlite:///{folder / 'a.db'}", load_directory(file))
        secrets = Secrets(environment={})
        spec = load_gateways(folder, secrets)["sms"]
        self.channels: dict[str, Channel] = {
            "sms": GatewayChannel(spec, secrets, ZoneInfo("Asia/Shanghai")),
            "webhook": WebhookChannel(),
        }
        replies = Replies(self.house.desk, ReplyTokens("s"))
        incoming = Incoming(Settings(), replies, Callbacks("s", "http://x"), self.channels)
        self.care = Aftercare(incoming, self.clock)
        self.worker = OutboxWorker(self.house.engine, self.channels, self.clock)

    async def sent(self) -> None:
        self.hook.say({"id": 7})
        self.house.raise_(raised("16", people=None))
        await self.worker.drain()

    async def after(self, seconds: float, **said: object) -> None:
        self.clock.ms += round(seconds * S)
        if said:
            self.hook.say(said)
        await self.care.round()

    @property
    def asked(self) -> int:
        return sum("/state/7" in one.path for one in self.hook.requests)

    def states(self) -> list[tuple[str, str]]:
        query = select(outbox.c.channel, outbox.c.state).order_by(outbox.c.id)
        with reading(self.house.engine) as conn:
            return [(channel, state) for channel, state in conn.execute(query)]


@pytest.fixture
async def rig(tmp_path: Path, webhook: Webhook) -> AsyncIterator[Rig]:
    made = Rig(tmp_path, webhook)
    yield made
    for channel in made.channels.values():
        await channel.close()
    made.house.engine.dispose()


async def test_it_is_asked_in_time_and_no_more_once_read(rig: Rig) -> None:
    await rig.sent()
    await rig.after(9)
    assert rig.asked == 0
    await rig.after(1, state="ENROUTE")
    await rig.after(29)
    assert rig.asked == 1
    await rig.after(1, state="DELIVRD", at=(T0 + 20 * S) // S)
    await rig.after(30, state="READ")
    await rig.after(200)
    assert rig.asked == 3
    one = rig.house.alert()["deliveries"][0]
    assert (one["reached_ms"], one["read_ms"]) == (T0 + 20 * S, T0 + 70 * S)


async def test_it_is_not_asked_for_ever(rig: Rig) -> None:
    await rig.sent()
    for _ in range(40):
        await rig.after(30, state="ENROUTE")
    assert rig.asked == 11, "once every 30 s, for 300 s and one last time"


async def test_a_gateway_that_fails_is_asked_again(rig: Rig) -> None:
    await rig.sent()
    rig.hook.fail(2)
    for _ in range(2):
        await rig.after(30)
    await rig.after(30, state="DELIVRD")
    assert rig.house.alert()["deliveries"][0]["reached_ms"]


@pytest.mark.parametrize("acknowledged", [False, True])
async def test_a_page_lost_after_all_goes_another_way_unless_nobody_needs_it(
    rig: Rig, acknowledged: bool
) -> None:
    await rig.sent()
    if acknowledged:
        rig.house.act(1, Step.ACKNOWLEDGE, "zhang", T0 + 5 * S)
    await rig.after(10, state="UNDELIV")
    await rig.worker.drain()
    rest = [] if acknowledged else [("webhook", "delivered")]
    assert rig.states() == [("sms", "dead"), *rest]
    await rig.after(200)
    assert rig.asked == 1


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        (str(T0 // S - 5), T0 - 5 * S),
        (str(T0 - 5), T0 - 5),
        ("2026-01-01T07:59:00+08:00", T0 - 60 * S),
        ("2026-01-01 07:59:00", T0),  # no zone: nobody knows when that was
        (str(T0 + 5), T0),
        ("soon", T0),
        ("nan", T0),
        ("inf", T0),
        (None, T0),
    ],
)
def test_times_of_gateways(text: str | None, at_ms: int) -> None:
    assert moment_ms(text, T0) == at_ms
