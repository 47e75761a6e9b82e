"""Moments as people write them: 2026-03-02, 2026-03-02T08:00, with a zone or in the site's."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from config.errors import ConfigError
from config.text import Text

FORMS = Text(
    "应为 2026-03-02、2026-03-02T08:00 或带时区的 2026-03-02T08:00+08:00",
    "must be 2026-03-02, 2026-03-02T08:00, or with a zone 2026-03-02T08:00+08:00",
)


def moment(text: str, zone: ZoneInfo, where: tuple[str, str], to_the_end: bool = False) -> int:
    """Return ms since epoch UTC; without a zone the text is meant in `zone`.

    to_the_end: a day alone means its end, so that a span from 1 to 31 has the 31st in it.
    where: (file or command, field) for the ConfigError that is raised for anything else.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(*where, text, FORMS) from None
    if to_the_end and len(text.strip()) <= len("2026-03-02"):
        at += timedelta(days=1)
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone)
    return round(at.timestamp() * 1000)


def told(at_ms: int, zone: ZoneInfo) -> str:
    """Return a moment as `moment` reads it, to the second."""
    return datetime.fromtimestamp(at_ms / 1000, zone).isoformat(timespec="seconds")
