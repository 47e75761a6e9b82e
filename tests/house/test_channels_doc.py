"""docs/channels.md is true: every example on it is run here."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from typer.testing import CliRunner

from alerts.directory.directory_file import load_directory
from alerts.model import Step
from alerts.notify import alertmanager, answer
from alerts.notify.gateway import GatewayChannel, report
from alerts.notify.gateway_file import load_gateways
from alerts.notify.longtail import LongTailChannel
from alerts.notify.receipts import Fate
from alerts.notify.trial import trial
from alerts.notify.webhook import WebhookChannel
from alerts.replies.words import Said, understand
from config.notify_settings import Notify
from config.secrets import Secrets
from config.settings import load_settings
from monitor.cli import build
from monitor.clock import wall_ms
from monitor.reply_topic import take
from monitor.web.app import create_app
from tests.monitor.web.house import House
from tests.support.site import write_small_site
from tests.support.webhook import Webhook

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "channels.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: ([\w-]+) -->\n```\w*\n(.*?)```", TEXT, re.DOTALL))
KEYS = {
    f"LIFTWATCH_KEY_{name}": "0123456789abcdef" + name.lower().replace("_", "")
    for name in ("SMS", "VOICE", "WECOM_NIGHT", "DING_NIGHT", "FEISHU_NIGHT")
}
SECRETS = Secrets(environment=KEYS)


def code(name: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(EXAMPLES[name], space)
    return space


def gateway(folder: Path, name: str, webhook: Webhook) -> GatewayChannel:
    text = re.sub(rf"https://{name}\.example", webhook.url, EXAMPLES[name])
    (folder / "channels.toml").write_text(text, "utf-8")
    spec = load_gateways(folder, SECRETS)[name]
    return GatewayChannel(spec, SECRETS, ZoneInfo("Asia/Shanghai"), lambda _: "http://back/1")


def test_the_contact_of_the_page_is_one(tmp_path: Path) -> None:
    unit = '[[unit]]\nid = "anda"\nkind = "maintenance"\nname_zh = "安达"\nname_en = "Anda"\n'
    file = tmp_path / "directory.toml"
    file.write_text(unit + EXAMPLES["directory"], "utf-8")
    contact = load_directory(file).contacts["zhang"]
    assert list(contact.addresses) == [
        "sms", "voice", "apprise", "webhook", "alertmanager", "email", "mqtt",
    ]  # fmt: skip
    assert contact.addresses["sms"] == "13900000000"
    assert contact.addresses["voice"] == "+8613900000000"


def test_the_settings_and_the_commands_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    site = write_small_site(tmp_path / "site")
    (site / "channels.toml").write_text(EXAMPLES["sms"], "utf-8")
    config = tmp_path / "site.toml"
    config.write_text('[site]\nfolder = "site"\n' + EXAMPLES["settings"], "utf-8")
    settings = load_settings(config)
    assert settings.notify.secret_dir == tmp_path / "keys"
    assert settings.notify.replies.secrets["anda"].get_secret_value()
    told = re.search(r"(LIFTWATCH_NOTIFY__REPLIES__SECRETS)='(.*?)'", TEXT)
    assert told
    monkeypatch.setenv(told[1], told[2])
    from_environment = load_settings(config).notify.replies.secrets["anda"]
    assert from_environment.get_secret_value() == "…"
    monkeypatch.chdir(tmp_path)
    for line in EXAMPLES["try"].splitlines():
        done = CliRunner().invoke(build(["channel"]), shlex.split(line)[1:])
        assert done.exit_code == 0, (line, done.output)
        assert not any(value in done.output for value in KEYS.values())


async def test_a_receiver_that_checks_as_the_page_says(webhook: Webhook) -> None:
    channel = WebhookChannel("geheim", clock_ms=wall_ms)
    await channel.send(trial("webhook", webhook.url, "zh", wall_ms(), "http://x"))
    await channel.close()
    got = webhook.accepted[0]
    names = ("X-Liftwatch-Timestamp", "X-Liftwatch-Signature-V2")
    headers = {name: got.headers[name.lower()] for name in names}
    genuine = code("verify")["genuine"]
    assert genuine("geheim", headers, got.body)
    assert not genuine("geheim", headers, got.body + b" ")
    assert not genuine("other", headers, got.body)
    old = headers | {"X-Liftwatch-Timestamp": str(int(headers["X-Liftwatch-Timestamp"]) - 301)}
    assert not genuine("geheim", old, got.body)


def test_alertmanagers_body_has_these_fields() -> None:
    said = json.loads(EXAMPLES["alertmanager"])
    made = alertmanager.message(trial("x", "y", "en", 0, "http://x").page, "en")
    assert set(said) == set(made)
    assert set(said["alerts"][0]) == set(made["alerts"][0])
    assert set(said["alerts"][0]["labels"]) >= set(made["alerts"][0]["labels"])
    assert set(said["alerts"][0]["annotations"]) == set(made["alerts"][0]["annotations"])


async def test_the_sms_gateway_of_the_page(tmp_path: Path, webhook: Webhook) -> None:
    channel = gateway(tmp_path, "sms", webhook)
    item = trial("sms", "13900000000", "zh", wall_ms(), "http://x")
    webhook.say(EXAMPLES["sms-answer"].encode())
    receipt = await channel.send(item)
    assert (receipt.ref, receipt.ask_after_s) == ("m-77", 10)
    sent = webhook.accepted[0]
    assert sent.headers["authorization"] == f"Bearer {KEYS['LIFTWATCH_KEY_SMS']}"
    assert set(sent.json) == {"to", "text", "id"} and sent.path == "/hook/v1/send"
    webhook.say(EXAMPLES["sms-report"].encode())
    told = await channel.ask(item, "m-77")
    await channel.close()
    assert told is not None and (told.fate, told.reply) == (Fate.REACHED, "接单")
    assert webhook.accepted[1].path == "/hook/v1/status/m-77"


async def test_the_voice_gateway_of_the_page(tmp_path: Path, webhook: Webhook) -> None:
    channel = gateway(tmp_path, "voice", webhook)
    webhook.say(b"OK 1")
    await channel.send(trial("voice", "119", "zh", wall_ms(), "http://x"))
    await channel.close()
    form = answer.parsed(webhook.accepted[0].body, "application/x-www-form-urlencoded")
    assert (form["called"], form["notify"]) == ("119", "http://back/1")
    assert "http" not in form["say"]
    spec = channel.spec.receipt
    assert spec is not None
    kind = "application/x-www-form-urlencoded"
    told = report(spec, answer.parsed(EXAMPLES["voice-report"].strip().encode(), kind))
    assert told.fate is Fate.READ
    assert spec.replies[told.reply or ""] is Step.ACCEPT


@pytest.mark.parametrize("address", EXAMPLES["apprise"].split())
def test_the_robots_of_the_page_are_known(address: str) -> None:
    shown = LongTailChannel(SECRETS).show(trial("apprise", address, "zh", 0, "http://x"))
    assert shown.startswith("apprise ")
    assert "0123456789abcdef" not in shown


def test_the_words_of_the_page_are_understood() -> None:
    table = TEXT.partition("<!-- example: words -->")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:4]] for row in table.splitlines()[3:]]
    assert len(rows) == 6
    for zh, en, step in rows:
        for word in (zh, en):
            said = understand(word)
            assert isinstance(said, Said) and said.step == step.strip("`"), word


async def test_answers_by_web_hook_and_mqtt_as_the_page_says(tmp_path: Path) -> None:
    notify = Notify.model_validate({"replies": {"secrets": {"anda": "anda-secret"}}})
    house = House(tmp_path, notify=notify)
    alert = house.raise_alert(0)
    headers, body = code("reply")["signed_reply"]("anda-secret", f"{alert}:maintenance:c-anda:mqtt")
    headers["Accept-Language"] = "en"
    transport = httpx.ASGITransport(create_app(house))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        told = await client.post("/replies/anda", content=body, headers=headers)
    assert (told.status_code, told.json()) == (200, json.loads(EXAMPLES["reply-answer"]))
    token = house.desk.pages.links.token(alert, "c-anda", house.now_ms())
    payload = EXAMPLES["mqtt"].replace("TOKEN", token).encode()
    topic = "liftwatch/v1/replies/anda/c-anda"
    said, key = take(house.incoming.replies, topic, payload, house.now_ms())
    assert (said.code, said.step, key) == ("done", "arrive", "r-2")
    house.engine.dispose()


def test_no_example_is_left_out() -> None:
    named = set(re.findall(r"<!-- example: ([\w-]+) -->", TEXT))
    here = Path(__file__).read_text("utf-8")
    used = set(re.findall(r'(?:EXAMPLES\[|code\(|gateway\(tmp_path, )"([\w-]+)"', here))
    assert named - {"words"} == used
