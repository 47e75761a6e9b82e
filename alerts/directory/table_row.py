"""One table of a file of the site: every getter refuses with the key's full name.

A refusal names file, key, value and what would be right; texts lose blanks at both ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from alerts.directory.roster import moment_ms
from config.errors import ConfigError
from config.text import Text

MIDNIGHT = time(0)
MANY = 20
PLACES = 7  # decimals of a degree: 1 cm


def refuse(file: Path | str, key: str, value: object, right: str | Text) -> NoReturn:
    """Raise the ConfigError; `right` = what the value should be."""
    text = right if isinstance(right, Text) else Text(f"应为：{right}", f"should be: {right}")
    raise ConfigError(file, key, value, text)


def rows(file: Path | str, data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the tables of an array of tables. Raises ConfigError for anything else."""
    found = data.get(name, [])
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        refuse(file, name, found, f"[[{name}]]")
    return list(found)


def _some(allowed: Collection[str]) -> str:
    """What may stand there; of many, the first."""
    named = list(allowed)
    more = f" | … ({len(named)})" if len(named) > MANY else ""
    return " | ".join(named[:MANY]) + more or "(none known)"


@dataclass(frozen=True)
class Row:
    """One table. `file` and `at` ("contact[3]") begin the name of every key in a refusal."""

    file: Path | str
    at: str
    row: Mapping[str, Any]

    def only(self, *names: str) -> None:
        """Refuse keys that are not among these."""
        unknown = sorted(set(self.row) - set(names))
        if unknown:
            self.refuse(unknown[0], self.row[unknown[0]], " | ".join(names))

    def refuse(self, key: str, value: object, right: str | Text) -> NoReturn:
        """Raise the ConfigError for a key of this table."""
        refuse(self.file, f"{self.at}.{key}", value, right)

    def word(self, key: str, default: str | None = None) -> str:
        """Return a text; without a default it must be there."""
        value = self.row.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.refuse(key, value, "text / 文字")
        if any(ord(sign) < 32 or ord(sign) == 127 for sign in value):
            self.refuse(key, value, "text on one line / 单行文字")
        return value.strip()

    def one_of(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """Return a text that is one of these."""
        value = self.word(key, default)
        if value not in allowed:
            self.refuse(key, value, _some(allowed))
        return value

    def words(self, key: str, allowed: Collection[str] | None = None) -> tuple[str, ...]:
        """Return a list of texts, each one of these."""
        values = self.row.get(key, [])
        if not isinstance(values, list):
            self.refuse(key, values, "a list / 列表")
        for value in values:
            if not isinstance(value, str) or not value or (allowed and value not in allowed):
                self.refuse(key, value, _some(allowed) if allowed else "text / 文字")
            if allowed is not None and not allowed:
                self.refuse(key, value, _some(allowed))
        return tuple(values)

    def degrees(self, key: str, limit: float) -> float | None:
        """Return a place in degrees, None where it is not given."""
        value = self.row.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > limit:
            self.refuse(key, value, f"-{limit:g}..{limit:g}")
        return round(float(value), PLACES)

    def clock(self, key: str, default: time | None = None) -> time | None:
        """Return a time of day; `default` where it is not given."""
        value = self.row.get(key, default)
        if value is None or isinstance(value, time):
            return value
        try:
            return time.fromisoformat(str(value))
        except ValueError:
            self.refuse(key, value, "HH:MM")

    def day(self, key: str, default: date | None = None) -> date | None:
        """Return a date; `default` where it is not given."""
        value = self.row.get(key, default)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            self.refuse(key, value, "a date such as 2026-01-05 / 日期")
        return value

    def known_day(self, key: str) -> date:
        """Return a date that must be there."""
        value = self.day(key)
        if value is None:
            self.refuse(key, None, "a date such as 2026-01-05 / 日期")
        return value

    def moment(self, key: str, tz: tzinfo, end: bool = False) -> int:
        """Return a local time as epoch ms; a bare date is its midnight, with `end` the next one."""
        value = self.row.get(key)
        if isinstance(value, datetime) and value.tzinfo is None:
            return moment_ms(value.date(), value.time(), tz)
        if isinstance(value, datetime) or not isinstance(value, date):
            right = "local time such as 2026-10-01T08:00:00 or a date / 当地时间或日期"
            self.refuse(key, value, right)
        return moment_ms(value + timedelta(days=int(end)), MIDNIGHT, tz)

    def zone(self, key: str, default: str) -> ZoneInfo:
        """Return a time zone by its IANA name."""
        name = self.word(key, default)
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            self.refuse(key, name, "an IANA zone such as Asia/Shanghai / IANA 时区名")
