"""`liftwatch channel` as a person meets it, against real receivers."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitor.cli import build
from tests.support.ports import free_port
from tests.support.site import write_small_site
from tests.support.smtp import SmtpServer
from tests.support.webhook import Webhook

SECRET = "k3y-of-the-gateway"


@pytest.fixture
def site(tmp_path: Path, webhook: Webhook, smtp_server: SmtpServer) -> Path:
    write_small_site(tmp_path / "site")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "sms").write_text(SECRET, "utf-8")
    (tmp_path / "site" / "channels.toml").write_text(
        f'[sms]\nurl = "{webhook.url}?key={{secret:sms}}"\n'
        'json = { to = "{to}", text = "{short}" }\n[sms.success]\nref = "id"\n',
        "utf-8",
    )
    (tmp_path / "site.toml").write_text(
        'data_dir = "var"\n[site]\nfolder = "site"\n[notify]\nsecret_dir = "keys"\n'
        'timeout_s = 2\nwebhook_secret = "hush-hush"\n'
        f'[notify.smtp]\nhost = "127.0.0.1"\nport = {smtp_server.port}\nstarttls = false\n',
        "utf-8",
    )
    return tmp_path


def run(site: Path, *args: str) -> Result:
    command = ["channel", *args, "--config", str(site / "site.toml")]
    return CliRunner().invoke(build(["channel"]), command)


def test_a_dry_run_shows_all_and_sends_nothing(site: Path, webhook: Webhook) -> None:
    done = run(site, "try", "sms", "--to", "13900000000", "--dry-run")
    assert done.exit_code == 0, done.output
    assert f"POST {webhook.url}?key=***" in done.output
    assert '"to":"13900000000"' in done.output
    assert "【测试】" in done.output
    assert SECRET not in done.output
    assert webhook.requests == []
    assert not (site / "var").exists(), "looking makes nothing"


def test_a_test_page_is_sent_and_marked(
    site: Path, webhook: Webhook, smtp_server: SmtpServer
) -> None:
    webhook.say({"id": "m-1"})
    done = run(site, "try", "sms", "--to", "13900000000", "--lang", "en")
    assert done.exit_code == 0, done.output
    assert "已送达: HTTP 200" in done.output and "(m-1)" in done.output
    assert webhook.accepted[0].path == f"/hook?key={SECRET}"
    assert webhook.accepted[0].json["text"].startswith("[TEST] TEST, not an alert")
    assert run(site, "try", "email", "--to", "zhang@example.org").exit_code == 0
    assert "测试" in smtp_server.messages[0]["Subject"]
    for name in ("webhook", "alertmanager"):
        assert run(site, "try", name, "--to", webhook.url).exit_code == 0
        assert "TEST" in webhook.accepted[-1].body.decode()


def test_what_went_wrong_is_told_without_the_secret(site: Path, webhook: Webhook) -> None:
    webhook.say({"error": SECRET}, status=500)
    done = run(site, "try", "sms", "--to", "1")
    assert done.exit_code == 1
    assert "未送达: HTTP 500" in done.output
    assert SECRET not in done.output
    done = run(site, "try", "mqtt", "--to", "a/b")
    assert done.exit_code == 1 and "not delivered" in done.output
    done = run(site, "try", "webhook", "--to", f"http://127.0.0.1:{free_port()}/")
    assert done.exit_code == 1 and "ConnectionRefusedError" in done.output
    done = run(site, "try", "voice", "--to", "1")
    assert done.exit_code == 2
    assert "not set up here; there are mqtt, webhook" in done.output


def test_the_list_names_what_is_set_up(site: Path) -> None:
    done = run(site, "list")
    assert [line.split("\t")[0] for line in done.output.splitlines()] == [
        "mqtt", "webhook", "alertmanager", "apprise", "email", "sms",
    ]  # fmt: skip
