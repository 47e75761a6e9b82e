"""A bad configuration stops with file, key, value and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.settings import load_settings


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "liftwatch.toml"
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "key", "value", "right"),
    [
        ("[web]\nprot = 1\n", "web.prot", "1", "no such key"),
        ("[web]\nport = 99999\n", "web.port", "99999", "65535"),
        ("[web]\nport = 'eighty'\n", "web.port", "'eighty'", "integer"),
        ("[mqtt]\nurl = 'http://x'\n", "mqtt.url", "'http://x'", "mqtt://HOST:PORT"),
        ("[mqtt]\nurl = 'mqtt://u:p@x'\n", "mqtt.url", "mqtt", "keys of their own"),
        ("[site]\ntimezone = 'Mars/Base'\n", "site.timezone", "'Mars/Base'", "Asia/Shanghai"),
        ("[ingest]\nbatch_ms = 0\n", "ingest.batch_ms", "0", "greater than or equal to 5"),
        ("not toml", "TOML", "", "not TOML"),
    ],
)
def test_refusals_name_everything(
    tmp_path: Path, text: str, key: str, value: str, right: str
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    message = str(caught.value)
    assert str(file) in message
    assert f"{key} = " in message
    assert value in message
    assert right in message
    assert any("\u4e00" <= letter <= "\u9fff" for letter in message)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be there"):
        load_settings(tmp_path / "none.toml")


def test_a_bad_secret_is_not_shown(tmp_path: Path) -> None:
    file = written(tmp_path, "[mqtt]\npassword = 12345\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert "12345" not in str(caught.value)


def test_the_environment_wins_and_paths_are_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFTWATCH_WEB__PORT", "8099")
    monkeypatch.setenv("LIFTWATCH_MQTT__PASSWORD", "hush")
    text = "data_dir = 'state'\n[web]\nhost = '127.0.0.2'\nport = 1\n[site]\nfolder = 'site'\n"
    settings = load_settings(written(tmp_path, text))
    assert (settings.web.host, settings.web.port) == ("127.0.0.2", 8099)
    assert settings.data_dir == tmp_path / "state"
    assert settings.site.folder == tmp_path / "site"
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.get_secret_value() == "hush"
    assert "hush" not in repr(settings)


def test_defaults_stay_on_loopback() -> None:
    settings = load_settings()
    assert settings.web.host == "127.0.0.1"
    assert settings.mqtt.host == "127.0.0.1"
    assert settings.mqtt.password is None
