from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerts.database.access import open_engine
from alerts.migrations import migrate
from config.errors import ConfigError
from monitor.commands.tokens import app
from monitor.web import tokens
from tests.support.accounts import add_account


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A configuration with two accounts."""
    config = tmp_path / "site.toml"
    config.write_text('data_dir = "var"\n[web]\ntoken_days = 100\n', "utf-8")
    url = f"sqlite:///{tmp_path / 'var' / 'liftwatch.db'}"
    migrate(url)
    engine = open_engine(url)
    add_account(engine, "zhang", "a long password", "operator")
    add_account(engine, "root", "a long password", "admin")
    engine.dispose()
    return config


def run(config: Path, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--config", str(config)])
    if isinstance(result.exception, ConfigError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_token_is_made_listed_and_revoked(site: Path) -> None:
    text = run(site, "add", "zhang", "--name", "月报", "--days", "90", "--scope", "act").strip()
    engine = open_engine(f"sqlite:///{site.parent / 'var' / 'liftwatch.db'}")
    found = tokens.check(engine, text)
    assert found and found.scope == {"read", "act"} and "liftwatch token" in found.created_by
    listed = run(site, "list")
    assert listed.split("\t")[1:5] == ["zhang", "月报", "read,act", "good"]
    assert text not in listed
    assert run(site, "list", "--owner", "root") == ""
    assert run(site, "revoke", text).endswith("revoked\n")
    assert run(site, "revoke", str(found.id)).endswith("was revoked before\n")
    assert "\trevoked\t" in run(site, "list")
    engine.dispose()


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("add", "nobody", "--name", "x", "--days", "1"), "owner"),
        (("add", "zhang", "--name", "x", "--days", "101"), "days"),
        (("add", "zhang", "--name", "x", "--days", "1", "--scope", "admin"), "scope"),
        (("revoke", "9"), "token"),
        (("revoke", "lw_000000000000_wrong"), "token"),
    ],
)
def test_what_cannot_be_is_refused_by_name(site: Path, words: tuple[str, ...], field: str) -> None:
    with pytest.raises(ConfigError) as refused:
        run(site, *words)
    assert refused.value.key == field
    assert "wrong" not in str(refused.value), "a token typed wrong is not repeated whole"
