"""Time on the wire: how it is written, and how far from the service's clock it may be."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

from devices.codecs.limits import DAY_MS, Limits
from devices.codecs.refuse import Refusals

_RFC3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?"
    r"(?:([Zz])|([+-])(\d{2}):(\d{2}))",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = -(2**62)
FORM = "epoch ms (integer) or RFC 3339 with zone"


def parse_rfc3339(text: str) -> int | None:
    """Return ms since epoch UTC, fractions below 1 ms cut off; None if it is not RFC 3339.

    A leap second (…:60) counts as the second after it.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, _, sign, zone_hour, zone_minute = match.groups()[6:]
    leap = second == 60
    offset = timedelta(0)
    if sign:
        if int(zone_hour) > 23 or int(zone_minute) > 59:
            return None
        offset = timedelta(hours=int(zone_hour), minutes=int(zone_minute))
        offset = -offset if sign == "-" else offset
    try:
        local = datetime(
            year, month, day, hour, minute, 59 if leap else second, tzinfo=timezone(offset)
        )
    except ValueError:
        return None
    whole = (local - _EPOCH) // timedelta(seconds=1) + leap
    return whole * 1000 + int((fraction or "0")[:3].ljust(3, "0"))


def read_ts(raw: object) -> int | None:
    """Return ms since epoch of a wire timestamp; None where it is neither form."""
    if type(raw) is int:
        return raw
    return parse_rfc3339(raw) if isinstance(raw, str) else None


def read_or_never(raw: int | str) -> int:
    """Return ms since epoch; for a text that is no time, one that no clock rule lets pass."""
    ts_ms = raw if isinstance(raw, int) else parse_rfc3339(raw)
    return NEVER if ts_ms is None else ts_ms


def in_time(ts_ms: int, received_ms: int, limits: Limits) -> bool:
    """True when a timestamp is neither ahead of the service nor older than what is kept."""
    return -limits.oldest_ms <= ts_ms - received_ms <= limits.ahead_ms


def check_ts(
    raw: object,
    received_ms: int,
    limits: Limits,
    refusals: Refusals,
    field: str = "ts",
    lift: str | None = None,
) -> int | None:
    """Return ms since epoch, or None after noting why this time cannot be taken."""
    ts_ms = read_ts(raw)
    if ts_ms is None:
        reason = "missing_field" if raw is None else "wrong_type"
        refusals.add(reason, field, raw, FORM, lift)
    elif ts_ms - received_ms > limits.ahead_ms:
        limit = f"at most {limits.ahead_ms // 1000} s ahead of {_utc(received_ms)}"
        refusals.add("clock_ahead", field, raw, limit, lift)
        ts_ms = None
    elif received_ms - ts_ms > limits.oldest_ms:
        limit = f"not older than {limits.oldest_ms // DAY_MS} days, now {_utc(received_ms)}"
        refusals.add("too_old", field, raw, limit, lift)
        ts_ms = None
    return ts_ms


def late(ts_ms: NDArray[np.int64], received_ms: int, limits: Limits) -> NDArray[np.bool_]:
    """Return bool[n]: older than `late_ms` on arrival, so history only, ringing no bell."""
    return ts_ms < received_ms - limits.late_ms


def _utc(ms: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
