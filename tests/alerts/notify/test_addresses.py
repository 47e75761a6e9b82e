"""Addresses of short message, telephone, Alertmanager and apprise in the directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.directory.directory_file import load_directory
from alerts.notify.addresses import more_addresses
from config.errors import ConfigError

UNIT = '[[unit]]\nid = "anda"\nkind = "maintenance"\nname_zh = "安达"\nname_en = "Anda"\n'
WHO = '[[contact]]\nid = "zhang"\nunit = "anda"\nname = "张伟"\nphone = "139 0000-0000"\n'


def refuse(key: str, value: object, right: str) -> None:
    raise AssertionError(f"{key} = {value}: {right}")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({}, {}),
        ({"sms": False, "voice": "", "apprise": None}, {}),
        ({"sms": True, "phone": "139 0000-0000"}, {"sms": "13900000000"}),
        ({"sms": "true", "phone": "13900000000"}, {"sms": "13900000000"}),
        ({"voice": 119, "sms": "no"}, {"voice": "119"}),
        ({"voice": "+86 139 0000 0000"}, {"voice": "+8613900000000"}),
        ({"alertmanager": "https://x/y"}, {"alertmanager": "https://x/y"}),
        ({"apprise": "wecombot://{secret:a}"}, {"apprise": "wecombot://{secret:a}"}),
    ],
)
def test_what_is_an_address(row: dict[str, Any], found: dict[str, str]) -> None:
    assert more_addresses(row, refuse) == found


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('sms = "call me"', ("sms", "call me", "3–20")),
        ("voice = 1.5", ("voice", "1.5")),
        ('sms = "12"', ("sms", "12")),
        ('alertmanager = "ftp://x"', ("alertmanager", "http://")),
        ('apprise = "wecom"', ("apprise", "SCHEME://")),
        ('channels = ["sms"]', ("channels", "sms = … is missing")),
        ('fax = "1"', ("fax", "sms | voice | alertmanager | apprise")),
        ("", ("channels", "mqtt, webhook, email, alertmanager, sms, voice, apprise")),
    ],
)
def test_what_is_none_is_refused_by_name(tmp_path: Path, line: str, told: tuple[str, ...]) -> None:
    file = tmp_path / "directory.toml"
    file.write_text(f"{UNIT}{WHO}{line}\n", "utf-8")
    with pytest.raises(ConfigError) as refused:
        load_directory(file)
    for words in told:
        assert words in str(refused.value)


def test_true_without_a_phone_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "directory.toml"
    file.write_text(UNIT + WHO.replace("139 0000-0000", "") + "sms = true\n", "utf-8")
    with pytest.raises(ConfigError, match="true with a phone"):
        load_directory(file)
