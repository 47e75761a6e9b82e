"""Answers by e-mail and MQTT through real servers, and told back by the same way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiomqtt
import aiosmtplib
import pytest
from sqlalchemy import select, text

from alerts.database.access import reading, writing
from alerts.database.tables import outbox
from alerts.directory.directory_file import load_directory
from alerts.model import Step
from alerts.notify.channel import Channel
from alerts.notify.email import EmailChannel
from alerts.notify.outbox import OutboxWorker
from alerts.replies.answers import Replies
from alerts.replies.tokens import ReplyTokens
from config.notify_settings import Replies as Ways
from config.settings import Mqtt
from monitor.reply_mail import ReplyMail
from monitor.reply_topic import ReplyTopic
from tests.alerts.conftest import T0, House, directory_toml, raised
from tests.support.brokers import TestBroker
from tests.support.ports import free_port, is_listening
from tests.support.smtp import SmtpServer
from tests.support.wait import until, until_async

S = 1000
TOKENS = ReplyTokens("secret", 24)
PLUS, PLAIN = "reply+{token}@lw.example.org", "reply@lw.example.org"


class Clock:
    def __init__(self) -> None:
        self.ms = T0

    def __call__(self) -> int:
        return self.ms


def house_in(folder: Path) -> House:
    file = folder / "directory.toml"
    text = directory_toml(lambda who: f'email = "{who}@example.org"\nmqtt = true')
    file.write_text(text, "utf-8")
    return House(f"sqlite:///{folder / 'alerts.db'}", load_directory(file))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = house_in(tmp_path)
    yield made
    made.engine.dispose()


# --- e-mail ----------------------------------------------------------------------------------


class Post:
    """A desk that sends by a real mail server and listens for answers."""

    def __init__(self, house: House, server: SmtpServer, mail_to: str) -> None:
        self.house, self.server, self.clock = house, server, Clock()
        ways = Ways(mail_port=free_port(), mail_to=mail_to)
        assert ways.mail_port is not None
        self.port = ways.mail_port
        channel = EmailChannel(
            server.host, server.port, "lw@example.org", starttls=False, reply_to=mail_to,
            tokens=TOKENS, concurrency=1,
        )  # fmt: skip
        channels: dict[str, Channel] = {"email": channel}
        self.worker = OutboxWorker(house.engine, channels, self.clock)
        self.listener = ReplyMail(ways, Replies(house.desk, TOKENS), self.clock, tells=True)

    def page(self, who: str) -> EmailMessage:
        return next(m for m in self.server.messages if m["To"] == f"{who}@example.org")

    def mails_to(self, who: str) -> list[EmailMessage]:
        return [m for m in self.server.messages if m["To"] == f"{who}@example.org"]

    async def answer(self, page: EmailMessage, text: str, **headers: str) -> str:
        """What a mail program does with "reply"; the sender may be anybody."""
        mail = EmailMessage()
        mail["From"], mail["To"] = "private-address@elsewhere.example", page["Reply-To"]
        mail["Subject"], mail["In-Reply-To"] = f"Re: {page['Subject']}", page["Message-ID"]
        mail["Message-ID"] = headers.pop("id", "<1@elsewhere.example>")
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(f"{text}\n\nOn Thu, 1 Jan 2026 at 08:00, Liftwatch wrote:\n> accept\n")
        _, said = await aiosmtplib.send(
            mail, hostname="127.0.0.1", port=self.port, start_tls=False, timeout=5
        )
        await self.worker.drain()
        return said


@pytest.fixture
async def posts(house: House, smtp_server: SmtpServer) -> AsyncIterator[Callable[[str], Any]]:
    stop, tasks = asyncio.Event(), list[asyncio.Task[None]]()

    async def opened(mail_to: str) -> Post:
        post = Post(house, smtp_server, mail_to)
        tasks.append(asyncio.create_task(post.listener.run(stop)))
        await until_async(lambda: is_listening(post.port))
        return post

    yield opened
    stop.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("mail_to", [PLUS, PLAIN])
async def test_an_answer_to_a_page_acts_and_is_told_back(
    house: House, posts: Callable[[str], Any], mail_to: str
) -> None:
    post = await posts(mail_to)
    house.raise_(raised())
    await post.worker.drain()
    page = post.page("zhang")
    assert ("[LW-" in page["Subject"]) is (mail_to == PLAIN)
    assert page["Reply-To"].partition("@")[0].startswith("reply")
    post.clock.ms = T0 + 20 * S
    await post.answer(page, "接单")
    assert (house.alert()["rescue_state"], house.alert()["owner"]) == ("accepted", "张伟")
    first, told = post.mails_to("zhang")
    assert first is page
    assert told["Subject"].startswith("回复：已接单")
    assert "已接单" in told.get_content()
    await post.answer(page, "接单")  # the mail server did not hear our 250 and sends it again
    assert len(post.mails_to("zhang")) == 2
    assert house.kinds().count("accepted") == 1
    await post.answer(page, "cause: door", id="<2@elsewhere.example>")
    assert "已解困" in post.mails_to("zhang")[-1]["Subject"], "why not is told too"
    for number, words in enumerate(("arrived", "解困", "原因：门锁"), 3):
        await post.answer(page, words, id=f"<{number}@elsewhere.example>")
    assert house.alert()["cause"] == "门锁"
    rows = house.alert()["deliveries"]
    mine = [r for r in rows if r["contact"] == "zhang" and r["state"] == "delivered"]
    assert mine[0]["read_ms"] == T0 + 20 * S, "who answers has read"


async def test_who_proves_nothing_is_refused_and_nobody_gets_mail(
    house: House, posts: Callable[[str], Any]
) -> None:
    post = await posts(PLUS)
    house.raise_(raised())
    await post.worker.drain()
    page, sent = post.page("zhang"), len(post.server.messages)
    token = page["Reply-To"].partition("+")[2].partition("@")[0]
    forged = EmailMessage()
    forged["Subject"], forged["Message-ID"] = page["Subject"], page["Message-ID"]
    other = ReplyTokens("guessed", 24).make(1, "zhang", T0)
    forged["Reply-To"] = page["Reply-To"].replace(token, other)
    with pytest.raises(aiosmtplib.SMTPDataError, match="not valid") as refused:
        await post.answer(forged, "accept")
    assert refused.value.code == 550
    post.clock.ms = T0 + 26 * 3_600_000
    with pytest.raises(aiosmtplib.SMTPDataError, match="expired"):
        await post.answer(page, "accept")
    stranger = EmailMessage()
    stranger["Subject"], stranger["Message-ID"] = "x", "<x@y>"
    stranger["Reply-To"] = "somebody@example.org"
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await post.answer(stranger, "accept")
    assert house.alert()["accepted_ms"] is None
    assert len(post.server.messages) == sent


async def test_while_the_database_will_not_the_sender_keeps_the_mail(
    house: House, posts: Callable[[str], Any]
) -> None:
    post = await posts(PLUS)
    house.raise_(raised())
    await post.worker.drain()
    page = post.page("zhang")
    break_(house)
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await post.answer(page, "accept")
    assert refused.value.code == 451
    mend(house)
    await post.answer(page, "accept")
    assert house.alert()["owner"] == "张伟"


def break_(house: House) -> None:
    with writing(house.engine) as conn:
        conn.execute(text("ALTER TABLE reply RENAME TO away"))


def mend(house: House) -> None:
    with writing(house.engine) as conn:
        conn.execute(text("ALTER TABLE away RENAME TO reply"))


async def test_one_mail_answers_one_page(house: House, posts: Callable[[str], Any]) -> None:
    post = await posts(PLUS)
    house.raise_(raised())
    both = [PLUS.replace("{token}", TOKENS.make(1, who, T0)) for who in ("zhang", "pm1")]
    mail = EmailMessage()
    mail["From"], mail["Message-ID"] = "x@y", "<1@x>"
    mail.set_content("accept")
    refused, _ = await aiosmtplib.send(
        mail, recipients=both, hostname="127.0.0.1", port=post.port, start_tls=False, timeout=5
    )
    assert [code for code, _ in refused.values()] == [452]
    assert house.alert()["owner"] == "张伟"


async def test_what_is_not_understood_is_answered_and_machines_are_not(
    house: House, posts: Callable[[str], Any]
) -> None:
    post = await posts(PLUS)
    house.raise_(raised())
    await post.worker.drain()
    page = post.page("zhang")
    await post.answer(page, "I am on leave", Auto_Submitted="auto-replied")
    assert len(post.mails_to("zhang")) == 1
    await post.answer(page, "好的我看看", id="<2@x>")
    told = post.mails_to("zhang")[-1]
    assert "请回复：接单" in told.get_content()
    assert house.alert()["accepted_ms"] is None


async def test_html_and_odd_character_sets_are_read(
    house: House, posts: Callable[[str], Any]
) -> None:
    post = await posts(PLUS)
    house.raise_(raised())
    await post.worker.drain()
    page = post.page("zhang")

    def raw(kind: str, body: bytes) -> bytes:
        return (
            f"To: {page['Reply-To']}\r\nMessage-ID: <{len(body)}@x>\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        ).encode() + body

    html = "<html><style>p{}</style><body><p>接单</p><blockquote>到场</blockquote></body></html>"
    for content, step in (
        (raw("text/html; charset=utf-8", html.encode()), Step.ACCEPT),
        (raw("text/plain; charset=gbk", "赶往".encode("gbk")), Step.DEPART),
        (raw("text/plain; charset=x-nobody-knows", "到场".encode()), Step.ARRIVE),
    ):
        answer = await asyncio.to_thread(post.listener.take, page["Reply-To"], content)
        assert (answer.code, answer.step) == ("done", step.value)
    empty = post.listener.take(page["Reply-To"], raw("image/png", b"\x89PNG"))
    assert empty.code == "not_understood"


# --- MQTT ------------------------------------------------------------------------------------


def asked(**said: str) -> bytes:
    return json.dumps(said).encode()


class Ear:
    """A firm's own client: publishes answers, hears what was done."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client, self.heard = client, list[tuple[str, dict[str, Any]]]()

    async def listen(self) -> None:
        await self.client.subscribe("liftwatch/v1/replies/+/+/answer", qos=1)
        async for message in self.client.messages:
            assert isinstance(message.payload, bytes)
            self.heard.append((str(message.topic), json.loads(message.payload)))

    async def say(self, topic: str, payload: bytes) -> dict[str, Any]:
        before = len(self.heard)
        await self.client.publish(f"liftwatch/v1/replies/{topic}", payload, qos=1)
        await until_async(lambda: len(self.heard) > before)
        where, told = self.heard[-1]
        assert where == f"liftwatch/v1/replies/{topic}/answer"
        return told


