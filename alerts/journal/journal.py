"""The append-only journal: the feed of the consoles and the audit trail in one.

Every line carries the hash of the one before (SHA-256 over canonical JSON), so a later audit can
show that no line was changed, removed or slipped in (alerts.journal.audit).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, select

from alerts.database.bulk import insert_rows
from alerts.database.tables import journal
from alerts.model import SYSTEM, Actor, FeedEvent

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be written; id, time and hashes are given by `append`."""

    alert_id: int | None
    kind: str
    actor: Actor = SYSTEM
    data: Mapping[str, Any] = field(default_factory=dict)


def canonical(value: Any) -> str:
    """Return JSON with sorted keys and no blanks: equal content gives equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def digest(prev_hash: str, row: Mapping[str, Any]) -> str:
    """Return the hash of a journal row after `prev_hash`, as 64 hex digits."""
    body = {
        name: row[name]
        for name in ("id", "at_ms", "alert_id", "kind", "actor", "role", "unit", "data")
    }
    return hashlib.sha256((prev_hash + canonical(body)).encode()).hexdigest()


def last_id(conn: Connection) -> int:
    """Return the id of the newest line, 0 for an empty journal."""
    return conn.execute(select(journal.c.id).order_by(journal.c.id.desc()).limit(1)).scalar() or 0


def append(conn: Connection, at_ms: int, lines: Sequence[Line]) -> list[FeedEvent]:
    """Append lines in order inside the caller's write transaction."""
    if not lines:
        return []
    last = conn.execute(
        select(journal.c.id, journal.c.hash).order_by(journal.c.id.desc()).limit(1)
    ).first()
    number, prev = (last.id, last.hash) if last else (0, GENESIS)
    rows: list[dict[str, Any]] = []
    events: list[FeedEvent] = []
    for line in lines:
        number += 1
        row: dict[str, Any] = {
            "id": number,
            "at_ms": at_ms,
            "alert_id": line.alert_id,
            "kind": line.kind,
            "actor": line.actor.name,
            "role": line.actor.role.value,
            "unit": line.actor.unit,
            "data": canonical(line.data),
        }
        row |= {"prev_hash": prev, "hash": digest(prev, row)}
        prev = row["hash"]
        rows.append(row)
        events.append(
            FeedEvent(
                number, at_ms, line.alert_id, line.kind, row["actor"], row["role"], row["unit"],
                line.data,
            )
        )  # fmt: skip
    insert_rows(conn, journal, rows)
    return events
