"""Commands that work on the alert database beside the service: story, drill, quality."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerts.model import Transition
from config.errors import ConfigError
from monitor.cli import build
from monitor.clock import wall_ms
from monitor.offline import Offline, open_offline
from tests.support.site import reg_code, write_small_config

runner = CliRunner()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_small_config(tmp_path)


def trap(config: Path, lift: int = 1) -> Offline:
    site, now = open_offline(config), wall_ms()
    one = Transition("lift", reg_code(lift), "1", True, now, now - 30_000, True, 2)
    site.desk.apply(now, [one])
    return site


def run(config: Path, *words: str) -> str:
    result = runner.invoke(build([words[0]]), [*words, "--config", str(config)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_story_is_written_as_pdf_or_json(config: Path, tmp_path: Path) -> None:
    trap(config)
    pdf, told = tmp_path / "one.pdf", tmp_path / "one.json"
    run(config, "story", "1", "--out", str(pdf), "--lang", "en")
    assert pdf.read_bytes().startswith(b"%PDF")
    run(config, "story", "1", "--out", str(told))
    assert json.loads(told.read_text("utf-8"))["alert"] == 1
    run(config, "story", "1", "--accident", "--out", str(told))
    assert json.loads(told.read_text("utf-8"))["draft"] is True


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("story", "99", "--out", "x.pdf"), "ALERT_ID"),
        (("story", "1", "--out", "x.txt"), "--out"),
        (("story", "1", "--out", "x.pdf", "--lang", "fr"), "--lang"),
    ],
)
def test_what_is_wrong_is_named(config: Path, words: tuple[str, ...], key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        run(config, *words)


def test_a_font_that_cannot_be_embedded_is_refused(config: Path, tmp_path: Path) -> None:
    trap(config)
    (tmp_path / "font.ttf").write_bytes(b"no font at all")
    config.write_text('data_dir = "var"\n[site]\nfolder = "site"\npdf_font = "font.ttf"\n', "utf-8")
    with pytest.raises(ConfigError, match="pdf_font"):
        run(config, "story", "1", "--out", str(tmp_path / "one.pdf"))


def test_a_drill_is_started_listed_and_stopped(config: Path) -> None:
    lift = reg_code(1)
    assert "[EXERCISE]" in run(config, "drill", "start", "--lift", lift, "--minutes", "5")
    (row,) = (json.loads(line) for line in run(config, "drill", "list", "--json").splitlines())
    assert (row["lift"], row["closed_ms"]) == (lift, None)
    assert "stopped" in run(config, "drill", "stop", "1")
    assert "EXERCISE" not in run(config, "drill", "list")  # the table shows times
    result = runner.invoke(build(["drill"]), ["drill", "stop", "99", "--config", str(config)])
    assert (result.exit_code, "no such exercise" in result.output) == (2, True)


def test_the_quality_of_alarms_as_json_and_as_tables(config: Path) -> None:
    trap(config)
    run(config, "drill", "start", "--lift", reg_code(2))
    found = json.loads(run(config, "quality", "--json"))
    assert (found["alarms"], found["left_out"]["exercises"]) == (1, 1)
    table = run(config, "quality", "--from", "2020-01-01", "--positions", "2")
    assert "最频繁" in table and "梧桐苑" in table
    with pytest.raises(ConfigError, match="--from"):
        run(config, "quality", "--from", "2999-01-01")
