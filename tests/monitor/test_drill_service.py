"""A drill begun from the command line, sent by the running service, answered by one thumb."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from pathlib import Path

from typer.testing import CliRunner

from monitor.cli import build
from tests.support.brokers import TestBroker
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until
from tests.support.webhook import Webhook

CHAIN = """
[[chain.{id}.step]]
id = "maintenance"
after_s = 0
to = ["maintenance"]
until = ["accepted", "freed"]
name_zh = "通知维保"
name_en = "tell the firm"
[[chain.{id}.step]]
id = "station"
after_s = 2
to = ["rescue_station"]
until = ["arrived"]
name_zh = "无人到场"
name_en = "nobody is there"
"""


def chains() -> str:
    text = "version = 1\n[profile.urban]\narrival_s = 60\n"
    for name in "RFAOU":
        rescue = "rescue = true\n" if name == "R" else ""
        text += f'[chain.{name}]\n{rescue}name_zh = "链"\nname_en = "chain"\n'
        text += CHAIN.format(id=name)
    return text


def liftwatch(service: ServiceProcess, *words: str) -> str:
    result = CliRunner().invoke(build([words[0]]), [*words, "--config", str(service.config)])
    assert result.exit_code == 0, result.output
    return result.output


def tap(link: str, step: str, **form: str) -> None:
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{link}/{step}", body)) as answer:
        assert answer.status == 200


def test_a_drill_over_the_whole_way(
    tmp_path: Path, spawn: Spawn, webhook: Webhook, mosquitto: TestBroker
) -> None:
    write_small_site(tmp_path / "site", webhook=webhook.url)
    (tmp_path / "site" / "chains.toml").write_text(chains(), "utf-8")
    service = ServiceProcess(spawn, tmp_path, mosquitto.url).start()
    try:
        liftwatch(service, "drill", "start", "--lift", reg_code(1))
        until(lambda: len(webhook.accepted) >= 2, 30, "the first page and the chain's next step")
        pages = [one.json["page"] for one in webhook.accepted]
        assert [page["step"] for page in pages] == ["maintenance", "station"]
        assert all(page["exercise"] and "【演练】" in page["title"]["zh"] for page in pages)
        link = pages[0]["link"]
        for step in ("accept", "arrive", "free"):
            tap(link, step)
        tap(link, "file_cause", cause="false.nobody")
        (row,) = map(json.loads, liftwatch(service, "drill", "list", "--json").splitlines())
        assert row["closed_ms"] and row["on_time"] is True
        assert 0 <= row["ms"]["delivered"] < 20_000
        assert row["ms"]["answer"] <= row["ms"]["whole"]
        liftwatch(service, "story", "1", "--out", str(tmp_path / "drill.pdf"))
        assert (tmp_path / "drill.pdf").read_bytes().startswith(b"%PDF")
    finally:
        assert service.stop() == 0
