"""What history holds of one lift beside its samples: messages, refusals, gaps of its gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from monitor.store.history import History

MOST_REFUSALS = 200


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the controller. state: 0 off, 1 on, 2 once."""

    ts_ms: int
    code: int
    state: int
    late: bool


Place = tuple[int, int, int]
"""Where a message stands in the order of `messages`: ts_ms, code, state."""


def messages(
    history: History,
    lift: int,
    from_ms: int,
    to_ms: int,
    limit: int,
    code: int | None = None,
    after: Place | None = None,
) -> list[Message]:
    """Return messages of registry row `lift` in [from_ms, to_ms), the newest first.

    `after`: only those that stand behind this one in that order, whether it is there or not.
    """
    ts_ms, number, state = after or (None, None, None)
    db = history.reader()
    try:
        rows = db.execute(
            "SELECT ts_ms, code, state, late FROM message WHERE lift = ? AND ts_ms >= ?"
            " AND ts_ms < ? AND (? IS NULL OR code = ?) AND (? IS NULL OR ts_ms < ? OR"
            " (ts_ms = ? AND (code > ? OR (code = ? AND state < ?))))"
            " ORDER BY ts_ms DESC, code, state DESC LIMIT ?",
            (lift, from_ms, to_ms, code, code, ts_ms, ts_ms, ts_ms, number, number, state, limit),
        ).fetchall()
    finally:
        db.close()
    return [Message(int(ts), int(code), int(state), bool(late)) for ts, code, state, late in rows]


def codes(history: History, lift: int, from_ms: int, to_ms: int) -> list[tuple[int, int, int]]:
    """Return (code, how often, last ts_ms) of a span, the most frequent first; without "off"."""
    db = history.reader()
    try:
        rows = db.execute(
            "SELECT code, count(*), max(ts_ms) FROM message WHERE lift = ? AND ts_ms >= ?"
            " AND ts_ms < ? AND state != 0 GROUP BY code ORDER BY 2 DESC, 1",
            (lift, from_ms, to_ms),
        ).fetchall()
    finally:
        db.close()
    return [(int(code), int(n), int(last)) for code, n, last in rows]


def refusals(history: History, reg_code: str, from_ms: int, to_ms: int) -> list[dict[str, Any]]:
    """Return what was refused of this lift, the newest first: at_ms, reason, field, value, limit.

    At most MOST_REFUSALS messages are looked into; the quarantine itself is bounded.
    """
    db = history.reader()
    try:
        rows = db.execute(
            "SELECT id, at_ms, refusals FROM quarantine WHERE at_ms >= ? AND at_ms < ?"
            " AND contains(refusals, ?) ORDER BY id DESC LIMIT ?",
            (from_ms, to_ms, reg_code, MOST_REFUSALS),
        ).fetchall()
    finally:
        db.close()
    found = []
    for number, at_ms, text in rows:
        for one in orjson.loads(text):
            if one.get("lift") == reg_code:
                names = ("reason", "field", "value", "limit", "way_out")
                told = {name: one.get(name) for name in names}
                found.append({"id": int(number), "at_ms": int(at_ms)} | told)
    return found
