"""Time in others' forms: epoch in s, ms or us, ISO 8601, or a strftime pattern in a zone."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from devices.codecs.clock import parse_rfc3339

COMMON = "%Y-%m-%d %H:%M:%S"
EPOCH = {"s": 1000.0, "ms": 1.0, "us": 1e-3}
_NUMBER = re.compile(r"-?\d{1,19}(\.\d{1,9})?", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,19}", re.ASCII)
_START = datetime(1970, 1, 1, tzinfo=UTC)


def form(format_: str) -> str:
    """Return a time format in words, for refusals."""
    return f"epoch {format_}" if format_ in EPOCH else {"iso": "ISO 8601"}.get(format_, format_)


def read_time(raw: object, format_: str, zone: ZoneInfo) -> int | None:
    """Return ms since epoch UTC, None where `raw` is no time of this format.

    Numbers may come as texts. A time without zone is one of `zone`; where clocks are set back
    it is the first of the two. Fractions below 1 ms are cut off.
    """
    if format_ in EPOCH:
        return _epoch(raw, EPOCH[format_])
    if not isinstance(raw, str):
        return None
    text = raw.strip()
    if format_ == "iso" and (exact := parse_rfc3339(text)) is not None:
        return exact
    try:
        moment = datetime.fromisoformat(text) if format_ == "iso" else _strptime(text, format_)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    elapsed = moment - _START
    return (elapsed.days * 86_400 + elapsed.seconds) * 1000 + elapsed.microseconds // 1000


def _strptime(text: str, pattern: str) -> datetime:
    if pattern == COMMON and len(text) == 19 and text[4::3] == "-- ::":
        return datetime.fromisoformat(text)  # the same, and fifty times as fast
    return datetime.strptime(text, pattern)  # noqa: DTZ007 - the map's zone is put in by the caller


def _epoch(raw: object, factor: float) -> int | None:
    if isinstance(raw, str):
        text = raw.strip()
        if not _NUMBER.fullmatch(text):
            return None
        raw = int(text) if _WHOLE.fullmatch(text) else float(text)
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        return None
    if isinstance(raw, int) and abs(raw) < 2**62:
        return int(raw * factor) if factor >= 1.0 else raw // 1000
    return math.floor(raw * factor) if abs(raw) < 2**62 else None
