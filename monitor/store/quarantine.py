"""Looking into the quarantine: what was refused, why, and the bytes themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from monitor.store.history import History

BYTES_SHOWN = 4096


@dataclass(frozen=True, slots=True)
class Kept:
    """One message in quarantine. `refusals` as the gateway was told; `payload` its first bytes."""

    id: int
    at_ms: int
    gateway: str
    topic: str
    reason: str
    refusals: list[dict[str, Any]]
    size: int
    payload: bytes


def recent(
    history: History, limit: int, before_id: int | None = None, gateway: str | None = None
) -> list[Kept]:
    """Return what was kept, newest first; `before_id` and `gateway` narrow it."""
    db = history.reader()
    try:
        rows = db.execute(
            "SELECT id, at_ms, gateway, topic, reason, refusals, size, payload[:?] "
            "FROM quarantine WHERE id < ? AND (? IS NULL OR gateway = ?) "
            "ORDER BY id DESC LIMIT ?",
            (BYTES_SHOWN, before_id or 2**62, gateway, gateway, limit),
        ).fetchall()
    finally:
        db.close()
    return [
        Kept(number, at_ms, name, topic, reason, orjson.loads(refusals), size, bytes(first))
        for number, at_ms, name, topic, reason, refusals, size, first in rows
    ]


def payload(history: History, number: int) -> bytes | None:
    """Return all bytes of one kept message, or None where there is none of that number."""
    db = history.reader()
    try:
        row = db.execute("SELECT payload FROM quarantine WHERE id = ?", (number,)).fetchone()
    finally:
        db.close()
    return bytes(row[0]) if row else None


def count(history: History) -> int:
    """Return how many messages are kept."""
    db = history.reader()
    try:
        row = db.execute("SELECT count(*) FROM quarantine").fetchone()
    finally:
        db.close()
    return int(row[0]) if row else 0