@pytest.fixture
def topic(house: House, any_broker: TestBroker) -> Iterator[ReplyTopic]:
    made = ReplyTopic(Mqtt(url=any_broker.url), Replies(house.desk, TOKENS), Clock())
    made.start()
    until(made.connected.is_set)
    yield made
    made.stop()


async def test_an_answer_by_mqtt_acts_and_is_told_back(
    house: House, topic: ReplyTopic, any_broker: TestBroker
) -> None:
    house.raise_(raised())
    with reading(house.engine) as conn:
        row = conn.execute(select(outbox).where(outbox.c.contact == "zhang")).mappings().one()
    link = json.loads(row["payload"])["link"]
    token = link.rsplit("/", 1)[-1]
    async with aiomqtt.Client(any_broker.host, any_broker.port) as client:
        ear = Ear(client)
        listening = asyncio.create_task(ear.listen())
        told = await ear.say("anda/zhang", asked(key="7", token=token, step="accept"))
        assert (told["ok"], told["code"], told["key"]) == (True, "done", "7")
        assert told["text"]["zh"] == "已接单"
        assert told == await ear.say("anda/zhang", asked(key="7", token=token, step="accept"))
        told = await ear.say("anda/zhang", asked(token=token, text="到场：两分钟"))
        assert (told["code"], told["step"]) == ("done", "arrive")
        for where, payload, code in (
            ("anda/li", asked(token=token, step="free"), "not_proven"),
            ("anda/zhang", asked(step="free"), "not_proven"),
            ("anda/zhang", asked(token=row["key"], step="free"), "not_proven"),
            ("anda/zhang", asked(token=token, step="verify"), "refused"),
            ("anda/zhang", asked(token=token, text="?"), "not_understood"),
            ("anda/zhang", b"\xff", "not_understood"),
            ("anda/zhang", b"[1]", "not_understood"),
            ("anda/zhang", b" " * 5000, "not_understood"),
        ):
            told = await ear.say(where, payload)
            assert (told["ok"], told["code"]) == (False, code), payload
            assert told["text"]["zh"] and told["text"]["en"]
        listening.cancel()
    assert house.alert()["rescue_state"] == "arrived"
    assert house.kinds().count("accepted") == 1


