"""Addresses of a contact beyond MQTT, web hook and e-mail, as directory.toml writes them.

sms = true            the contact's own phone, or sms = "13900000000"
voice = true          likewise
alertmanager = "…"    a web hook that takes Alertmanager's JSON
apprise = "…"         an apprise URL; its key as {secret:name}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

KEYS = ("sms", "voice", "alertmanager", "apprise")
NUMBER = re.compile(r"\+?[0-9][0-9 -]{1,18}[0-9]")
Refuse = Callable[[str, object, str], object]


def more_addresses(row: Mapping[str, Any], refuse: Refuse) -> dict[str, str]:
    """Return channel → address; `refuse(key, value, what would be right)` raises."""
    found: dict[str, str] = {}
    for key in KEYS:
        value = _plain(row.get(key))
        if value is None or value is False:
            continue
        checked = _CHECKS[key](value, row)
        if checked is None:
            refuse(key, value, _RIGHT[key])
        else:
            found[key] = checked
    return found


def _plain(value: object) -> object:
    """A cell of a spreadsheet is a text or a number where TOML has true, false or a text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    words = {"": None, "true": True, "yes": True, "false": False, "no": False}
    return words.get(value.strip().lower(), value.strip()) if isinstance(value, str) else value


def _number(value: object, row: Mapping[str, Any]) -> str | None:
    said = row.get("phone") if value is True else value
    if not isinstance(said, str) or not NUMBER.fullmatch(said):
        return None
    return re.sub(r"[ -]", "", said)


def _http(value: object, _row: Mapping[str, Any]) -> str | None:
    good = isinstance(value, str) and urlsplit(value).scheme in ("http", "https")
    return str(value) if good else None


def _apprise(value: object, _row: Mapping[str, Any]) -> str | None:
    return value if isinstance(value, str) and re.match(r"[a-z][a-z0-9+.-]*://.", value) else None


_CHECKS = {"sms": _number, "voice": _number, "alertmanager": _http, "apprise": _apprise}
_RIGHT = {
    "sms": "true with a phone, or a number of 3–20 digits / true（须有 phone）或 3–20 位号码",
    "voice": "true with a phone, or a number of 3–20 digits / true（须有 phone）或 3–20 位号码",
    "alertmanager": "http://… or https://…",
    "apprise": "SCHEME://… as apprise has it / apprise 地址",
}
