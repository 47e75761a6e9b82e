"""Times in story files: `+01:30` after the start, `5m` long, an instant with its zone."""

from __future__ import annotations

import re
from datetime import datetime

_MARK = re.compile(r"\+(?:(\d+):)?(\d{1,3}):(\d{2}(?:\.\d+)?)")
_LENGTH = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


def read_mark(text: object) -> float | None:
    """Read `+mm:ss` or `+h:mm:ss`; seconds after the start, None for anything else."""
    match = _MARK.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    return int(match[1] or 0) * 3600 + int(match[2]) * 60 + float(match[3])


def read_length(text: object) -> float | None:
    """Read `90s`, `5m`, `1h30m`; seconds, None for anything else."""
    match = _LENGTH.fullmatch(text) if isinstance(text, str) and text else None
    if match is None:
        return None
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + float(match[3] or 0)


def read_instant(value: object) -> int | None:
    """Read an RFC 3339 string or TOML date-time with zone; ms since epoch UTC, else None."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        return None
    return round(value.timestamp() * 1000)
