"""SMS and voice gateways by HTTP template, against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.database.access import reading
from alerts.notify import answer, template
from alerts.notify.channel import DeliveryError, Item
from alerts.notify.gateway import GatewayChannel, report
from alerts.notify.gateway_file import load_gateways
from alerts.notify.receipts import Fate
from config.errors import ConfigError
from config.secrets import Secrets
from tests.alerts.conftest import House, raised
from tests.support.ports import free_port
from tests.support.webhook import Webhook

TOKEN = "t0p-s3cret-token"
SECRETS = Secrets(environment={"LIFTWATCH_KEY_SMS": TOKEN})
FORM = "application/x-www-form-urlencoded"
NASTY = "a\"b'c<d>&e\\f\r\ng{h}&to=1 中文"
Open = Callable[[str], GatewayChannel]


@pytest.fixture
def item(house: House) -> Item:
    house.raise_(raised())
    with reading(house.engine) as conn:
        payload = conn.exec_driver_sql(
            "SELECT payload FROM outbox WHERE contact = 'zhang'"
        ).scalar()
    page: dict[str, Any] = dict(json.loads(payload))
    return Item("1:maintenance:zhang:sms", "+86 139", "zh", page, 1)


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    def make(text: str) -> GatewayChannel:
        (tmp_path / "channels.toml").write_text(text, "utf-8")
        spec = load_gateways(tmp_path, SECRETS)["sms"]
        zone = ZoneInfo("Asia/Shanghai")
        back = lambda one: f"http://house/receipts/sms/{one.key}"  # noqa: E731
        return GatewayChannel(spec, SECRETS, zone, back, timeout_s=2)

    return make


def nasty(item: Item) -> Item:
    title = {"zh": NASTY, "en": NASTY}
    return Item(item.key, NASTY, "zh", dict(item.page) | {"title": title}, 1)


# --- each place is escaped for itself --------------------------------------------------------


async def test_json_form_xml_url_and_headers_carry_anything_unharmed(
    item: Item, opened: Open, webhook: Webhook
) -> None:
    ways = {
        "json": 'json = { to = "{to}", deep = [{ text = "[{title}]" }], n = 1, b = true }',
        "form": 'form = { to = "{to}", text = "[{title}]" }',
        "xml": "xml = '<sms to=\"{to}\"><text>[{title}]</text></sms>'",
        "body": 'body = "[{title}]"',
    }
    for name, way in ways.items():
        channel = opened(
            f'[sms]\nurl = "{webhook.url}/{{to}}?q={{title}}&x=1"\n'
            f'headers = {{ X-Title = "{{title}}" }}\n{way}'
        )
        await channel.send(nasty(item))
        await channel.close()
        got = webhook.accepted[-1]
        path, query = urlsplit(got.path).path, parse_qs(urlsplit(got.path).query)
        assert path.count("/") == 2, "a slash or question mark of a value stays in its segment"
        assert query == {"q": [NASTY], "x": ["1"]}
        assert got.headers["x-title"].isascii()
        assert "\n" not in got.headers["x-title"]
        if name == "json":
            assert got.json == {"to": NASTY, "deep": [{"text": f"[{NASTY}]"}], "n": 1, "b": True}
        elif name == "form":
            assert dict(parse_qsl(got.body.decode())) == {"to": NASTY, "text": f"[{NASTY}]"}
        elif name == "xml":
            root = ElementTree.fromstring(got.body)
            assert [child.tag for child in root] == ["text"]
            assert root[0].text == f"[{NASTY}]".replace("\r\n", "\n")
        else:
            assert got.body.decode() == f"[{NASTY}]"


@given(st.text(max_size=40))
def test_no_value_ever_leaves_its_place(value: str) -> None:
    fill = lambda _: value  # noqa: E731
    xml = template.render("<a b='{to}'>{to}</a>", fill, template.for_xml)
    root = ElementTree.fromstring(xml)
    assert len(root) == 0
    url = template.render("http://h/{to}?a={to}#f", fill, template.for_url)
    assert urlsplit(url).hostname == "h" and urlsplit(url).fragment == "f"
    assert list(parse_qs(urlsplit(url).query, keep_blank_values=True)) == ["a"]
    header = template.render("x {to}", fill, template.for_header)
    assert header.isascii() and header.isprintable()


def test_braces_are_written_twice() -> None:
    assert template.render("{{to}} {to}", lambda _: "x") == "{to} x"
    with pytest.raises(ValueError, match="lone"):
        template.names_in("a { b")


# --- success and failure ---------------------------------------------------------------------

RULES = (
    '[sms]\nurl = "{url}"\nheaders = {{ Authorization = "Bearer {{secret:sms}}" }}\n'
    'json = {{ to = "{{to}}", text = "{{short}}", back = "{{callback}}" }}\n'
    '[sms.success]\nstatus = [200]\npath = "result.code"\nvalues = ["0"]\nnever = ["-7"]\n'
    'ref = "result.ids.0"\n'
)


@pytest.mark.parametrize(
    ("status", "body", "told", "final"),
    [
        (200, {"result": {"code": 5, "msg": "busy"}}, "result.code = 5, not 0", False),
        (200, {"result": {"code": -7}}, "result.code = -7", True),
        (202, {"result": {"code": 0}}, "HTTP 202", False),
        (503, {}, "HTTP 503", False),
        (401, {}, "HTTP 401", True),
        (200, b"<html>", "result.code = None", False),
        (200, {"echo": TOKEN, "result": {"code": 9}}, "\\*\\*\\*", False),
    ],
)
async def test_what_the_site_calls_success_is_success(
    item: Item, opened: Open, webhook: Webhook, status: int, body: object, told: str, final: bool
) -> None:
    channel = opened(RULES.format(url=webhook.url))
    webhook.say(body, status=status)
    with pytest.raises(DeliveryError, match=told) as refused:
        await channel.send(item)
    assert refused.value.final is final
    assert TOKEN not in str(refused.value)
    webhook.say({"result": {"code": 0, "ids": ["m-77"]}})
    receipt = await channel.send(item)
    await channel.close()
    assert receipt.ref == "m-77"
    got = webhook.requests[-1]
    assert got.headers["authorization"] == f"Bearer {TOKEN}"
    assert got.json["back"] == "http://house/receipts/sms/1:maintenance:zhang:sms"
    assert "2 人，07:59 起。接单 http" in got.json["text"]


async def test_nobody_at_home_tells_no_secret(item: Item, opened: Open) -> None:
    port = free_port()
    channel = opened(f'[sms]\nurl = "http://127.0.0.1:{port}/?key={{secret:sms}}"')
    with pytest.raises(DeliveryError, match=f"127.0.0.1:{port}") as refused:
        await channel.send(item)
    assert TOKEN not in str(refused.value)
    assert not refused.value.final
    await channel.close()


def test_what_is_shown_masks_secrets(item: Item, opened: Open) -> None:
    shown = opened(RULES.format(url="http://sms.example/send")).show(item)
    assert shown.startswith("POST http://sms.example/send\nAuthorization: Bearer ***\n")
    assert TOKEN not in shown
    assert "+86 139" in shown


# --- what is told later ----------------------------------------------------------------------


async def test_asking_and_understanding_what_became_of_it(
    item: Item, opened: Open, webhook: Webhook
) -> None:
    channel = opened(
        f'[sms]\nurl = "{webhook.url}"\n[sms.success]\nref = "id"\n'
        '[sms.receipt]\nstatus = "state"\nreached = ["DELIVRD"]\nread = ["READ"]\n'
        'failed = ["UNDELIV"]\nreply = "keys"\n'
        f'[sms.receipt.poll]\nurl = "{webhook.url}/{{ref}}"\nafter_s = 3\n'
    )
    webhook.say({"id": 12})
    receipt = await channel.send(item)
    assert (receipt.ref, receipt.ask_after_s) == ("12", 3)
    fates = []
    for state in ("ENROUTE", "DELIVRD", "READ", "UNDELIV"):
        webhook.say({"state": state, "keys": None})
        told = await channel.ask(item, "12")
        assert told is not None
        fates.append(told.fate)
    assert fates == [Fate.PENDING, Fate.REACHED, Fate.READ, Fate.FAILED]
    assert (webhook.requests[-1].method, webhook.requests[-1].path) == ("GET", "/hook/12")
    webhook.fail(1)
    assert await channel.ask(item, "12") is None
    await channel.close()
    spec = channel.spec.receipt
    assert spec is not None
    form = answer.parsed(b"state=READ&keys=1", "application/x-www-form-urlencoded")
    assert (report(spec, form).fate, report(spec, form).reply) == (Fate.READ, "1")
    query = answer.parsed(b"", "", "state=UNDELIV")
    assert report(spec, query).fate is Fate.FAILED


@given(
    st.binary(max_size=60), st.sampled_from(["", "application/json", FORM]), st.text(max_size=20)
)
def test_whatever_a_gateway_sends_breaks_nothing(body: bytes, kind: str, query: str) -> None:
    data = answer.parsed(body, kind, query)
    for path in ("a", "0.b", "a.0.1"):
        found = answer.at(data, path)
        assert found is None or isinstance(found, str)


# --- the file --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[sms]\nurl = "ftp://x/"', ("url", "http")),
        ('[sms]\nurl = "http://{to}/"', ("HOST",)),
        ('[sms]\nurl = "http://x/{whom}"', ("{whom}", "known")),
        ('[sms]\nurl = "http://x/{"', ("lone",)),
        ('[sms]\nurl = "http://x/"\nfrom = "y"', ("sms.from", "no such key")),
        ('[sms]\nurl = "http://x/"\nbody = "a"\nform = {}', ("one of json",)),
        ('[sms]\nurl = "http://x/"\nxml = "<a>{to}</b>"', ("XML",)),
        ('[sms]\nurl = "http://x/"\n[sms.success]\npath = "a"', ("values",)),
        ('[fax]\nurl = "http://x/"', ("fax",)),
        ('[sms]\nurl = "http://x/{secret:other}"', ("LIFTWATCH_KEY_OTHER",)),
        ('[sms]\nurl = "http://x/"\n[sms.receipt]\nsecret = "path"', ("LIFTWATCH_KEY_PATH",)),
        ('[sms]\nurl = "http://x/"\n[sms.receipt]\nreplies = { "1" = "fly" }', ("replies",)),
    ],
)
def test_a_mistake_in_the_file_is_told(tmp_path: Path, text: str, told: tuple[str, ...]) -> None:
    (tmp_path / "channels.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load_gateways(tmp_path, SECRETS)
    for words in ("channels.toml", *told):
        assert words in str(refused.value)


def test_secrets_come_from_environment_or_folder_and_only_by_their_prefix(tmp_path: Path) -> None:
    (tmp_path / "voice_key").write_text("from-file\n", "utf-8")
    secrets = Secrets(tmp_path, {"LIFTWATCH_KEY_SMS": "from-env", "PATH": "/bin"})
    assert secrets.get("sms") == "from-env"
    assert secrets.get("voice_key") == "from-file"
    for name in ("path", "PATH", "../x", "", "nothing", "a/b"):
        assert secrets.get(name) is None
    assert "from-env" not in repr(secrets)