async def test_what_the_broker_retained_is_no_answer(house: House, mosquitto: TestBroker) -> None:
    house.raise_(raised())
    token = house.desk.pages.links.token(1, "zhang", T0)
    where = "liftwatch/v1/replies/anda/zhang"
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        ear = Ear(client)
        listening = asyncio.create_task(ear.listen())
        await client.publish(where, asked(token=token, step="accept"), qos=1, retain=True)
        topic = ReplyTopic(Mqtt(url=mosquitto.url), Replies(house.desk, TOKENS), Clock())
        topic.start()
        await until_async(topic.connected.is_set)
        # What is said now comes after what was retained: once it is answered, that was passed.
        told = await ear.say("anda/zhang", asked(token=token, step="acknowledge"))
        listening.cancel()
    topic.stop()
    assert told["code"] == "done"
    assert house.alert()["accepted_ms"] is None


@pytest.mark.parametrize("restarted", [False, True])
async def test_while_the_database_will_not_the_broker_keeps_the_answer(
    house: House, mosquitto: TestBroker, restarted: bool
) -> None:
    house.raise_(raised())
    token = house.desk.pages.links.token(1, "zhang", T0)
    settings, replies = Mqtt(url=mosquitto.url), Replies(house.desk, TOKENS)
    first = ReplyTopic(settings, replies, Clock())
    first.start()
    await until_async(first.connected.is_set)
    break_(house)
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        body = asked(token=token, step="accept", key="1")
        await client.publish("liftwatch/v1/replies/anda/zhang", body, qos=1)
    await until_async(lambda: first.failures >= 1)
    if restarted:
        await asyncio.to_thread(first.stop)
    mend(house)
    assert house.alert()["accepted_ms"] is None
    second = ReplyTopic(settings, replies, Clock()) if restarted else first
    if restarted:
        second.start()
    await until_async(lambda: house.alert()["accepted_ms"] is not None)
    second.stop()
    assert house.kinds().count("accepted") == 1


async def test_an_answer_given_while_the_service_is_away_is_not_lost(
    house: House, mosquitto: TestBroker
) -> None:
    house.raise_(raised())
    token = house.desk.pages.links.token(1, "zhang", T0)
    settings, replies = Mqtt(url=mosquitto.url), Replies(house.desk, TOKENS)
    first = ReplyTopic(settings, replies, Clock())
    first.start()
    until(first.connected.is_set)
    first.stop()
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        body = asked(token=token, step="accept")
        await client.publish("liftwatch/v1/replies/anda/zhang", body, qos=1)
    assert house.alert()["accepted_ms"] is None
    second = ReplyTopic(settings, replies, Clock())
    second.start()
    await until_async(lambda: house.alert()["accepted_ms"] is not None)
    second.stop()
