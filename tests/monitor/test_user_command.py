"""`liftwatch user …` keeps to the rules of the console: it is the same code behind both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from alerts.database.access import open_engine, reading
from alerts.database.tables import journal
from config.errors import ConfigError
from monitor.commands.accounts import app
from tests.support.accounts import WHO, accounts
from tests.support.site import write_small_config

PASSWORD = "a long password"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_small_config(tmp_path)


def user(config: Path, *words: str, said: str = PASSWORD) -> str:
    result = CliRunner().invoke(app, [*words, "--config", str(config)], input=said + "\n")
    if isinstance(result.exception, ConfigError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_what_is_done_stands_in_the_journal_and_no_password(site: Path) -> None:
    user(site, "add", "boss", "--role", "admin")
    user(site, "add", "li", "--role", "firm", "--unit", "firm-1")
    assert user(site, "list") == "boss\tadmin\t-\nli\tfirm\tfirm-1\n"
    user(site, "passwd", "li", said="another long one")
    user(site, "remove", "li")
    engine = open_engine(f"sqlite:///{site.parent / 'var' / 'liftwatch.db'}")
    with reading(engine) as conn:
        rows = conn.execute(select(journal).order_by(journal.c.id)).mappings().all()
    engine.dispose()
    told: list[dict[str, Any]] = [json.loads(row["data"]) for row in rows]
    assert [(one["what"], one["account"]) for one in told] == [
        ("added", "boss"), ("added", "li"), ("password_set", "li"), ("removed", "li"),
    ]  # fmt: skip
    assert all("(liftwatch user)" in row["actor"] for row in rows)
    assert PASSWORD not in str(told) and "another" not in str(told)


def test_it_ends_an_invitation(site: Path) -> None:
    user(site, "add", "boss", "--role", "admin")
    engine = open_engine(f"sqlite:///{site.parent / 'var' / 'liftwatch.db'}")
    book = accounts(engine)
    token = book.invite("li", "operator", None, WHO)
    user(site, "passwd", "li")
    assert book.invited(token) is None
    engine.dispose()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("remove", "boss"), "last administrator"),
        (("add", "li", "--role", "firm", "--unit", "firm-9"), "firm-1 | firm-2"),
        (("add", "li", "--role", "firm"), "unit = ''"),
        (("add", "li", "--unit", "firm-1"), "unit = 'firm-1'"),
        (("add", "boss"), "is taken"),
        (("add", "li", "--role", "root"), "operator | firm | admin | viewer"),
        (("passwd", "nobody"), "no such account"),
        (("remove", "nobody"), "no such account"),
    ],
)
def test_what_cannot_be_is_refused_by_name(site: Path, words: tuple[str, ...], told: str) -> None:
    user(site, "add", "boss", "--role", "admin")
    with pytest.raises(ConfigError) as refused:
        user(site, *words)
    assert told in str(refused.value)
    assert user(site, "list") == "boss\tadmin\t-\n"
