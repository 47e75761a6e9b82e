from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerts.database.access import open_engine, writing
from alerts.journal.journal import Line, append
from alerts.migrations import migrate
from config.errors import ConfigError
from config.settings import Audit
from monitor.commands.audit import app
from monitor.heads import DailyHead

DAY = 86_400_000
T0 = 1_767_225_600_000  # 2026-01-01 08:00 in Shanghai


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A configuration, with a journal of ten lines."""
    config = tmp_path / "site.toml"
    config.write_text('data_dir = "var"\n', "utf-8")
    url = f"sqlite:///{tmp_path / 'var' / 'liftwatch.db'}"
    migrate(url)
    write(tmp_path, 10)
    return config


def write(folder: Path, count: int) -> None:
    engine = open_engine(f"sqlite:///{folder / 'var' / 'liftwatch.db'}")
    with writing(engine) as conn:
        append(conn, T0, [Line(None, "tested", data={"n": n}) for n in range(count)])
    engine.dispose()


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(result.exception, ConfigError):
        raise result.exception
    return result.exit_code, result.output


def sql(folder: Path, statement: str) -> None:
    db = sqlite3.connect(folder / "var" / "liftwatch.db")
    with db:
        db.execute(statement)
    db.close()


def test_a_sound_journal_and_one_that_is_not(site: Path) -> None:
    code, told = run("verify", "--config", site)
    assert (code, told.startswith("ok: 10 lines")) == (0, True)
    sql(site.parent, "UPDATE journal SET actor = 'x' WHERE id = 4")
    code, told = run("verify", "--config", site)
    assert code == 1
    assert told == "changed: line 4 was changed · 第 4 行被改动\n"


def test_a_cut_end_is_found_by_the_head(site: Path) -> None:
    heads = site.parent / "heads.txt"
    code, told = run("head", "--config", site, "--append", heads)
    assert code == 0
    assert told.split()[0] == "10"
    assert heads.read_text("utf-8") == told
    sql(site.parent, "DELETE FROM journal WHERE id > 8")
    assert run("verify", "--config", site)[0] == 0
    code, told = run("verify", "--config", site, "--head", heads)
    assert code == 1
    assert "its end was cut off" in told
    assert "截去" in told


def test_many_findings_are_not_all_told(site: Path) -> None:
    write(site.parent, 50)
    sql(site.parent, "UPDATE journal SET role = 'x'")
    code, told = run("verify", "--config", site)
    assert code == 1
    assert len(told.splitlines()) == 21


def test_looking_makes_no_database(tmp_path: Path) -> None:
    config = tmp_path / "site.toml"
    config.write_text('data_dir = "var"\n', "utf-8")
    with pytest.raises(ConfigError, match="no alert database"):
        run("verify", "--config", config)
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("text", ["hello\n", "10 abc\n"])
def test_a_head_file_that_is_none(site: Path, text: str) -> None:
    heads = site.parent / "heads.txt"
    heads.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match="id hash time"):
        run("verify", "--config", site, "--head", heads)


def test_the_head_goes_out_once_a_day(site: Path) -> None:
    file = site.parent / "off" / "heads.txt"
    now = [T0]
    engine = open_engine(f"sqlite:///{site.parent / 'var' / 'liftwatch.db'}")
    daily = DailyHead(engine, Audit(head_file=file), "Asia/Shanghai", lambda: now[0])
    daily.send()  # the folder is not there yet: it is tried again
    assert daily.trouble
    file.parent.mkdir()
    daily.send()
    daily.send()
    assert len(file.read_text("utf-8").splitlines()) == 1
    assert not daily.trouble
    now[0] += 15 * 3_600_000  # 23:00
    daily.send()
    write(site.parent, 3)
    now[0] += 3_600_000  # midnight in Shanghai
    DailyHead(engine, Audit(head_file=file), "Asia/Shanghai", lambda: now[0]).send()
    engine.dispose()
    told = file.read_text("utf-8").splitlines()
    assert [line.split()[0] for line in told] == ["10", "13"]
    assert run("verify", "--config", site, "--head", file)[0] == 0
