"""The command line as a person meets it: real processes, exit codes, words in both languages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.secret import load_secret
from tests.support.site import write_small_config


def liftwatch(*args: str | Path, cwd: Path, said: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "monitor", *map(str, args)]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        command,
        check=False,
        cwd=cwd,
        env=env,
        input=said,
        capture_output=True,
        text=True,
        timeout=180,
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_small_config(tmp_path).parent


def test_help_teaches_with_examples(tmp_path: Path) -> None:
    done = liftwatch("--help", cwd=tmp_path)
    assert done.returncode == 0
    for words in ("liftwatch run --config", "示例", "电梯安全运行监测", "replay", "demo", "check"):
        assert words in done.stdout
    for command in ("run", "demo", "replay", "simulate", "check"):
        assert liftwatch(command, "--help", cwd=tmp_path).returncode == 0


def test_check_says_what_a_site_has(site: Path) -> None:
    done = liftwatch("check", "--config", "site.toml", cwd=site)
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 lifts 电梯, 3 gateways 网关" in done.stdout
    assert not (site / "var").exists(), "check makes nothing"


def test_check_warns_of_whom_no_page_would_reach(site: Path) -> None:
    file = site / "site" / "directory.toml"
    text = file.read_text("utf-8")
    more = 'email = "a@b"\nsms = "119"\napprise = "wecombot://{secret:none}"\n'
    channels = 'channels = ["email", "sms", "apprise", "mqtt"]'
    old, new = 'mqtt = true\nchannels = ["mqtt"]', f"mqtt = true\n{more}{channels}"
    file.write_text(text.replace(old, new, 1), "utf-8")
    done = liftwatch("check", "--config", "site.toml", cwd=site)
    assert done.returncode == 0
    for words in (
        "by email: set notify.smtp.host",
        "by sms: set channels.toml [sms]",
        "by apprise: {secret:none}: there is no such secret",
        "警告",
    ):
        assert words in done.stderr
    assert len(done.stderr.splitlines()) == 3


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("site.toml", "[site]", "[sight]", ("site.toml", "sight", "no such key", "没有这个键")),
        ("site/lifts.csv", "residential,1.75", "residential,fast", ("line 2, rated_speed", "fast")),
        ("site/directory.toml", '"uu-1"', '"uu-9"', ("directory.toml", "uu-")),
        ("site/gateways.csv", "gw-0", "gw 0", ("gateways.csv", "line 2, id", "gw 0")),
    ],
)
def test_a_bad_configuration_stops_with_file_key_and_value(
    site: Path, file: str, old: str, new: str, told: tuple[str, ...]
) -> None:
    path = site / file
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    for command in ("check", "run"):
        done = liftwatch(command, "--config", "site.toml", cwd=site)
        assert done.returncode == 2
        for words in told:
            assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert not (site / "var" / "liftwatch.db").exists(), "nothing was made"


def test_a_rule_file_that_cannot_be_meant_stops_the_start(site: Path) -> None:
    (site / "site" / "rules.toml").write_text(
        'version = 1\n[[rule]]\nid = "1"\nname_zh = "困人"\nname_en = "trapped"\n'
        'when = "passanger and speed == 0"\nseverity = "critical"\nchain = "R"\n',
        "utf-8",
    )
    done = liftwatch("check", "--config", "site.toml", cwd=site)
    assert done.returncode == 2
    for words in ("rules.toml", "rule 1", "column 1", "passanger", "passenger"):
        assert words in done.stderr


def test_accounts_are_made_from_standard_input_and_never_shown(site: Path) -> None:
    config = ("--config", "site.toml")
    made = liftwatch("user", "add", "张伟", *config, cwd=site, said="a long password\n")
    assert (made.returncode, made.stderr) == (0, "")
    assert "a long password" not in made.stdout
    again = liftwatch("user", "add", "张伟", *config, cwd=site, said="a long password\n")
    assert again.returncode == 2
    assert "张伟" in again.stderr
    short = liftwatch("user", "add", "李娜", *config, cwd=site, said="short\n")
    assert short.returncode == 2
    assert "at least 10" in short.stderr
    assert liftwatch("user", "list", *config, cwd=site).stdout == "张伟\toperator\t-\n"
    assert liftwatch("user", "remove", "张伟", *config, cwd=site).returncode == 0
    assert liftwatch("user", "list", *config, cwd=site).stdout == ""


def test_two_services_on_one_folder_are_named_not_traced_back(site: Path) -> None:
    from devices.vocabulary import load_vocabulary
    from monitor.store.history import History

    held = History(site / "var" / "history", load_vocabulary())
    try:
        done = liftwatch("run", "--config", "site.toml", cwd=site)
    finally:
        held.close()
    assert done.returncode == 2
    assert "another liftwatch uses this folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_secrets_are_private(tmp_path: Path) -> None:
    secret = load_secret(tmp_path)
    assert len(secret) == 32
    assert load_secret(tmp_path) == secret
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0


def test_the_demo_district_at_speed(tmp_path: Path) -> None:
    """The short form of `liftwatch demo --seconds 60 --json`."""
    done = liftwatch("demo", "--seconds", "12", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["lifts"] >= 200
    assert said["samples_stored"] == said["samples_published"] > 10_000
    assert said["alerts_raised"] >= 1
    assert said["pages_delivered"] >= 1
    assert said["seconds_to_first_trapped_alert"] <= 60
    assert said["raised_in_time"] + said["raised_late"] >= 1
